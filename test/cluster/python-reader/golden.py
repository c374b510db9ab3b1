"""Decodes single records: reads [{"id", "topic", "hex"}] from a file, prints [{"name", "fields"}].

    python golden.py REGISTRY_URL FILE
"""

import json
import sys

from records import Records, as_json

records = Records(sys.argv[1])
with open(sys.argv[2], encoding="utf-8") as file:
    asked = json.load(file)
read = [records.read(record["topic"], bytes.fromhex(record["hex"])) for record in asked]
print(json.dumps([{"name": name, "fields": fields} for name, fields in read], default=as_json))
