-- Rules that react to how customers are, and the tasks they open.

CREATE TABLE playbooks (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    key TEXT NOT NULL,
    content TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, key)
);

-- For what of a customer a playbook's trigger held when last looked at, by which version of the playbook, and when it last opened a task.
CREATE TABLE playbook_states (
    organization_id UUID NOT NULL,
    playbook_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    version BIGINT NOT NULL,
    held TEXT NOT NULL,
    opened_on DATE,
    PRIMARY KEY (organization_id, customer_id, playbook_id),
    FOREIGN KEY (organization_id, playbook_id) REFERENCES playbooks (organization_id, id),
    FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id)
);

CREATE TABLE interventions (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    playbook_id UUID,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    reason TEXT,
    owner TEXT,
    opened_on DATE NOT NULL,
    due_on DATE NOT NULL,
    escalations TEXT NOT NULL,
    snoozed_until DATE,
    snooze_reason TEXT,
    done_on DATE,
    outcome TEXT CHECK (outcome IN ('succeeded', 'failed', 'not_needed')),
    outcome_note TEXT,
    score_at_opening DOUBLE PRECISION,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id),
    FOREIGN KEY (organization_id, playbook_id) REFERENCES playbooks (organization_id, id)
);
CREATE INDEX interventions_by_customer ON interventions (organization_id, customer_id, id);

CREATE TABLE intervention_notes (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    intervention_id UUID NOT NULL,
    text TEXT NOT NULL,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, intervention_id) REFERENCES interventions (organization_id, id)
);
CREATE INDEX intervention_notes_by_intervention ON intervention_notes (organization_id, intervention_id, id);
