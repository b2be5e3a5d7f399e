-- Files shown as evidence for validations.
CREATE TABLE evidence_files (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    validation_id UUID NOT NULL,
    plan_id UUID,
    impact_id UUID,
    title TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    content BYTEA,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, validation_id) REFERENCES validations (organization_id, id)
);
CREATE INDEX evidence_files_by_validation ON evidence_files (organization_id, validation_id, id);
