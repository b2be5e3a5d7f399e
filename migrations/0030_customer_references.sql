-- What a reference in usage events meant when. A customer keeps the events of its earlier references; whoever gets one of them later begins
-- with it then. Of a customer that is gone only the period stays, without it.

CREATE TABLE customer_references (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    customer_id UUID,
    external_ref TEXT NOT NULL,
    from_at TIMESTAMPTZ,
    until_at TIMESTAMPTZ,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX customer_references_by_ref ON customer_references (organization_id, external_ref);
CREATE INDEX customer_references_by_customer ON customer_references (organization_id, customer_id);

INSERT INTO customer_references (organization_id, id, customer_id, external_ref)
SELECT organization_id, id, id, external_ref FROM customers WHERE external_ref IS NOT NULL;
