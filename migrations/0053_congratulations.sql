-- Congratulations on what somebody has achieved. A celebration has no row: it follows from plans and awards, and its identifier from what it is about.
CREATE TABLE congratulations (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    celebration_id UUID NOT NULL,
    person_id UUID NOT NULL,
    sender_id UUID NOT NULL,
    reaction TEXT NOT NULL,
    message TEXT,
    sent_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, person_id) REFERENCES people (organization_id, id),
    FOREIGN KEY (organization_id, sender_id) REFERENCES people (organization_id, id)
);
CREATE INDEX congratulations_by_celebration ON congratulations (organization_id, celebration_id, id);
CREATE INDEX congratulations_by_person ON congratulations (organization_id, person_id);
CREATE INDEX congratulations_by_sender ON congratulations (organization_id, sender_id);
