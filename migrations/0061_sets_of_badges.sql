-- Badges that are earned by others, and what awards say of how well.
ALTER TABLE badges ADD COLUMN earned_by TEXT;
ALTER TABLE awards ADD COLUMN badge_version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE awards ADD COLUMN results TEXT NOT NULL DEFAULT '[]';
