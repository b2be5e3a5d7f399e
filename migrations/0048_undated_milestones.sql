-- Milestones of plans that have no date: they can be achieved, are never overdue, and become milestones like all others when they are dated.
CREATE TABLE undated_milestones (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    plan_id UUID NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    phase TEXT,
    acceptance_criteria TEXT NOT NULL,
    achieved_on DATE,
    reason TEXT,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, plan_id, key),
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id)
);
