-- Amounts that name no currency are in the organization's.

ALTER TABLE organizations ADD COLUMN currency TEXT NOT NULL DEFAULT 'EUR';
