# Prints every row of the Avro files that are named, one JSON object a line: bytes in hexadecimal, times in milliseconds.
import json
import sys

import fastavro


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, 'timestamp'):
        return round(value.timestamp() * 1000)
    return value


for path in sys.argv[1:]:
    with open(path, 'rb') as file:
        for row in fastavro.reader(file):
            print(json.dumps({name: plain(value) for name, value in row.items()}))
