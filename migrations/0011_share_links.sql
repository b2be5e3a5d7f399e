-- Links by which a client sees a plan: until when, and how much of it. Of the token only a hash is kept.

CREATE TABLE share_links (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    plan_id UUID NOT NULL,
    name TEXT,
    secret_hash BYTEA NOT NULL,
    visibility TEXT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ,
    author TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id)
);
CREATE INDEX share_links_by_plan ON share_links (organization_id, plan_id, id);
