-- Events of a customer in the order of receipt: what came since they were last summed up, and the newest of a list.
CREATE INDEX usage_events_by_receipt ON usage_events (organization_id, subject, sequence);
-- What is held is found without reading everything else.
CREATE INDEX usage_events_held ON usage_events (organization_id, sequence) WHERE held_for IS NOT NULL;

-- References whose events were removed or changed, with the number of events by then: sums over them that are older begin anew.
CREATE TABLE usage_rewrites (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    subject TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (organization_id, subject)
);

-- Subjects with events that belonged to no customer when they came: the quarantine is looked for among these.
CREATE TABLE unknown_subjects (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    subject TEXT NOT NULL,
    PRIMARY KEY (organization_id, subject)
);

INSERT INTO unknown_subjects (organization_id, subject)
SELECT DISTINCT e.organization_id, e.subject FROM usage_events e
LEFT JOIN customer_references r ON r.organization_id = e.organization_id AND r.external_ref = e.subject AND r.customer_id IS NOT NULL
    AND (r.from_at IS NULL OR r.from_at <= e.occurred_at) AND (r.until_at IS NULL OR e.occurred_at < r.until_at)
WHERE e.subject IS NOT NULL AND r.id IS NULL;
