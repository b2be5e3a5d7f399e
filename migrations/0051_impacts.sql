-- Impacts of what people have achieved, as they were claimed, and how far others have verified them.
CREATE TABLE impacts (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    person_id UUID NOT NULL,
    title TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('cost_savings', 'revenue', 'productivity', 'hours_per_week', 'other')),
    unit TEXT,
    baseline DOUBLE PRECISION,
    result DOUBLE PRECISION,
    from_on DATE NOT NULL,
    to_on DATE NOT NULL,
    annualized_minor BIGINT,
    currency TEXT,
    attribution_percent DOUBLE PRECISION NOT NULL,
    customer_id UUID,
    plan_id UUID,
    milestone_key TEXT,
    evidence TEXT NOT NULL,
    note TEXT,
    state TEXT NOT NULL CHECK (state IN ('claimed', 'under_review', 'verified', 'rejected', 'withdrawn')),
    verified_on DATE,
    reason TEXT,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, person_id) REFERENCES people (organization_id, id),
    FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id),
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id)
);
CREATE INDEX impacts_by_person ON impacts (organization_id, person_id, id);

-- A validation is about a milestone of a plan or about an impact. What had to be there no longer has to: the tables are made anew.
CREATE TABLE validations_anew (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    plan_id UUID,
    milestone_key TEXT,
    impact_id UUID,
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
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id),
    FOREIGN KEY (organization_id, impact_id) REFERENCES impacts (organization_id, id),
    CHECK ((plan_id IS NULL) = (milestone_key IS NULL) AND (plan_id IS NULL) <> (impact_id IS NULL))
);
INSERT INTO validations_anew (organization_id, id, plan_id, milestone_key, needs, different_people, note, evidence, state,
    submitted_on, closed_at, author, version, created_at, updated_at)
    SELECT organization_id, id, plan_id, milestone_key, needs, different_people, note, evidence, state, submitted_on, closed_at, author, version, created_at, updated_at
    FROM validations;

CREATE TABLE validation_asks_anew (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    validation_id UUID NOT NULL,
    plan_id UUID,
    impact_id UUID,
    kind TEXT NOT NULL,
    person_id UUID,
    decision TEXT CHECK (decision IN ('approve', 'reject', 'ask_for_more')),
    comment TEXT,
    scores TEXT NOT NULL,
    decided_on DATE,
    decided_at TIMESTAMPTZ,
    asked_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, validation_id) REFERENCES validations_anew (organization_id, id)
);
INSERT INTO validation_asks_anew (organization_id, id, validation_id, plan_id, kind, person_id, decision, comment, scores, decided_on, decided_at, asked_at)
    SELECT organization_id, id, validation_id, plan_id, kind, person_id, decision, comment, scores, decided_on, decided_at, asked_at
    FROM validation_asks;

DROP TABLE validation_asks;
DROP TABLE validations;
ALTER TABLE validations_anew RENAME TO validations;
ALTER TABLE validation_asks_anew RENAME TO validation_asks;
CREATE INDEX validations_by_plan ON validations (organization_id, plan_id, id);
CREATE INDEX validations_by_impact ON validations (organization_id, impact_id, id);
CREATE INDEX validations_open ON validations (organization_id, id) WHERE closed_at IS NULL;
CREATE INDEX validation_asks_by_validation ON validation_asks (organization_id, validation_id, id);
CREATE INDEX validation_asks_waiting ON validation_asks (organization_id, person_id, id) WHERE decision IS NULL;
