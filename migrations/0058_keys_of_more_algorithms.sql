-- Keys of credentials may be of more than one algorithm; the public part says of which.
ALTER TABLE credential_keys ADD COLUMN public_key TEXT NOT NULL DEFAULT '';
UPDATE credential_keys SET public_key = '{"algorithm":"RS256","n":"' || public_n || '","e":"' || public_e || '"}';
ALTER TABLE credential_keys DROP COLUMN public_n;
ALTER TABLE credential_keys DROP COLUMN public_e;
