-- Messages that were refused on arrival, as they came, for senders that do not read answers. Kept for a while, and for each organization up
-- to a number.

CREATE TABLE rejected_messages (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    channel TEXT NOT NULL,
    content TEXT NOT NULL,
    is_cut BOOLEAN NOT NULL,
    code TEXT NOT NULL,
    pointer TEXT,
    detail TEXT NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id)
);
