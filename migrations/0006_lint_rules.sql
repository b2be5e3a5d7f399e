-- The lint rules that an organization has switched off, as a JSON list of their names.

ALTER TABLE organizations ADD COLUMN lint_rules_off TEXT NOT NULL DEFAULT '[]';
