-- Metrics have versions, as everything has that If-Match can name.

ALTER TABLE metrics ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE metrics ADD COLUMN updated_at TIMESTAMPTZ;
UPDATE metrics SET updated_at = created_at;
