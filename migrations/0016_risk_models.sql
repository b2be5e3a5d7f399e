-- Models of customers' risk, fitted on what became of customers. Only ever added to: the last one applies.
CREATE TABLE risk_models (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    content TEXT NOT NULL,
    author TEXT NOT NULL,
    fitted_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id)
);
