-- The name by which callers know their organization. It need not be unique, so that renaming one tells nothing of the others;
-- `name` stays what the operator created it with.
ALTER TABLE organizations ADD COLUMN display_name TEXT;
UPDATE organizations SET display_name = name;
