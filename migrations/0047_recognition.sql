-- Badges, their awards to people, and what signs the credentials that prove them.
CREATE TABLE badges (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    description TEXT NOT NULL,
    criteria TEXT NOT NULL,
    achievement_type TEXT NOT NULL,
    tags TEXT NOT NULL,
    alignments TEXT NOT NULL,
    valid_days BIGINT,
    design TEXT NOT NULL,
    archived_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, key)
);
CREATE INDEX badges_by_name ON badges (organization_id, name_folded, id);

-- `badge` is the badge as it was when it was awarded: credentials say the same for ever.
CREATE TABLE awards (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    badge_id UUID NOT NULL,
    person_id UUID NOT NULL,
    badge TEXT NOT NULL,
    awarded_on DATE NOT NULL,
    issued_on DATE NOT NULL,
    expires_on DATE,
    note TEXT,
    evidence TEXT NOT NULL,
    suspended_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    reason TEXT,
    renews_id UUID,
    renewed_by_id UUID,
    published TEXT CHECK (published IN ('hashed', 'email')),
    salt TEXT NOT NULL,
    status_list BIGINT NOT NULL,
    status_index BIGINT NOT NULL,
    author TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, badge_id) REFERENCES badges (organization_id, id),
    FOREIGN KEY (organization_id, person_id) REFERENCES people (organization_id, id)
);
CREATE INDEX awards_by_person ON awards (organization_id, person_id, id);
CREATE INDEX awards_by_badge ON awards (organization_id, badge_id, id);
CREATE INDEX awards_ended ON awards (organization_id, status_list) WHERE revoked_at IS NOT NULL OR suspended_at IS NOT NULL;

-- Bits of status lists that a credential has had. They are never given again, not even when the award is erased.
CREATE TABLE status_bits (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    status_list BIGINT NOT NULL,
    status_index BIGINT NOT NULL,
    PRIMARY KEY (organization_id, status_list, status_index)
);

-- Keys that sign an organization's credentials. The public part of one that is retired stays, because it verifies what it signed.
CREATE TABLE credential_keys (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    private_der BYTEA NOT NULL,
    public_n TEXT NOT NULL,
    public_e TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    retired_at TIMESTAMPTZ,
    PRIMARY KEY (organization_id, id)
);
