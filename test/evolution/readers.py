"""Reads every message on a topic twice, as a consumer that was written for one version of the schema and as one that
was written for another, and prints, as JSON, what each of them saw.

    python readers.py KAFKA REGISTRY_URL TOPIC SCHEMA_FILE SCHEMA_FILE

The writer's schema comes from the registry, by the id before each record; Avro resolves it to the reader's.
"""

import json
import struct
import sys
from collections import Counter

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext


def read_to_end(kafka, topic):
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "readers-of-a-test", "enable.auto.commit": False})
    partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    places = [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions]
    unread = sum(consumer.get_watermark_offsets(place, timeout=30)[1] for place in places)
    consumer.assign(places)
    while unread > 0:
        record = consumer.poll(30)
        if record is None or record.error():
            raise RuntimeError(f"{unread} records of {topic} are unread: {record and record.error().str()}")
        unread -= 1
        yield record.value()
    consumer.close()


def main(kafka, registry_url, topic, *schema_files):
    registry = SchemaRegistryClient({"url": registry_url, "max.retries": 0})
    schemas = [open(file, encoding="utf-8").read() for file in schema_files]
    name = json.loads(schemas[0])["name"]
    readers = [AvroDeserializer(registry, schema) for schema in schemas]
    context = SerializationContext(topic, MessageField.VALUE)
    seen = [{"fields": set(), "texts": Counter(), "languages": Counter()} for _ in readers]
    written = Counter()
    for value in read_to_end(kafka, topic):
        (schema_id,) = struct.unpack(">I", value[1:5])
        if json.loads(registry.get_schema(schema_id).schema_str)["name"] != name:
            continue
        written[schema_id] += 1
        for reader, found in zip(readers, seen):
            event = reader(value, context)
            found["fields"].update(event)
            found["texts"][f"{event['conversationId']} {event['seq']} {event['payload'].decode()}"] += 1
            found["languages"][str(event.get("language"))] += 1
    same = all(found["texts"] == seen[0]["texts"] for found in seen)
    readers = [{"fields": sorted(found["fields"]), "languages": found["languages"]} for found in seen]
    print(json.dumps({"written": written, "same": same, "readers": readers}))


main(*sys.argv[1:])
