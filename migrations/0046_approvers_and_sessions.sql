-- Who approved a baseline is a person, or somebody outside of whom only the name is known.
ALTER TABLE baseline_approvals RENAME COLUMN who TO approver_outside;
ALTER TABLE baseline_approvals ADD COLUMN approver_name TEXT;
UPDATE baseline_approvals SET approver_name = approver_outside;
ALTER TABLE baseline_approvals DROP COLUMN approver_outside;
ALTER TABLE baseline_approvals ADD COLUMN approver_id UUID;
CREATE INDEX baseline_approvals_by_approver ON baseline_approvals (organization_id, approver_id) WHERE approver_id IS NOT NULL;

-- Until when the tokens of this server that mean a person have ended.
ALTER TABLE people ADD COLUMN signed_out_at TIMESTAMPTZ;
