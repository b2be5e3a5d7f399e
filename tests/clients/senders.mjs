// Libraries that send usage events, as their makers publish them: nothing is configured but the address and the key.

import assert from "node:assert/strict";
import { Analytics } from "@segment/analytics-node";
import RudderAnalytics from "@rudderstack/rudder-sdk-node";
import { CloudEvent, HTTP } from "cloudevents";

const { MILEPOST_URL: url, MILEPOST_KEY: key } = process.env;
const mark = `senders-node-${Date.now()}`;

async function ask(path, options = {}) {
  const answer = await fetch(url + path, { ...options, headers: { Authorization: `Bearer ${key}`, ...options.headers } });
  assert.ok(answer.ok, `${path}: ${answer.status} ${answer.ok ? "" : await answer.text()}`);
  return answer.json();
}

async function types(subject) {
  const { data } = await ask(`/v1/events?limit=100&subject=${encodeURIComponent(subject)}`);
  return data.map((event) => event.type).sort();
}

/** People, customers and events, in the order in which an application sends them. */
async function messages(library, client, flush) {
  const [groupId, userId] = [`${mark}-${library}`, `${mark}-${library}-ana`];
  client.identify({ userId, traits: { name: "Ana", email: "ana@example.com" } });
  client.group({ userId, groupId, traits: { name: library, plan: "pro" } });
  client.track({ userId, event: "Report exported", properties: { rows: 3 }, context: { groupId } });
  client.page({ userId, name: "Home", category: "Docs", properties: { path: "/" }, context: { groupId } });
  client.screen({ userId, name: "Start", context: { groupId } });
  client.alias({ userId, previousId: "before" });
  await flush();
  assert.deepEqual(await types(groupId), ["Report exported", "page", "screen"], library);
  const person = await ask(`/v1/people/by-ref/${userId}`);
  assert.deepEqual([person.name, person.customer_ref], ["Ana", groupId]);
}

const segment = new Analytics({ writeKey: key, host: url, path: "/v1/segment/v1/batch", flushAt: 10 });
segment.on("error", (error) => assert.fail(`a library was told ${JSON.stringify(error)}`));
await messages("segment", segment, () => segment.closeAndFlush());

const rudder = new RudderAnalytics(key, { dataPlaneUrl: `${url}/v1/segment`, flushAt: 10, flushInterval: 100 });
await messages("rudderstack", rudder, async () => {
  await new Promise((resolve, reject) => rudder.flush((error) => (error ? reject(error) : resolve())));
});

const subject = `${mark}-cloudevents`;
await ask("/v1/customers", {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ name: subject, external_ref: subject }),
});
const event = new CloudEvent({
  id: mark, source: "https://example.com/app", type: "report.exported", subject, time: new Date().toISOString(), shard: 5, data: { rows: 1 },
});
const seen = [];
for (const mode of [HTTP.binary, HTTP.structured]) {
  const { headers, body } = mode(event);
  const answer = await ask("/v1/events", { method: "POST", headers, body });
  seen.push([answer.accepted, answer.duplicate]);
}
assert.deepEqual(seen, [[1, 0], [0, 1]], "one event in two modes");
assert.deepEqual(await types(subject), ["report.exported"]);
console.log("summary: @segment/analytics-node, @rudderstack/rudder-sdk-node and cloudevents deliver");
process.exit();
