-- Who: organizations, their API clients and keys, and the ledger of every change.
--
-- One text for SQLite and PostgreSQL, and for what speaks PostgreSQL's protocol (Citus, YugabyteDB, CockroachDB).
-- `organizations` and `signing_keys` are small and global (reference tables on Citus). Every other table is an
-- organization's: its primary key, unique keys and foreign keys begin with organization_id, by which it can be distributed.

CREATE TABLE organizations (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    time_zone TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE signing_keys (
    id TEXT NOT NULL PRIMARY KEY,
    private_der BYTEA NOT NULL,
    public_x TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    retired_at TIMESTAMPTZ
);

-- The end of an organization's ledger. Every writing unit holds this row, so an organization's writes are one after another.
CREATE TABLE ledger_heads (
    organization_id UUID NOT NULL PRIMARY KEY REFERENCES organizations (id),
    sequence BIGINT NOT NULL,
    hash BYTEA NOT NULL
);

CREATE TABLE ledger_entries (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    sequence BIGINT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    actor_type TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    action TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id UUID NOT NULL,
    root_type TEXT NOT NULL,
    root_id UUID NOT NULL,
    before TEXT,
    after TEXT,
    previous_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (organization_id, sequence)
);
CREATE INDEX ledger_entries_by_root ON ledger_entries (organization_id, root_type, root_id, sequence);
CREATE INDEX ledger_entries_by_entity ON ledger_entries (organization_id, entity_id, sequence);

CREATE TABLE api_clients (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    revoked_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id)
);

CREATE TABLE api_keys (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    client_id UUID NOT NULL,
    secret_hash BYTEA NOT NULL,
    expires_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, client_id) REFERENCES api_clients (organization_id, id)
);
CREATE INDEX api_keys_by_client ON api_keys (organization_id, client_id, id);

-- The answer of a POST, kept with its effect so that a repeated request gets it again.
CREATE TABLE idempotency_keys (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    caller_id TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    status BIGINT NOT NULL,
    headers TEXT NOT NULL,
    body BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, caller_id, route, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (organization_id, created_at);
