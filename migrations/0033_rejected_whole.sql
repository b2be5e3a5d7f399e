-- What a refused message needs to be taken again as it came.

ALTER TABLE rejected_messages ADD COLUMN source TEXT;
ALTER TABLE rejected_messages ADD COLUMN sent_at TIMESTAMPTZ;
