-- The circle in which somebody's achievements are shown, and competitions with their frozen results.
ALTER TABLE profiles ADD COLUMN recognition TEXT NOT NULL DEFAULT 'organization' CHECK (recognition IN ('private', 'organization', 'public'));

CREATE TABLE competitions (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    by TEXT NOT NULL,
    currency TEXT,
    template TEXT,
    track TEXT,
    customer_id UUID,
    team_id UUID,
    from_on DATE NOT NULL,
    to_on DATE NOT NULL,
    closed_at TIMESTAMPTZ,
    results TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX competitions_by_name ON competitions (organization_id, name_folded, id);
