"""Libraries that send usage events, as their makers publish them: nothing is configured but the address and the key."""

import datetime
import math
import os
import sys
import time

import httpx
import rudderstack.analytics.client as rudder
import segment.analytics.client as segment
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

url, key = os.environ["MILEPOST_URL"], os.environ["MILEPOST_KEY"]
http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"})
mark = f"senders-python-{time.time_ns()}"


def events(subject):
    found = http.get("/v1/events", params={"subject": subject, "limit": 100}).raise_for_status().json()["data"]
    return sorted(event["type"] for event in found)


def told(error, batch):
    sys.exit(f"failure: a library was told {error}")


def messages(library, client):
    """People, customers, events, and one message that is no JSON: its library writes NaN."""
    group, user = f"{mark}-{library}", f"{mark}-{library}-ana"
    client.identify(user_id=user, traits={"name": "Ana", "email": "ana@example.com"})
    client.group(user_id=user, group_id=group, traits={"name": library, "plan": "pro"})
    client.flush()
    client.track(user_id=user, event="Report exported", properties={"rows": 3}, context={"groupId": group})
    client.track(user_id=user, event="Lost", properties={"rows": math.nan}, context={"groupId": group})
    client.page(user, "Docs", "Home", properties={"path": "/"}, context={"groupId": group})
    client.screen(user, "App", "Start", context={"groupId": group})
    client.alias("before", user)
    client.flush()
    client.join()
    assert events(group) == ["Report exported", "page", "screen"], (library, events(group))
    person = http.get(f"/v1/people/by-ref/{user}").raise_for_status().json()
    assert (person["name"], person["customer_ref"]) == ("Ana", group), person
    refused = http.get("/v1/events/rejected").raise_for_status().json()["data"]
    assert any("Lost" in one["content"] and one["code"] == "malformed" and user in one["content"] for one in refused), refused


messages("segment", segment.Client(key, host=f"{url}/v1/segment", gzip=True, on_error=told))
messages("rudderstack", rudder.Client(key, host=f"{url}/v1/segment", on_error=told))

subject = f"{mark}-cloudevents"
http.post("/v1/customers", json={"name": subject, "external_ref": subject}).raise_for_status()
attributes = {
    "type": "report.exported", "source": "https://example.com/app", "id": mark, "subject": subject,
    "specversion": "1.0", "time": datetime.datetime.now(datetime.timezone.utc), "shard": "5", "note": 'café "x" 100% 😀',
}
for mode in (to_binary_event, to_structured_event):
    message = mode(CloudEvent(attributes, {"rows": 1}))
    answer = http.post("/v1/events", headers=message.headers, content=message.body).raise_for_status().json()
    assert answer["accepted"] + answer["duplicate"] == 1, answer
assert answer["duplicate"] == 1, f"one event in two modes: {answer}"
assert events(subject) == ["report.exported"], events(subject)
print("summary: segment-analytics-python, rudder-sdk-python and cloudevents deliver")
