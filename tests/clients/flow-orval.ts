import {
  achieveMilestone,
  createCustomer,
  createPlan,
  listPlans,
  readCustomerHealth,
  readEarnedValue,
  readPlan,
  takeEvents,
} from './orval/client.js';
import { as_of, customer, events, judge, key, must, nothing, plan, step, url } from './flow.js';

// The fetch client asks for paths only, so the server and the key are put before each of them here.
const plain = globalThis.fetch;
globalThis.fetch = (path, options) => {
  const headers = new Headers(options?.headers);
  headers.set('Authorization', `Bearer ${key}`);
  return plain(`${url}${path}`, { ...options, headers });
};

const made = await createCustomer(customer);
const id = must('customer', made.status === 201 ? made.data : undefined, made.data).id;
const planned = await createPlan(plan(id));
const plan_id = must('plan', planned.status === 201 ? planned.data : undefined, planned.data).id;
const achieved = await achieveMilestone(plan_id, 'access', step);
const earned = await readEarnedValue(plan_id, { as_of });
const listed = await listPlans({ customer_id: id });
// Where a body may be of several types, this client names none.
const taken = await takeEvents(events, undefined, { headers: { 'Content-Type': 'application/json' } });
const health = await readCustomerHealth(id);
const missing = await readPlan(nothing);

judge({
  customer: id,
  achieved: must('achieve', achieved.status === 200 ? achieved.data : undefined, achieved.data).state,
  spi: must('earned value', earned.status === 200 ? earned.data : undefined, earned).spi,
  listed: must('plans', listed.status === 200 ? listed.data : undefined, listed).data.map((each) => each.name),
  accepted: must('events', taken.status === 200 ? taken.data : undefined, taken.data).accepted,
  band: must('health', health.status === 200 ? health.data : undefined, health).band,
  missing: { status: missing.status, code: missing.status === 404 ? missing.data.code : undefined },
});
