-- What a reference in usage events means when: of people as of customers.
ALTER TABLE customer_references RENAME TO reference_periods;
ALTER TABLE reference_periods RENAME COLUMN customer_id TO holder_id;
ALTER TABLE reference_periods ADD COLUMN kind TEXT NOT NULL DEFAULT 'customer';
DROP INDEX customer_references_by_ref;
DROP INDEX customer_references_by_customer;
CREATE INDEX reference_periods_by_ref ON reference_periods (organization_id, external_ref, kind);
CREATE INDEX reference_periods_by_holder ON reference_periods (organization_id, holder_id);

INSERT INTO reference_periods (organization_id, id, kind, holder_id, external_ref)
SELECT organization_id, id, 'person', id, external_ref FROM people WHERE external_ref IS NOT NULL;

-- The statements of a person next to an instant are looked for when another one comes.
DROP INDEX memberships_by_person;
CREATE INDEX memberships_by_person ON memberships (organization_id, person_id, stated_at);

-- Customers and people that turned out to be the same. The duplicate stays as a sign that points to the other one; `merged_rows` holds what
-- was moved, so that it can be moved back.
ALTER TABLE customers ADD COLUMN merged_into_id UUID;
ALTER TABLE people ADD COLUMN merged_into_id UUID;

CREATE TABLE merges (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    survivor_id UUID NOT NULL,
    duplicate_id UUID NOT NULL,
    moved TEXT NOT NULL,
    reason TEXT,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    undone_at TIMESTAMPTZ,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX merges_by_survivor ON merges (organization_id, survivor_id, id);

CREATE TABLE merged_rows (
    organization_id UUID NOT NULL,
    merge_id UUID NOT NULL,
    kind TEXT NOT NULL,
    row_id UUID NOT NULL,
    PRIMARY KEY (organization_id, merge_id, kind, row_id),
    FOREIGN KEY (organization_id, merge_id) REFERENCES merges (organization_id, id)
);
