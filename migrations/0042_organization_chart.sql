-- Who works with the organization, who reports to whom since when, and who is a member of which team from when until when.
ALTER TABLE people ADD COLUMN manager_id UUID;
ALTER TABLE people ADD COLUMN employment TEXT NOT NULL DEFAULT 'active' CHECK (employment IN ('active', 'left'));
ALTER TABLE people ADD COLUMN left_on DATE;
ALTER TABLE people ADD COLUMN time_zone TEXT;
ALTER TABLE people ADD COLUMN language TEXT;
ALTER TABLE people ADD COLUMN email_verified BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE people ADD COLUMN email_folded TEXT;
UPDATE people SET email_folded = LOWER(email) WHERE email IS NOT NULL;
CREATE INDEX people_by_manager ON people (organization_id, manager_id) WHERE manager_id IS NOT NULL;
CREATE INDEX people_by_email ON people (organization_id, email_folded) WHERE email_folded IS NOT NULL;

-- A line holds from its day on, until the next line of the same person; of two for one day, the one that was recorded later holds.
CREATE TABLE reporting_lines (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    person_id UUID NOT NULL,
    manager_id UUID,
    from_on DATE NOT NULL,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX reporting_lines_by_person ON reporting_lines (organization_id, person_id, id);
CREATE INDEX reporting_lines_by_manager ON reporting_lines (organization_id, manager_id) WHERE manager_id IS NOT NULL;

CREATE TABLE teams (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    external_ref TEXT,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    parent_id UUID,
    lead_id UUID,
    archived_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, external_ref),
    FOREIGN KEY (organization_id, parent_id) REFERENCES teams (organization_id, id),
    FOREIGN KEY (organization_id, lead_id) REFERENCES people (organization_id, id)
);
CREATE INDEX teams_by_name ON teams (organization_id, name_folded, id);
CREATE INDEX teams_by_parent ON teams (organization_id, parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX teams_by_lead ON teams (organization_id, lead_id) WHERE lead_id IS NOT NULL;

CREATE TABLE team_members (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    team_id UUID NOT NULL,
    person_id UUID NOT NULL,
    from_on DATE NOT NULL,
    until_on DATE,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, team_id) REFERENCES teams (organization_id, id)
);
CREATE INDEX team_members_by_team ON team_members (organization_id, team_id, id);
CREATE INDEX team_members_by_person ON team_members (organization_id, person_id);
