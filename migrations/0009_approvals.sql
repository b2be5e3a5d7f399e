-- Who agreed to a baseline, on our side and on the client's. Each is recorded once.

CREATE TABLE baseline_approvals (
    organization_id UUID NOT NULL,
    plan_id UUID NOT NULL,
    number BIGINT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('internal', 'client')),
    who TEXT NOT NULL,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, plan_id, number, side),
    FOREIGN KEY (organization_id, plan_id, number) REFERENCES baselines (organization_id, plan_id, number)
);
