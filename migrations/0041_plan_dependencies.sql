-- Milestones that wait for a milestone of another plan.
CREATE TABLE plan_dependencies (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    plan_id UUID NOT NULL,
    milestone_id UUID NOT NULL,
    on_plan_id UUID NOT NULL,
    on_milestone_id UUID NOT NULL,
    lag_days BIGINT NOT NULL,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    withdrawn_at TIMESTAMPTZ,
    withdrawal_reason TEXT,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id),
    FOREIGN KEY (organization_id, on_plan_id) REFERENCES plans (organization_id, id)
);
CREATE INDEX plan_dependencies_by_plan ON plan_dependencies (organization_id, plan_id);
CREATE INDEX plan_dependencies_by_other ON plan_dependencies (organization_id, on_plan_id);
