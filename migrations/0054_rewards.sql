-- Rewards, and what people were granted of them.
CREATE TABLE rewards (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    description TEXT,
    kind TEXT NOT NULL,
    cost_minor BIGINT,
    currency TEXT,
    stock BIGINT,
    valid_days BIGINT,
    is_immediate BOOLEAN NOT NULL,
    is_repeatable BOOLEAN NOT NULL,
    for_badges TEXT NOT NULL,
    archived_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, key)
);
CREATE INDEX rewards_by_name ON rewards (organization_id, name_folded, id);

CREATE TABLE entitlements (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    reward_id UUID NOT NULL,
    person_id UUID NOT NULL,
    step TEXT NOT NULL CHECK (step IN ('granted', 'claimed', 'approved', 'fulfilled', 'canceled')),
    award_id UUID,
    granted_on DATE NOT NULL,
    expires_on DATE,
    note TEXT,
    author TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, reward_id) REFERENCES rewards (organization_id, id),
    FOREIGN KEY (organization_id, person_id) REFERENCES people (organization_id, id)
);
CREATE INDEX entitlements_by_person ON entitlements (organization_id, person_id, id);
CREATE INDEX entitlements_by_reward ON entitlements (organization_id, reward_id, id);
CREATE INDEX entitlements_waiting ON entitlements (organization_id, id) WHERE step IN ('claimed', 'approved');
