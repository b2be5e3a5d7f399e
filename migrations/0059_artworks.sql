-- Uploaded pictures of badges, as they are shown.
CREATE TABLE artworks (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    media_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    content BYTEA,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, sha256)
);
