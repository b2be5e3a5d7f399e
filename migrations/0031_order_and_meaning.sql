-- When what Segment's libraries said last of a person or a customer was said, by the clock of who said it: what is older does not replace it.

CREATE TABLE segment_marks (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    stated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, kind, reference)
);

-- What an organization's own types of usage events mean.
ALTER TABLE organizations ADD COLUMN event_meanings TEXT NOT NULL DEFAULT '[]';
