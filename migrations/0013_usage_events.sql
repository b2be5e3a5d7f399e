-- What customers and people did, as integrations push it. An event is told from others by `key`: a hash of its source and id, narrow so
-- that the check of a new one is quick. Whether its customer is known is not stored: it counts from the moment the customer is there.

-- The number of the last event of each organization.
CREATE TABLE event_heads (
    organization_id UUID NOT NULL PRIMARY KEY REFERENCES organizations (id),
    sequence BIGINT NOT NULL
);

CREATE TABLE usage_events (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    sequence BIGINT NOT NULL,
    key BYTEA NOT NULL,
    payload_hash BYTEA NOT NULL,
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT,
    person TEXT,
    occurred_at TIMESTAMPTZ NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    data TEXT,
    extensions TEXT,
    held_for TEXT CHECK (held_for IN ('future_time')),
    PRIMARY KEY (organization_id, sequence)
);
-- The key leads: with the organization in front, a planner without statistics takes the primary key and reads all of it.
CREATE UNIQUE INDEX usage_events_by_key ON usage_events (key, organization_id);
CREATE INDEX usage_events_by_subject ON usage_events (organization_id, subject, occurred_at);
