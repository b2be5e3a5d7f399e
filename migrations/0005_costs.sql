-- What was spent on a plan. Entries are appended; a correction is an entry of its own, of the opposite sign.

CREATE TABLE cost_entries (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    plan_id UUID NOT NULL,
    milestone_id UUID,
    incurred_on DATE NOT NULL,
    amount_minor BIGINT NOT NULL,
    note TEXT,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id),
    FOREIGN KEY (organization_id, milestone_id) REFERENCES milestones (organization_id, id)
);
CREATE INDEX cost_entries_by_plan ON cost_entries (organization_id, plan_id, incurred_on, id);
