-- Which customer each person was said to belong to, by the time that was said. An event that names no customer belongs to the one that its
-- person belonged to when it happened; `by_person` marks those, and without a subject they wait for one.

CREATE TABLE memberships (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    person_id UUID NOT NULL,
    customer_id UUID,
    stated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX memberships_by_person ON memberships (organization_id, person_id);
CREATE INDEX memberships_by_customer ON memberships (organization_id, customer_id) WHERE customer_id IS NOT NULL;

INSERT INTO memberships (organization_id, id, person_id, customer_id, stated_at)
SELECT organization_id, id, id, customer_id, created_at FROM people WHERE customer_id IS NOT NULL;

ALTER TABLE usage_events ADD COLUMN by_person BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX usage_events_waiting ON usage_events (organization_id, sequence) WHERE by_person AND subject IS NULL;
