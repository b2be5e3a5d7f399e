-- What an entry says of before and after can be erased: the chain covers a digest of it, made with a salt, and the digest stays. Entries of
-- before have neither; their hash covers the texts themselves.
ALTER TABLE ledger_entries ADD COLUMN content_salt BYTEA;
ALTER TABLE ledger_entries ADD COLUMN content_digest BYTEA;
ALTER TABLE ledger_entries ADD COLUMN erased_at TIMESTAMPTZ;
