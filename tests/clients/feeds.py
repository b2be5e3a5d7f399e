"""Lets feedparser, which knows nothing of this server, read the public feed of celebrations."""

import os

import feedparser
import httpx

URL, KEY = os.environ["MILEPOST_URL"], os.environ["MILEPOST_KEY"]
own = httpx.Client(base_url=URL, headers={"Authorization": f"Bearer {KEY}"}, timeout=30)


def ask(method, path, **more):
    answer = own.request(method, path, **more)
    answer.raise_for_status()
    return answer


def main():
    name = 'Fay <Feed> & "Co"'
    person = ask("POST", "/v1/people", json={"name": name, "kind": "employee", "external_ref": "feed"}).json()["id"]
    ask("PATCH", f"/v1/people/{person}/profile", json={"recognition": "public"},
        headers={"If-Match": "*", "Content-Type": "application/merge-patch+json"})
    ask("POST", "/v1/badges", json={"key": "fed", "name": "Fed & watered", "description": "D", "criteria": "C"})
    ask("POST", "/v1/awards", json={"badge_key": "fed", "person_id": person})
    organization = ask("GET", "/v1/organization").json()["id"]
    answer = httpx.get(f"{URL}/issuers/{organization}/celebrations.atom", timeout=30)
    answer.raise_for_status()
    feed = feedparser.parse(answer.content, response_headers={"content-type": answer.headers["content-type"]})
    assert not feed.bozo, feed.bozo_exception
    assert feed.version == "atom10", feed.version
    own_entries = [entry for entry in feed.entries if name in entry.title]
    assert [entry.title for entry in own_entries] == [f"{name} was awarded “Fed & watered”"], feed.entries
    assert feed.feed.id == next(link.href for link in feed.feed.links if link.rel == "self"), feed.feed
    assert all(entry.id.startswith("urn:uuid:") and entry.updated_parsed for entry in feed.entries)
    print(f"feedparser {feedparser.__version__} reads the feed: {len(feed.entries)} entries")


if __name__ == "__main__":
    main()
