-- Success stories of people.
CREATE TABLE stories (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    person_id UUID NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    quote TEXT,
    impact_ids TEXT NOT NULL,
    state TEXT NOT NULL,
    shown_to TEXT,
    submitted_by TEXT,
    published_on DATE,
    reason TEXT,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, person_id) REFERENCES people (organization_id, id)
);
CREATE INDEX stories_by_person ON stories (organization_id, person_id, id);
