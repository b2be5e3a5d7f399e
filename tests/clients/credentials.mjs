// Lets verifier-core of the Digital Credentials Consortium, which knows nothing of this server, verify its credentials with embedded proofs: the
// signature, that the key is the issuer's, and the status list. The schema of JSON Resume judges the résumé of whoever has it. The server calls itself PUBLIC there, and is asked at MILEPOST_URL.

import assert from "node:assert/strict";

const { MILEPOST_URL: url, MILEPOST_KEY: key, MILEPOST_PUBLIC_URL: there } = process.env;

// What the verifier fetches from the public address is fetched from this machine; nothing else is fetched.
const fetched = globalThis.fetch;
globalThis.fetch = (request, options) => {
  const address = typeof request === "string" ? request : request.url;
  if (!address.startsWith(there)) throw new Error(`${address} is not the server's`);
  return fetched(url + address.slice(there.length), { headers: { Accept: "application/json" }, signal: options?.signal });
};
// Schemas of 1EdTech, which it looks for, are not there; it would say so at length.
const say = console.log;
console.log = console.error = () => {};
const resumes = (await import("@jsonresume/schema")).default;
const { verifyCredential } = await import("@digitalcredentials/verifier-core");

async function ask(method, path, body, accept = "application/json") {
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json", Accept: accept };
  const answer = await fetched(url + path, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

/** The steps that fail, and what went wrong as a whole. */
async function verdict(credential) {
  const { log = [], errors = [] } = await verifyCredential({ credential, knownDIDRegistries: [] });
  const failed = log.filter((step) => step.valid === false || step.error).map((step) => step.id);
  return { passed: log.filter((step) => step.valid === true).map((step) => step.id), failed, errors: errors.map((one) => one.name) };
}

const mark = Date.now();
await ask("POST", "/v1/badges", { key: `core-${mark}`, name: "Judged again", description: "Was judged.", criteria: "By others." });
const person = await ask("POST", "/v1/people", { name: "Kim Judge", kind: "employee", email: `kim-${mark}@example.com` });
const award = await ask("POST", "/v1/awards", { badge_key: `core-${mark}`, person_id: person.id });
const credential = await ask("GET", `/v1/people/${person.id}/awards/${award.id}/credential`, undefined, "application/vc");
const found = await verdict(credential);
assert.deepEqual(found.errors, [], JSON.stringify(found));
for (const step of ["valid_signature", "revocation_status"]) assert.ok(found.passed.includes(step), JSON.stringify(found));
const resume = await ask("GET", `/v1/people/${person.id}/resume`);
assert.equal(resume.awards[0].title, "Judged again");
resumes.validate(resume, (errors) => assert.equal(errors, null, JSON.stringify(errors)));
const changed = structuredClone(credential);
changed.credentialSubject.achievement.name = "Judged twice";
assert.deepEqual((await verdict(changed)).errors, ["invalid_signature"]);
await ask("POST", `/v1/awards/${award.id}/revoke`, { reason: "For a good reason." });
assert.ok(!(await verdict(credential)).passed.includes("revocation_status"), "a revoked credential is not valid");
say("summary: verifier-core verifies embedded proofs, and refuses what is changed and revoked; a résumé is one of JSON Resume");
