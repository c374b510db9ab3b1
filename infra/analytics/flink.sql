-- Not run here: written from Flink's documents (Kafka SQL connector, format avro-confluent, deduplication).
--
-- kafka:9092 is a broker, api:8080 an api of fanlog, which serves the schemas under /registry. A column that may be null
-- is read as an optional field with the default null, so a record without a payload (MembersAdded, …) is a row without one.
-- Whether your version of the format resolves records of other names so is the first thing to try; where it does not, the
-- job stops at the first of them, and a source in the DataStream API must drop them by the schema id (bytes 1 to 4 of the
-- value; schemas/ids.json: MessageSent is 8). timeline.g1 is the topic without FANLOG_PREFIX, in generation 1: README.md here.

-- The watermark is that of the partition that is furthest behind, so one of the 16 in which nobody writes would hold back every
-- window for ever. After this time without a record it is not waited for.
SET 'table.exec.source.idle-timeout' = '1 min';

CREATE TABLE timeline (
  conversationId STRING NOT NULL,
  seq BIGINT NOT NULL,
  ordinal BIGINT NOT NULL,
  sender STRING NOT NULL,
  `time` TIMESTAMP(3) NOT NULL,
  `position` BIGINT NOT NULL,
  contentType STRING,
  keyId STRING,
  payload BYTES,
  WATERMARK FOR `time` AS `time` - INTERVAL '10' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'timeline.g1',
  'properties.bootstrap.servers' = 'kafka:9092',
  'properties.group.id' = 'flink',
  'scan.startup.mode' = 'earliest-offset',
  'value.format' = 'avro-confluent',
  'value.avro-confluent.url' = 'http://api:8080/registry'
);

-- Each event once: the first of each (conversationId, seq). Its state is a row a message; bound it with
-- table.exec.state.ttl to longer than a fanout is ever behind.
CREATE TEMPORARY VIEW messages AS
SELECT conversationId, seq, sender, `time`, payload
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY conversationId, seq ORDER BY `time` ASC) AS place
  FROM timeline
  WHERE payload IS NOT NULL
)
WHERE place = 1;

-- Messages per minute of the log's clock.
SELECT window_start, COUNT(DISTINCT conversationId || '/' || CAST(seq AS STRING)) AS messages
FROM TABLE(TUMBLE(TABLE timeline, DESCRIPTOR(`time`), INTERVAL '1' MINUTE))
WHERE payload IS NOT NULL
GROUP BY window_start, window_end;
