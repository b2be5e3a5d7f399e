-- Outsiders who are asked for a validation by a link that works once, and reminders of those who have not decided.
ALTER TABLE validation_asks ADD COLUMN outsider_name TEXT;
ALTER TABLE validation_asks ADD COLUMN secret_hash BYTEA;
ALTER TABLE validation_asks ADD COLUMN expires_at TIMESTAMPTZ;
ALTER TABLE validation_asks ADD COLUMN reminded_at TIMESTAMPTZ;
