"""Writes a YAML 1.2 document as JSON, which is what it means: yaml12.py DOCUMENT > RENDITION."""

import json
import sys

from ruamel.yaml import YAML

reader = YAML(typ="safe", pure=True)
# JSON has no dates: 2026-05-04 is text in YAML 1.2's JSON schema.
reader.constructor.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: node.value)
with open(sys.argv[1], encoding="utf-8") as document:
    json.dump(reader.load(document), sys.stdout, indent=1)
