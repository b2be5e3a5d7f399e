-- Times in which plans were on hold: their clocks stood still.
CREATE TABLE plan_holds (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    plan_id UUID NOT NULL,
    from_on DATE NOT NULL,
    until_on DATE,
    reason TEXT NOT NULL,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    resumed_at TIMESTAMPTZ,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id)
);
CREATE INDEX plan_holds_by_plan ON plan_holds (organization_id, plan_id, id);
