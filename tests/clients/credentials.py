"""Lets openbadgeslib, which knows nothing of this server, verify its credentials as JWTs, with embedded proofs and baked into pictures: the
signature, the claims, the holder, and the status lists. The server calls itself PUBLIC there, and is asked at MILEPOST_URL."""

import base64
import json
import os
import sys

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from openbadgeslib.errors import LibOpenBadgesException
from openbadgeslib.ob3.did import resolve_did
from openbadgeslib.ob3.ldp import OB3LdpVerifier
from openbadgeslib.ob3.verifier import OB3Verifier

URL, KEY, PUBLIC = os.environ["MILEPOST_URL"], os.environ["MILEPOST_KEY"], os.environ["MILEPOST_PUBLIC_URL"]
own = httpx.Client(base_url=URL, headers={"Authorization": f"Bearer {KEY}"}, timeout=30)


def ask(method, path, **more):
    answer = own.request(method, path, **more)
    answer.raise_for_status()
    return answer


def download(address):
    """What is at an address of the server, without any credentials."""
    assert address.startswith(PUBLIC), address
    answer = httpx.get(URL + address.removeprefix(PUBLIC), timeout=30)
    answer.raise_for_status()
    return answer.content


def number(text):
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def verifier(credential):
    """A verifier with the key that a credential names."""
    key = json.loads(download(jwt.get_unverified_header(credential)["kid"]))
    public = RSAPublicNumbers(number(key["e"]), number(key["n"])).public_key()
    return OB3Verifier(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def verdict(credential, **more):
    try:
        verifier(credential).verify(credential, check_status=True, download=download, **more)
    except LibOpenBadgesException as error:
        return str(error)
    return "verified"


def embedded_verdict(credential, **more):
    """The verdict on a credential with an embedded proof, by the key that it names. Its lists are signed by another key, as JWTs."""
    key = json.loads(download(credential["proof"]["verificationMethod"]))
    verifier = OB3LdpVerifier(resolve_did("did:key:" + key["publicKeyMultibase"]))
    try:
        verifier.verify(json.dumps(credential), check_status=True, verify_status_list=False, download=download, **more)
    except LibOpenBadgesException as error:
        return str(error)
    return "verified"


def main():
    badge = {"key": "judged", "name": "Judged", "description": "Was judged.", "criteria": "By others.", "achievement_type": "certification",
             "tags": ["judge"], "alignments": [{"name": "Judging", "url": "https://example.com/judging", "framework": "Example"}],
             "valid_days": 365}
    ask("POST", "/v1/badges", json=badge)
    person = ask("POST", "/v1/people", json={"name": "Jo Judge", "kind": "employee", "email": "jo@example.com"}).json()["id"]
    award = ask("POST", "/v1/awards", json={"badge_key": "judged", "person_id": person,
                                            "evidence": [{"name": "A record", "url": "https://example.com/record"}]}).json()["id"]
    path = f"/v1/people/{person}/awards/{award}"

    def credential(media="application/vc+jwt"):
        return ask("GET", f"{path}/credential", headers={"Accept": media})

    def act(verb):
        ask("POST", f"/v1/awards/{award}/{verb}", json={"reason": "For a good reason."})

    found = []

    def expect(what, text, expected):
        if not text.startswith(expected):
            found.append(f"{what}: {text}")

    hashed = credential().text
    expect("hashed", verdict(hashed), "verified")
    changed = hashed.split(".")
    changed[1] = changed[1][:-8] + ("A" * 8 if changed[1][-8:] != "A" * 8 else "B" * 8)
    expect("changed", verdict(".".join(changed)), "Invalid")
    embedded = credential("application/vc").json()
    expect("embedded", embedded_verdict(embedded), "verified")
    changed = json.loads(json.dumps(embedded))
    changed["credentialSubject"]["achievement"]["name"] = "Judged twice"
    expect("embedded, changed", embedded_verdict(changed), "Invalid")
    if embedded_verdict({**embedded, "grade": "A"}) == "verified":
        found.append("embedded, extended: verified")
    expect("baked PNG", verdict(OB3Verifier.extract_token_from_png(credential("image/png").content)), "verified")
    expect("baked SVG", verdict(OB3Verifier.extract_token_from_svg(credential("image/svg+xml").content)), "verified")
    ask("PUT", f"{path}/publication", json={"publication": "email"})
    named = credential().text
    expect("embedded, named", embedded_verdict(credential("application/vc").json(), expected_recipient="jo@example.com"), "verified")
    expect("named", verdict(named, expected_recipient="jo@example.com"), "verified")
    expect("somebody else's", verdict(named, expected_recipient="other@example.com"), "Recipient mismatch")
    act("suspend")
    expect("suspended", verdict(named), "Credential status 'suspension' is set")
    expect("embedded, suspended", embedded_verdict(embedded), "Credential status 'suspension' is set")
    act("restore")
    expect("restored", verdict(named), "verified")
    act("revoke")
    expect("revoked", verdict(hashed), "Credential status 'revocation' is set")
    for each in found:
        print("failure:", each)
    print("summary: openbadgeslib verifies JWTs, embedded proofs and pictures, and refuses what is changed, another's, suspended and revoked")
    return 1 if found else 0


sys.exit(main())
