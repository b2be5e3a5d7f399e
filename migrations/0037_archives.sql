-- Definitions that are no longer used step out of the lists and keep what was judged by them.
ALTER TABLE playbooks ADD COLUMN archived_at TIMESTAMPTZ;
ALTER TABLE health_models ADD COLUMN archived_at TIMESTAMPTZ;
ALTER TABLE risk_models ADD COLUMN archived_at TIMESTAMPTZ;
ALTER TABLE templates ADD COLUMN archived_at TIMESTAMPTZ;
