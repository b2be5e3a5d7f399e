-- What is kept up to date with events and the ledger is marked by one mechanism: how far each kind has come.
CREATE TABLE keeping_marks (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    kind TEXT NOT NULL CHECK (kind IN ('health', 'proofs')),
    event_sequence BIGINT NOT NULL,
    ledger_sequence BIGINT NOT NULL,
    as_of DATE NOT NULL,
    computed_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, kind)
);
INSERT INTO keeping_marks (organization_id, kind, event_sequence, ledger_sequence, as_of, computed_at)
SELECT organization_id, 'health', event_sequence, ledger_sequence, as_of, computed_at FROM health_marks;
DROP TABLE health_marks;

-- How milestones stand that prove themselves. What was proved follows from facts and can be computed anew; what was done about it is
-- recorded here: the day of the achievement, the tier that was awarded, and whether somebody has to look.
CREATE TABLE milestone_proofs (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    plan_id UUID NOT NULL,
    key TEXT NOT NULL,
    proved_on DATE,
    tier TEXT CHECK (tier IN ('bronze', 'silver', 'gold')),
    achieved_on DATE,
    was_achieved BOOLEAN NOT NULL,
    contested_at TIMESTAMPTZ,
    upheld_at TIMESTAMPTZ,
    reason TEXT,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, plan_id, key),
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id)
);
CREATE INDEX milestone_proofs_contested ON milestone_proofs (organization_id, id) WHERE contested_at IS NOT NULL;
