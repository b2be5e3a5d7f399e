"""The flow of the TypeScript clients with openapi-python-client's package: every module is imported, then a running server is asked."""

import datetime
import importlib
import os
import pkgutil
import sys
import time
import typing
from uuid import UUID

import milepost_client

modules = [importlib.import_module(found.name) for found in pkgutil.walk_packages(milepost_client.__path__, "milepost_client.")]
print(f"summary: {len(modules)} modules import")

url, key = os.environ.get("MILEPOST_URL"), os.environ.get("MILEPOST_KEY")
if not url:
    sys.exit()
from milepost_client import AuthenticatedClient
from milepost_client.api.customers import create_customer
from milepost_client.api.events import take_events
from milepost_client.api.health import read_customer_health
from milepost_client.api.milestones import achieve_milestone
from milepost_client.api.plans import create_plan, list_plans, read_earned_value, read_plan

client = AuthenticatedClient(base_url=url, token=key)
ref = f"clients-python-{time.time_ns()}"


def model(kind):
    """The class of the package that this type is, or has inside: of a union, or of a list's items."""
    if hasattr(kind, "from_dict"):
        return kind
    return next(filter(None, map(model, typing.get_args(kind))), None)


def asked(operation, **given):
    """The operation's typed arguments from plain ones."""
    kinds = typing.get_type_hints(operation.sync_detailed)
    body = given.pop("body", None)
    if body is not None:
        form = model(kinds["body"])
        assert form, f"the body of {operation.__name__} has no type"
        given["body"] = [form.from_dict(each) for each in body] if isinstance(body, list) else form.from_dict(body)
    return operation.sync_detailed(client=client, **given)


def must(operation, **given):
    answer = asked(operation, **given)
    assert answer.status_code < 300, f"{operation.__name__}: {answer.status_code} {answer.content[:500]!r}"
    return answer.parsed


customer = must(create_customer, body={"name": "Northwind", "external_ref": ref})
milestones = [
    {"key": "access", "name": "Data access confirmed", "weight": 3, "planned_on": "2024-03-11"},
    {"key": "pipeline", "name": "Pipeline runs", "weight": 5, "planned_on": "2024-04-01", "depends_on": ["access"]},
]
plan = must(
    create_plan, body={"name": "Rollout", "start_on": "2024-03-04", "customer_id": str(customer.id), "milestones": milestones}
)
milestone = must(achieve_milestone, id=plan.id, milestone="access", body={"occurred_on": "2024-03-11"})
assert milestone.state == "achieved", milestone.state
earned = must(read_earned_value, id=plan.id, as_of=datetime.date(2024, 4, 15))
assert earned.spi == 0.375, earned.spi
page = must(list_plans, customer_id=customer.id)
assert [type(each) for each in page.data] == [type(plan)], f"a list's plan is a {type(page.data[0])}, a plan a {type(plan)}"
event = {"specversion": "1.0", "source": "clients", "type": "report.exported", "subject": ref, "time": "2024-04-02T10:00:00Z"}
taken = must(take_events, body=[{**event, "id": f"{ref}-{number}", "data": {"rows": 120}} for number in (1, 2)])
assert taken.accepted == 2, taken
health = must(read_customer_health, id=customer.id)
missing = asked(read_plan, id=UUID(int=0))
assert (missing.status_code, missing.parsed.code) == (404, "not_found"), missing
print(f"summary: SPI {earned.spi}, {taken.accepted} events, health {health.band}")
