-- Durations and credit rules of single milestones, milestones of weight 0, and how a plan was valued from which day on.

ALTER TABLE milestones ADD COLUMN duration_days BIGINT;
ALTER TABLE milestones ADD COLUMN credit_rule TEXT;

-- A gate has the weight 0, which the checks refused. A new column takes the place of each old one, because SQLite changes no check.
ALTER TABLE milestones ADD COLUMN weight_from_zero DOUBLE PRECISION NOT NULL DEFAULT 1 CHECK (weight_from_zero >= 0);
UPDATE milestones SET weight_from_zero = weight;
ALTER TABLE milestones DROP COLUMN weight;
ALTER TABLE milestones RENAME COLUMN weight_from_zero TO weight;
ALTER TABLE baseline_lines ADD COLUMN weight_from_zero DOUBLE PRECISION NOT NULL DEFAULT 1 CHECK (weight_from_zero >= 0);
UPDATE baseline_lines SET weight_from_zero = weight;
ALTER TABLE baseline_lines DROP COLUMN weight;
ALTER TABLE baseline_lines RENAME COLUMN weight_from_zero TO weight;

-- Written when the credit rule or the budget of a plan changes first, with what was in force before, and with each change.
CREATE TABLE plan_valuations (
    organization_id UUID NOT NULL,
    plan_id UUID NOT NULL,
    ordinal BIGINT NOT NULL,
    effective_on DATE NOT NULL,
    credit_rule TEXT NOT NULL,
    budget_minor BIGINT,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, plan_id, ordinal),
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id)
);
