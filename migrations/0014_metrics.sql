-- Named aggregates over usage events.

CREATE TABLE metrics (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    event_type TEXT NOT NULL,
    aggregate TEXT NOT NULL,
    property TEXT,
    filter TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, key)
);

CREATE INDEX usage_events_by_person ON usage_events (organization_id, person, occurred_at) WHERE person IS NOT NULL;
