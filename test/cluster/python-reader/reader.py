"""Reads a topic of fanlog to its end and prints, as JSON, what stands there: how many records of each name, and by
conversation who sent how much and the texts in their order.

    python reader.py KAFKA REGISTRY_URL TOPIC

Written as someone outside would: published packages, the registry, no code of fanlog.
"""

import json
import sys
from collections import Counter

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from records import Records


def read_to_end(kafka, topic):
    """The values of every record that is there now; those of a partition in the order of the log."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "reader-of-a-test", "enable.auto.commit": False})
    partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    places = [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions]
    ends = {place.partition: consumer.get_watermark_offsets(place, timeout=30)[1] for place in places}
    unread = {partition for partition, end in ends.items() if end > 0}
    consumer.assign(places)
    while unread:
        record = consumer.poll(30)
        if record is None:
            raise TimeoutError(f"{topic} says nothing, and is unread in the partitions {sorted(unread)}")
        if record.error():
            raise RuntimeError(record.error().str())
        partition, position = record.partition(), record.offset() + 1
        if position <= ends[partition]:
            yield record.value()
        if position >= ends[partition]:
            unread.discard(partition)
    consumer.close()


def main(kafka, registry_url, topic):
    records = Records(registry_url)
    names = Counter()
    conversations = {}
    for value in read_to_end(kafka, topic):
        name, fields = records.read(topic, value)
        names[name] += 1
        if "seq" not in fields or "sender" not in fields:
            continue
        conversation = conversations.setdefault(
            fields["conversationId"], {"seq": 0, "events": [], "senders": Counter(), "texts": []}
        )
        # After a crash an event may stand there again: the same number, the same content.
        if fields["seq"] <= conversation["seq"]:
            continue
        conversation["seq"] = fields["seq"]
        conversation["events"].append([fields["seq"], name])
        if name == "MessageSent":
            conversation["senders"][fields["sender"]] += 1
            conversation["texts"].append([fields["sender"], fields["payload"].decode("utf-8")])
    print(json.dumps({"records": names, "conversations": conversations}))


main(*sys.argv[1:])
