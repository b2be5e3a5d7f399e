-- The owner's last word on a milestone, the instant of its closing, and the planned dates that a new baseline moved.

ALTER TABLE milestones ADD COLUMN confirmed_on DATE;
ALTER TABLE milestones ADD COLUMN closed_at TIMESTAMPTZ;
ALTER TABLE forecast_changes ADD COLUMN baseline_number BIGINT;
ALTER TABLE forecast_changes ADD COLUMN planned_from_on DATE;
ALTER TABLE forecast_changes ADD COLUMN planned_to_on DATE;
