-- Whoever is responsible is a person (`owner_id`), or somebody outside of whom only a name is known.
ALTER TABLE customers RENAME COLUMN owner TO owner_name;
ALTER TABLE people RENAME COLUMN owner TO owner_name;
ALTER TABLE plans RENAME COLUMN owner TO owner_name;
ALTER TABLE milestones RENAME COLUMN owner TO owner_name;
ALTER TABLE interventions RENAME COLUMN owner TO owner_name;
ALTER TABLE customers ADD COLUMN owner_id UUID;
ALTER TABLE people ADD COLUMN owner_id UUID;
ALTER TABLE plans ADD COLUMN owner_id UUID;
ALTER TABLE milestones ADD COLUMN owner_id UUID;
ALTER TABLE interventions ADD COLUMN owner_id UUID;
CREATE INDEX customers_by_owner ON customers (organization_id, owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX people_by_owner ON people (organization_id, owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX plans_by_owner ON plans (organization_id, owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX milestones_by_owner ON milestones (organization_id, owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX interventions_by_owner ON interventions (organization_id, owner_id) WHERE owner_id IS NOT NULL;
