"""Tells of the differences that specshift found those that a client of the old document trips over: changes.py FOUND"""

import json
import re
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    changes = [each for each in json.load(file)["changes"] if each["severity"] != "info"]


def harmless(change):
    # It does not ask which way a schema goes when a bound gets narrower: an answer that promises more takes nothing away.
    if " > response " in change["location"]:
        return re.match(r"Constraint '\w+' changed .* \(stricter\)|A new validation pattern|New constraint", change["message"])
    # An error that is no longer answered.
    return re.match(r"Response '[45]..' has been removed", change["message"])


breaking = [each for each in changes if not harmless(each)]
for each in breaking:
    print(f"{each['location']}: {each['message']}")
print(f"compatible: FAILED ({len(breaking)} changes break clients)" if breaking else "compatible: ok")
sys.exit(1 if breaking else 0)
