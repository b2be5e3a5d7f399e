-- What people may do: roles of the organization's own, and who has which role. The roles that the product has itself are not stored.
CREATE TABLE roles (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, key)
);

CREATE TABLE person_roles (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    person_id UUID NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (organization_id, person_id, role)
);
CREATE INDEX person_roles_by_role ON person_roles (organization_id, role);

-- Whom the subjects of identity providers are, once they have been recognized.
CREATE TABLE person_identities (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    person_id UUID NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, issuer, subject)
);
CREATE INDEX person_identities_by_person ON person_identities (organization_id, person_id);

-- Whose sign-in means people of which organization: an issuer and an audience belong to one organization.
CREATE TABLE identity_providers (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    issuer TEXT NOT NULL,
    audience TEXT NOT NULL,
    token_type TEXT NOT NULL,
    jwks_url TEXT,
    person_by TEXT NOT NULL,
    claim TEXT NOT NULL,
    creates_people BOOLEAN NOT NULL,
    archived_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX identity_providers_by_token ON identity_providers (issuer, audience) WHERE archived_at IS NULL;

-- One-time codes by which people sign in whose organization has no identity provider.
CREATE TABLE sign_in_codes (
    organization_id UUID NOT NULL REFERENCES organizations (id),
    id UUID NOT NULL,
    person_id UUID NOT NULL,
    secret_hash BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX sign_in_codes_by_person ON sign_in_codes (organization_id, person_id, created_at);
