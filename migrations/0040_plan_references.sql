-- The identifier of a plan in the calling system.
ALTER TABLE plans ADD COLUMN external_ref TEXT;
CREATE UNIQUE INDEX plans_by_reference ON plans (organization_id, external_ref);
