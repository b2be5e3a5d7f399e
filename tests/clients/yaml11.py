"""Reads the document as YAML 1.1, as many programs do, and holds that against what it means: yaml11.py DOCUMENT RENDITION..."""

import json
import sys

import yaml

document, *renditions = sys.argv[1:]
found = []


def number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def compare(path, read, meant):
    if isinstance(read, dict) and isinstance(meant, dict):
        for key in read:
            if not isinstance(key, str):
                found.append(f"{path}: a key is read as {key!r}")
            elif key not in meant:
                found.append(f"{path}/{key}: is not meant")
            else:
                compare(f"{path}/{key}", read[key], meant[key])
        found.extend(f"{path}/{key}: is not read" for key in meant if key not in read)
    elif isinstance(read, list) and isinstance(meant, list):
        if len(read) != len(meant):
            found.append(f"{path}: {len(read)} items are read, {len(meant)} meant")
        for index, pair in enumerate(zip(read, meant)):
            compare(f"{path}/{index}", *pair)
    elif read != meant or (type(read) is not type(meant) and not (number(read) and number(meant))):
        found.append(f"{path}: read as {read!r}, meant {meant!r}")


with open(document, encoding="utf-8") as file:
    text = file.read()
read = yaml.safe_load(text)
for rendition in renditions:
    with open(rendition, encoding="utf-8") as file:
        compare("", read, json.load(file))

# Booleans of YAML 1.1's own list, too: PyYAML reads these four as text, other readers do not.
for event in yaml.parse(text):
    if isinstance(event, yaml.ScalarEvent) and event.style is None and event.value in ("y", "Y", "n", "N"):
        found.append(f"line {event.start_mark.line + 1}: {event.value} without quotes is a boolean of YAML 1.1")

found = list(dict.fromkeys(found))
if found:
    print(*found, f"failure: {len(found)} differences", sep="\n")
    sys.exit(1)
