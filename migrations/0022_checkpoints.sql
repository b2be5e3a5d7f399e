-- When the last entry and the last events were recorded: recorded time never goes back within an organization, whatever the
-- clock does.
ALTER TABLE ledger_heads ADD COLUMN recorded_at TIMESTAMPTZ;
ALTER TABLE event_heads ADD COLUMN received_at TIMESTAMPTZ;

-- Signed statements of where an organization's ledger stood. The token says the same as the columns and can be verified
-- without the database.
CREATE TABLE ledger_checkpoints (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    sequence BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    made_at TIMESTAMPTZ NOT NULL,
    key_id TEXT NOT NULL,
    token TEXT NOT NULL,
    PRIMARY KEY (organization_id, sequence)
);
