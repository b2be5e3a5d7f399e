-- Validations of milestones by people, and who was asked. What somebody has decided stays when they leave.
CREATE TABLE validations (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    plan_id UUID NOT NULL,
    milestone_key TEXT NOT NULL,
    needs TEXT NOT NULL,
    different_people BOOLEAN NOT NULL,
    note TEXT,
    evidence TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'more_needed', 'approved', 'rejected', 'withdrawn')),
    submitted_on DATE NOT NULL,
    closed_at TIMESTAMPTZ,
    author TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id)
);
CREATE INDEX validations_by_plan ON validations (organization_id, plan_id, id);
CREATE INDEX validations_open ON validations (organization_id, id) WHERE closed_at IS NULL;

CREATE TABLE validation_asks (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    validation_id UUID NOT NULL,
    plan_id UUID NOT NULL,
    kind TEXT NOT NULL,
    person_id UUID,
    decision TEXT CHECK (decision IN ('approve', 'reject', 'ask_for_more')),
    comment TEXT,
    scores TEXT NOT NULL,
    decided_on DATE,
    decided_at TIMESTAMPTZ,
    asked_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, validation_id) REFERENCES validations (organization_id, id)
);
CREATE INDEX validation_asks_by_validation ON validation_asks (organization_id, validation_id, id);
CREATE INDEX validation_asks_waiting ON validation_asks (organization_id, person_id, id) WHERE decision IS NULL;
