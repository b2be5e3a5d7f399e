-- What the client's page shows of the organization.

ALTER TABLE organizations ADD COLUMN contact TEXT;
ALTER TABLE organizations ADD COLUMN logo TEXT;
