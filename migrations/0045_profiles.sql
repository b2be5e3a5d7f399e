-- What people say of themselves: a profile has the identifier of its person, and the picture is read on its own.
CREATE TABLE profiles (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    pronunciation TEXT,
    visibility TEXT NOT NULL CHECK (visibility IN ('private', 'related', 'organization')),
    avatar_sha256 TEXT,
    version BIGINT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    avatar BYTEA,
    PRIMARY KEY (organization_id, id)
);
