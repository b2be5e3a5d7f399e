-- Customer health: models and their versions, what people say of customers, what became of customers, and the scores last computed.

-- Since when one is a customer, whose part it is, and what it pays in a year: in the smallest unit of the organization's money.
ALTER TABLE customers ADD COLUMN since_on DATE;
ALTER TABLE customers ADD COLUMN parent_id UUID;
ALTER TABLE customers ADD COLUMN annual_revenue_minor BIGINT;
CREATE INDEX customers_by_parent ON customers (organization_id, parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE health_models (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    key TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, key)
);

CREATE TABLE health_model_versions (
    organization_id UUID NOT NULL,
    model_id UUID NOT NULL,
    number BIGINT NOT NULL,
    content TEXT NOT NULL,
    published_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, model_id, number),
    FOREIGN KEY (organization_id, model_id) REFERENCES health_models (organization_id, id)
);

-- Which version of a model applied from when; without a number, none did. Never changed.
CREATE TABLE health_model_activations (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    model_id UUID NOT NULL,
    number BIGINT,
    activated_at TIMESTAMPTZ NOT NULL,
    activated_on DATE NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, model_id) REFERENCES health_models (organization_id, id)
);

CREATE TABLE customer_pulses (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    note TEXT,
    recorded_on DATE NOT NULL,
    expires_on DATE NOT NULL,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id)
);
CREATE INDEX customer_pulses_by_customer ON customer_pulses (organization_id, customer_id, id);

CREATE TABLE health_overrides (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    reason TEXT NOT NULL,
    from_on DATE NOT NULL,
    expires_on DATE NOT NULL,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    ended_on DATE,
    ended_at TIMESTAMPTZ,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id)
);
CREATE INDEX health_overrides_by_customer ON health_overrides (organization_id, customer_id, id);

CREATE TABLE customer_outcomes (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('renewed', 'churned', 'expanded', 'downgraded')),
    occurred_on DATE NOT NULL,
    amount_minor BIGINT,
    note TEXT,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id)
);
CREATE INDEX customer_outcomes_by_customer ON customer_outcomes (organization_id, customer_id, occurred_on);

-- How each customer was when last looked at: a cache of what can be computed anew at any time.
CREATE TABLE customer_health (
    organization_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    as_of DATE NOT NULL,
    score DOUBLE PRECISION,
    band TEXT NOT NULL,
    coverage DOUBLE PRECISION NOT NULL,
    model_key TEXT NOT NULL,
    model_number BIGINT,
    score_before DOUBLE PRECISION,
    band_before TEXT NOT NULL,
    trend_per_week DOUBLE PRECISION,
    lowest_factor TEXT,
    is_overridden BOOLEAN NOT NULL,
    computed_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, customer_id),
    FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id)
);

-- Up to where events, ledger and days have been looked at.
CREATE TABLE health_marks (
    organization_id UUID NOT NULL PRIMARY KEY REFERENCES organizations (id),
    event_sequence BIGINT NOT NULL,
    ledger_sequence BIGINT NOT NULL,
    as_of DATE NOT NULL,
    computed_at TIMESTAMPTZ NOT NULL
);
