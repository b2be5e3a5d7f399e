-- For how many days after they were received usage events are kept; for ever without a number.
ALTER TABLE organizations ADD COLUMN event_retention_days BIGINT;
