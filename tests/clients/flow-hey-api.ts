import { client } from './hey-api/client.gen.js';
import {
  achieveMilestone,
  createCustomer,
  createPlan,
  listPlans,
  readCustomerHealth,
  readEarnedValue,
  readPlan,
  takeEvents,
} from './hey-api/index.js';
import { as_of, customer, events, judge, key, must, nothing, plan, step, url } from './flow.js';

client.setConfig({ baseUrl: url, auth: () => key });

const made = await createCustomer({ body: customer });
const id = must('customer', made.data, made.error).id;
const planned = await createPlan({ body: plan(id) });
const plan_id = must('plan', planned.data, planned.error).id;
const achieved = await achieveMilestone({ path: { id: plan_id, milestone: 'access' }, body: step });
const earned = await readEarnedValue({ path: { id: plan_id }, query: { as_of } });
const listed = await listPlans({ query: { customer_id: id } });
const taken = await takeEvents({ body: events });
const health = await readCustomerHealth({ path: { id } });
const missing = await readPlan({ path: { id: nothing } });

judge({
  customer: id,
  achieved: must('achieve', achieved.data, achieved.error).state,
  spi: must('earned value', earned.data, earned.error).spi,
  listed: must('plans', listed.data, listed.error).data.map((each) => each.name),
  accepted: must('events', taken.data, taken.error).accepted,
  band: must('health', health.data, health.error).band,
  missing: { status: missing.response?.status, code: missing.error?.code },
});
