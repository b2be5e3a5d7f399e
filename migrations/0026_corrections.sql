-- What was recorded wrongly of a milestone, and what is right; and which cost an entry corrects.

CREATE TABLE milestone_corrections (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    plan_id UUID NOT NULL,
    milestone_id UUID NOT NULL,
    started_from_on DATE,
    started_to_on DATE,
    actual_from_on DATE,
    actual_to_on DATE,
    evidence TEXT NOT NULL,
    reason TEXT NOT NULL,
    author TEXT NOT NULL,
    recorded_on DATE NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id),
    FOREIGN KEY (organization_id, milestone_id) REFERENCES milestones (organization_id, id)
);
CREATE INDEX milestone_corrections_by_plan ON milestone_corrections (organization_id, plan_id, id);
CREATE INDEX milestone_corrections_by_milestone ON milestone_corrections (organization_id, milestone_id, id);

ALTER TABLE cost_entries ADD COLUMN corrects UUID;
