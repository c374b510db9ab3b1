-- Not run here: written from ClickHouse's documents (table engines Kafka and ReplacingMergeTree, format AvroConfluent).
--
-- kafka:9092 is a broker, api:8080 an api of fanlog, which serves the schemas under /registry. An address with a path needs a
-- ClickHouse of late 2023 or newer: those of before drop the path, and ask api:8080/schemas/ids/8 (ClickHouse's pull request
-- 55991). timeline.g1 is the topic without FANLOG_PREFIX, in generation 1: README.md here.

-- What comes from the topic. A field that a record does not have (payload of MembersAdded, …) takes its default only with
-- input_format_avro_allow_missing_fields; that is how all five kinds of records pass through one table.
CREATE TABLE timeline_queue
(
    conversationId String,
    seq Int64,
    ordinal Int64,
    sender String,
    time DateTime64(3, 'UTC'),
    position Int64,
    contentType String,
    payload String
)
ENGINE = Kafka
SETTINGS
    kafka_broker_list = 'kafka:9092',
    kafka_topic_list = 'timeline.g1',
    kafka_group_name = 'clickhouse',
    kafka_format = 'AvroConfluent',
    format_avro_schema_registry_url = 'http://api:8080/registry',
    input_format_avro_allow_missing_fields = 1;

-- One row per (conversationId, seq) once parts were merged; read with FINAL, or with LIMIT 1 BY conversationId, seq.
CREATE TABLE messages
(
    conversationId String,
    seq Int64,
    ordinal Int64,
    sender String,
    time DateTime64(3, 'UTC'),
    contentType LowCardinality(String),
    text String
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (conversationId, seq);

-- contentType is empty for every kind but MessageSent.
CREATE MATERIALIZED VIEW timeline_to_messages TO messages AS
SELECT conversationId, seq, ordinal, sender, time, contentType, payload AS text
FROM timeline_queue
WHERE contentType != '';

SELECT toStartOfHour(time) AS hour, count() AS messages FROM messages FINAL GROUP BY hour ORDER BY hour;
