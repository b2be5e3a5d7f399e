import createClient from 'openapi-fetch';
import type { paths } from './openapi-typescript/schema.js';
import { as_of, customer, events, judge, key, must, nothing, plan, step, url } from './flow.js';

const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });

const made = await client.POST('/v1/customers', { body: customer });
const id = must('customer', made.data, made.error).id;
const planned = await client.POST('/v1/plans', { body: plan(id) });
const plan_id = must('plan', planned.data, planned.error).id;
const achieved = await client.POST('/v1/plans/{id}/milestones/{milestone}/achieve', {
  params: { path: { id: plan_id, milestone: 'access' } },
  body: step,
});
const earned = await client.GET('/v1/plans/{id}/earned-value', { params: { path: { id: plan_id }, query: { as_of } } });
const listed = await client.GET('/v1/plans', { params: { query: { customer_id: id } } });
const taken = await client.POST('/v1/events', { body: events });
const health = await client.GET('/v1/customers/{id}/health', { params: { path: { id } } });
const missing = await client.GET('/v1/plans/{id}', { params: { path: { id: nothing } } });

judge({
  customer: id,
  achieved: must('achieve', achieved.data, achieved.error).state,
  spi: must('earned value', earned.data, earned.error).spi,
  listed: must('plans', listed.data, listed.error).data.map((each) => each.name),
  accepted: must('events', taken.data, taken.error).accepted,
  band: must('health', health.data, health.error).band,
  missing: { status: missing.response.status, code: missing.error?.code },
});
