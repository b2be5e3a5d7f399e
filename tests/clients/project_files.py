"""MPXJ, the library that project management programs are read with, judges the project files that a server writes and reads."""

import os
import pathlib
import sys
import tempfile
import time

import httpx
import jpype
import mpxj  # noqa: F401  puts the library where Java finds it

files = pathlib.Path(__file__).parent.parent / "files"
api = httpx.Client(base_url=os.environ["MILEPOST_URL"], headers={"Authorization": f"Bearer {os.environ['MILEPOST_KEY']}"}, timeout=60)
jpype.startJVM("-Xmx512m")
from org.mpxj.reader import UniversalProjectReader  # noqa: E402


def day(instant):
    return str(instant)[:10] if instant is not None else None


def read(path, planned):
    """What the library says of a file's tasks: by name, planned and actual finish, predecessors and first resource."""
    project = UniversalProjectReader().read(str(path))
    found = {}
    for task in project.getTasks():
        if task.getSummary() or task.getName() is None or str(task.getActivityType()) in ("WBS Summary", "LEVEL_OF_EFFORT"):
            continue
        links = sorted((str(each.getPredecessorTask().getName()), str(each.getType())) for each in task.getPredecessors() if not each.getPredecessorTask().getSummary())
        owners = [str(each.getResource().getName()) for each in task.getResourceAssignments() if each.getResource() is not None]
        found[str(task.getName())] = (day(planned(task)), day(task.getActualFinish()), links, owners[:1])
    return found


def imported(name, media_type):
    """Imports a file, and answers the path of the plan."""
    query = {"name": f"{name} {time.time_ns()}"}
    answer = api.post("/v1/plans/import", params=query, content=(files / name).read_bytes(), headers={"Content-Type": media_type})
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def said(plan):
    """What the server says of the plan's milestones, in the same form."""
    milestones = api.get(f"{plan}/milestones", params={"limit": 200}).raise_for_status().json()["data"]
    names = {each["key"]: each["name"] for each in milestones}
    short = {"finish_to_start": "FS", "start_to_start": "SS", "finish_to_finish": "FF", "start_to_finish": "SF"}

    def link(needed):
        return (names[needed], "FS") if isinstance(needed, str) else (names[needed["key"]], short[needed["relation"]])

    return {
        each["name"]: (each["planned_on"], each["actual_on"], sorted(map(link, each["depends_on"])), [each["owner_name"]] if each["owner_name"] else [])
        for each in milestones
    }


def compare(what, ours, theirs):
    for name in sorted(set(ours) | set(theirs)):
        if ours.get(name) != theirs.get(name):
            print(f"failure: {what}: {name}: {ours.get(name)} is not {theirs.get(name)}")
            sys.exit(1)


plan = imported("rollout.mspdi.xml", "application/xml")
with tempfile.NamedTemporaryFile(suffix=".xml") as written:
    written.write(api.get(f"{plan}/export.xml").raise_for_status().content)
    written.flush()
    compare("written", said(plan), read(written.name, lambda task: task.getBaselineFinish()))
xer = {
    name: facts for name, facts in read(files / "rollout.xer", lambda task: task.getPlannedFinish()).items() if name != "Project management"
}
compare("read", said(imported("rollout.xer", "text/plain")), xer)
print(f"summary: MPXJ reads what is written, and reads {len(xer)} activities of an XER file alike")
