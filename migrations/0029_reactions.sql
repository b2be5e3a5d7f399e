-- What playbooks remember, by what they look at and not by their text; why interventions ended; renewals; risk in the portfolio.

ALTER TABLE customers ADD COLUMN renews_on DATE;

ALTER TABLE playbook_states ADD COLUMN scope TEXT;
ALTER TABLE playbook_states ADD COLUMN opened TEXT NOT NULL DEFAULT '{}';
UPDATE playbook_states SET opened = '{"":"' || opened_on || '"}' WHERE opened_on IS NOT NULL;
ALTER TABLE playbook_states DROP COLUMN opened_on;
ALTER TABLE playbook_states DROP COLUMN version;

ALTER TABLE interventions ADD COLUMN subjects TEXT NOT NULL DEFAULT '[]';
ALTER TABLE interventions ADD COLUMN priority TEXT NOT NULL DEFAULT 'normal';
ALTER TABLE interventions ADD COLUMN follows_owner BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE interventions ADD COLUMN ended_by TEXT;
CREATE INDEX interventions_by_due ON interventions (organization_id, due_on, id);

ALTER TABLE customer_health ADD COLUMN is_lost BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE customer_health ADD COLUMN risk_level TEXT NOT NULL DEFAULT 'low';
ALTER TABLE customer_health ADD COLUMN risk_points DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE customer_health ADD COLUMN risk_probability DOUBLE PRECISION;
ALTER TABLE customer_health ADD COLUMN risk_evidence TEXT;
-- Everything is looked at anew.
DELETE FROM health_marks;
