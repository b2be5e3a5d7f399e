-- What waits for what, and how many calendar days lie in between. What was there before waits from finish to start.

ALTER TABLE milestone_dependencies ADD COLUMN relation TEXT NOT NULL DEFAULT 'finish_to_start'
    CHECK (relation IN ('finish_to_start', 'start_to_start', 'finish_to_finish', 'start_to_finish'));
ALTER TABLE milestone_dependencies ADD COLUMN lag_days BIGINT NOT NULL DEFAULT 0;
