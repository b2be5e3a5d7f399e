-- Pulses and outcomes that were recorded by mistake are withdrawn, not deleted: what was said at the time stays.

ALTER TABLE customer_pulses ADD COLUMN withdrawn_at TIMESTAMPTZ;
ALTER TABLE customer_pulses ADD COLUMN withdrawal_reason TEXT;
ALTER TABLE customer_outcomes ADD COLUMN withdrawn_at TIMESTAMPTZ;
ALTER TABLE customer_outcomes ADD COLUMN withdrawal_reason TEXT;
