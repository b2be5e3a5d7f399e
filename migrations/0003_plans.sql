-- Templates, plans, milestones and what happened to them. Schedule status is never stored: it follows from dates.

CREATE TABLE templates (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    key TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, key)
);

CREATE TABLE template_versions (
    organization_id UUID NOT NULL,
    template_id UUID NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('delivery', 'onboarding', 'coaching', 'development')),
    description TEXT,
    milestones TEXT NOT NULL,
    published_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, template_id, number),
    FOREIGN KEY (organization_id, template_id) REFERENCES templates (organization_id, id)
);

CREATE TABLE plans (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('delivery', 'onboarding', 'coaching', 'development')),
    customer_id UUID,
    person_id UUID,
    owner TEXT,
    start_on DATE NOT NULL,
    weight_unit TEXT NOT NULL,
    credit_rule TEXT NOT NULL CHECK (credit_rule IN ('zero_hundred', 'fifty_fifty', 'percent_complete')),
    at_risk_limit_days BIGINT NOT NULL,
    budget_minor BIGINT,
    currency TEXT,
    template_id UUID,
    template_version BIGINT,
    archived_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id),
    FOREIGN KEY (organization_id, person_id) REFERENCES people (organization_id, id),
    FOREIGN KEY (organization_id, template_id, template_version)
        REFERENCES template_versions (organization_id, template_id, number)
);
CREATE INDEX plans_by_name ON plans (organization_id, name_folded, id);
CREATE INDEX plans_by_customer ON plans (organization_id, customer_id, id);
CREATE INDEX plans_by_person ON plans (organization_id, person_id, id);
CREATE INDEX plans_by_start ON plans (organization_id, start_on, id);

-- planned_on and weight are the values of the newest baseline that includes the milestone, or its own before the first.
CREATE TABLE milestones (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    plan_id UUID NOT NULL,
    key TEXT NOT NULL,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    phase TEXT,
    owner TEXT,
    weight DOUBLE PRECISION NOT NULL CHECK (weight > 0),
    planned_on DATE NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('planned', 'in_progress', 'submitted', 'achieved', 'waived', 'cancelled')),
    started_on DATE,
    closed_on DATE,
    acceptance_criteria TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, plan_id, key),
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id)
);
CREATE INDEX milestones_by_date ON milestones (organization_id, planned_on, id);

CREATE TABLE milestone_dependencies (
    organization_id UUID NOT NULL,
    plan_id UUID NOT NULL,
    milestone_id UUID NOT NULL,
    depends_on_id UUID NOT NULL,
    PRIMARY KEY (organization_id, plan_id, milestone_id, depends_on_id),
    FOREIGN KEY (organization_id, milestone_id) REFERENCES milestones (organization_id, id),
    FOREIGN KEY (organization_id, depends_on_id) REFERENCES milestones (organization_id, id)
);

CREATE TABLE forecast_changes (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    plan_id UUID NOT NULL,
    milestone_id UUID NOT NULL,
    ordinal BIGINT NOT NULL,
    from_on DATE NOT NULL,
    to_on DATE NOT NULL,
    reason TEXT,
    cause TEXT CHECK (cause IN ('one_time', 'systemic')),
    author TEXT NOT NULL,
    recorded_on DATE NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, milestone_id, ordinal),
    FOREIGN KEY (organization_id, milestone_id) REFERENCES milestones (organization_id, id)
);
CREATE INDEX forecast_changes_by_plan ON forecast_changes (organization_id, plan_id, milestone_id, ordinal);

CREATE TABLE progress_entries (
    organization_id UUID NOT NULL,
    plan_id UUID NOT NULL,
    milestone_id UUID NOT NULL,
    ordinal BIGINT NOT NULL,
    percent DOUBLE PRECISION NOT NULL CHECK (percent >= 0 AND percent <= 100),
    recorded_on DATE NOT NULL,
    PRIMARY KEY (organization_id, plan_id, milestone_id, ordinal),
    FOREIGN KEY (organization_id, milestone_id) REFERENCES milestones (organization_id, id)
);

CREATE TABLE milestone_transitions (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    plan_id UUID NOT NULL,
    milestone_id UUID NOT NULL,
    action TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    occurred_on DATE NOT NULL,
    reason TEXT,
    override_reason TEXT,
    evidence TEXT NOT NULL,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, milestone_id) REFERENCES milestones (organization_id, id)
);
CREATE INDEX milestone_transitions_by_milestone ON milestone_transitions (organization_id, plan_id, milestone_id, id);

CREATE TABLE baselines (
    organization_id UUID NOT NULL,
    plan_id UUID NOT NULL,
    number BIGINT NOT NULL,
    effective_on DATE NOT NULL,
    reason TEXT,
    author TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, plan_id, number),
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id)
);

CREATE TABLE baseline_lines (
    organization_id UUID NOT NULL,
    plan_id UUID NOT NULL,
    number BIGINT NOT NULL,
    milestone_id UUID NOT NULL,
    planned_on DATE NOT NULL,
    weight DOUBLE PRECISION NOT NULL CHECK (weight > 0),
    PRIMARY KEY (organization_id, plan_id, number, milestone_id),
    FOREIGN KEY (organization_id, plan_id, number) REFERENCES baselines (organization_id, plan_id, number),
    FOREIGN KEY (organization_id, milestone_id) REFERENCES milestones (organization_id, id)
);
