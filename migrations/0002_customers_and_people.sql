-- Whom the organization serves and who works with them. `name_folded` is what search and sorting read.

CREATE TABLE customers (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    external_ref TEXT,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    segment TEXT,
    owner TEXT,
    archived_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, external_ref)
);
CREATE INDEX customers_by_name ON customers (organization_id, name_folded, id);

CREATE TABLE people (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    external_ref TEXT,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('employee', 'coach', 'participant')),
    email TEXT,
    customer_id UUID,
    segment TEXT,
    owner TEXT,
    archived_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, external_ref),
    FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id)
);
CREATE INDEX people_by_name ON people (organization_id, name_folded, id);
CREATE INDEX people_by_customer ON people (organization_id, customer_id, id);
