// What every TypeScript client does against a running server; each flow-*.ts says how its client asks.
import assert from 'node:assert/strict';

export const url = process.env.MILEPOST_URL ?? '';
export const key = process.env.MILEPOST_KEY ?? '';
export const ref = `clients-${process.env.MILEPOST_CLIENT}-${Date.now()}`;

export const customer = { name: 'Northwind', external_ref: ref };
export const plan = (customer_id: string) => ({
  name: 'Rollout',
  start_on: '2024-03-04',
  customer_id,
  milestones: [
    { key: 'access', name: 'Data access confirmed', weight: 3, planned_on: '2024-03-11' },
    { key: 'pipeline', name: 'Pipeline runs', weight: 5, planned_on: '2024-04-01', depends_on: ['access'] },
  ],
});
export const step = { occurred_on: '2024-03-11' };
export const as_of = '2024-04-15';
export const events = ['1', '2'].map((id) => ({
  specversion: '1.0' as const,
  id: `${ref}-${id}`,
  source: 'clients',
  type: 'report.exported',
  subject: ref,
  time: '2024-04-02T10:00:00Z',
  data: { rows: 120 },
}));

// Takes what the client gave, and says whether it is so. Of 8 points planned by then, 3 are earned.
export function judge(seen: {
  customer: string;
  achieved: string;
  spi: number | null | undefined;
  listed: string[];
  accepted: number;
  band: string;
  missing: { status: number | undefined; code: string | undefined };
}) {
  assert.match(seen.customer, /^[0-9a-f-]{36}$/);
  assert.equal(seen.achieved, 'achieved', `the milestone is ${seen.achieved}`);
  assert.equal(seen.spi, 0.375, `SPI is ${seen.spi}`);
  assert.deepEqual(seen.listed, ['Rollout']);
  assert.equal(seen.accepted, 2, `${seen.accepted} of 2 events were accepted`);
  assert.ok(['unknown', 'critical', 'at_risk', 'healthy'].includes(seen.band), seen.band);
  assert.deepEqual(seen.missing, { status: 404, code: 'not_found' });
  console.log(`summary: SPI ${seen.spi}, ${seen.accepted} events, health ${seen.band}`);
}

export const nothing = '00000000-0000-7000-8000-000000000000';

// The answer, or the end with what the server said instead.
export function must<T>(what: string, answer: T | undefined, error?: unknown): T {
  if (answer === undefined) throw new Error(`${what}: ${JSON.stringify(error)}`);
  return answer;
}
