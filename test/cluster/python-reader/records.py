"""Records of fanlog's topics, read with Confluent's Avro deserializer and fanlog's own registry endpoint."""

import json
import struct
from datetime import datetime

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext


class Records:
    def __init__(self, registry_url):
        self.client = SchemaRegistryClient({"url": registry_url, "max.retries": 0})
        self.deserializer = AvroDeserializer(self.client)

    def read(self, topic, value):
        """Name and fields of a record; the deserializer finds the writer's schema by the id in front of it."""
        fields = self.deserializer(value, SerializationContext(topic, MessageField.VALUE))
        (schema_id,) = struct.unpack(">I", value[1:5])
        return json.loads(self.client.get_schema(schema_id).schema_str)["name"], fields


def as_json(value):
    """What JSON has no word for, for json.dumps: bytes in hexadecimal, times in milliseconds."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    raise TypeError(type(value))
