-- Documents with the few columns that are searched. Times are microseconds
-- since 1970 in UTC, documents are JSON text.

CREATE TABLE identities (
    id UUID NOT NULL PRIMARY KEY,
    schema_id TEXT NOT NULL,
    state TEXT NOT NULL,
    external_id TEXT UNIQUE,
    organization_id UUID,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX identities_organization ON identities (organization_id, id) WHERE organization_id IS NOT NULL;

CREATE TABLE credential_identifiers (
    type TEXT NOT NULL,
    identifier TEXT COLLATE "C" NOT NULL,
    identity_id UUID NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    PRIMARY KEY (type, identifier)
);
CREATE INDEX credential_identifiers_identity ON credential_identifiers (identity_id);
CREATE INDEX credential_identifiers_text ON credential_identifiers (identifier);

CREATE TABLE addresses (
    kind TEXT NOT NULL,
    via TEXT NOT NULL,
    value TEXT NOT NULL,
    identity_id UUID NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, via, value)
);
CREATE INDEX addresses_identity ON addresses (identity_id);

-- `checked_at` is set only for sessions that hold a refresh token: when the provider was last asked.
CREATE TABLE sessions (
    id UUID NOT NULL PRIMARY KEY,
    token_hash BYTEA NOT NULL UNIQUE,
    identity_id UUID NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
    active BOOLEAN NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    aal TEXT NOT NULL,
    upstream_provider TEXT,
    upstream_sid TEXT,
    checked_at BIGINT,
    body TEXT NOT NULL
);
CREATE INDEX sessions_identity ON sessions (identity_id, issued_at);
CREATE INDEX sessions_issued ON sessions (issued_at, id);
CREATE INDEX sessions_expires ON sessions (expires_at);
CREATE INDEX sessions_upstream ON sessions (upstream_sid, upstream_provider) WHERE upstream_sid IS NOT NULL;
CREATE INDEX sessions_checked ON sessions (upstream_provider, checked_at) WHERE checked_at IS NOT NULL;

CREATE TABLE flows (
    id UUID NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX flows_expires ON flows (expires_at);

CREATE TABLE continuity (
    id TEXT NOT NULL PRIMARY KEY,
    binding TEXT NOT NULL,
    name TEXT NOT NULL,
    identity_id UUID,
    payload TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX continuity_expires ON continuity (expires_at);

CREATE TABLE self_service_errors (
    id UUID NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    seen_at BIGINT
);
CREATE INDEX self_service_errors_created ON self_service_errors (created_at);

CREATE TABLE token_exchanges (
    id UUID NOT NULL PRIMARY KEY,
    flow_id UUID NOT NULL,
    init_code_hash BYTEA NOT NULL UNIQUE,
    init_secret TEXT NOT NULL,
    return_to_code_hash BYTEA,
    session_id UUID,
    sealed_token TEXT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX token_exchanges_flow ON token_exchanges (flow_id);
CREATE INDEX token_exchanges_expires ON token_exchanges (expires_at);

-- The audit of subject migrations; rows outlive the identity, so that a rollback can be explained.
CREATE TABLE subject_migrations (
    id UUID NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    old_identifier TEXT NOT NULL,
    new_identifier TEXT NOT NULL,
    identity_id UUID NOT NULL,
    created_at BIGINT NOT NULL,
    rolled_back_at BIGINT
);
CREATE INDEX subject_migrations_provider ON subject_migrations (provider, id);
