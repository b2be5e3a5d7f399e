-- How a plan counts its days and how often its forecasts are looked at; what was last said of a milestone, and when.

ALTER TABLE plans ADD COLUMN calendar TEXT NOT NULL DEFAULT '{"counts":"calendar_days","holidays":[]}';
ALTER TABLE plans ADD COLUMN update_interval_days BIGINT NOT NULL DEFAULT 7;
ALTER TABLE milestones ADD COLUMN note TEXT;
-- Not known of what was there before.
ALTER TABLE milestones ADD COLUMN touched_on DATE;
ALTER TABLE progress_entries ADD COLUMN recorded_at TIMESTAMPTZ;
