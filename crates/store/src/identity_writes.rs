//! Writing identities. Identifiers and addresses have tables of their own, where the database keeps them
//! unique; they are derived from the document here and nowhere else.

use crate::error::{ConflictKind, Result, StoreError, TakenValue};
use crate::identities::AddressKind;
use crate::query::Query;
use crate::transaction::Transaction;
use bia_model::{Identity, IdentityState, Timestamp};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A row of `credential_identifiers` or `addresses`. Sets of these are written in their order, so that two
/// units which claim the same values wait for each other instead of deadlocking.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Claim {
    Identifier(&'static str, String),
    Address(AddressKind, String, String),
}

impl Claim {
    /// A row of `credential_identifiers`; none for a type that no document can hold.
    pub(crate) fn identifier(credentials_type: &str, identifier: &str) -> Option<Self> {
        use bia_model::CredentialsType::{Code, Oidc, Password, Webauthn};
        let known = [Code, Oidc, Password, Webauthn].into_iter().find(|known| known.as_str() == credentials_type)?;
        Some(Self::Identifier(known.as_str(), identifier.to_owned()))
    }

    /// A row of `addresses`; none for a kind that no document can hold.
    pub(crate) fn address(kind: &str, via: &str, value: &str) -> Option<Self> {
        let known =
            [AddressKind::Verifiable, AddressKind::Recovery].into_iter().find(|known| known.as_str() == kind)?;
        Some(Self::Address(known, via.to_owned(), value.to_owned()))
    }
}

/// What an identity's document says that it holds.
pub(crate) fn claims_of(identity: &Identity) -> BTreeSet<Claim> {
    let mut claims = BTreeSet::new();
    for (credentials_type, credentials) in &identity.credentials {
        for identifier in &credentials.identifiers {
            claims.insert(Claim::Identifier(credentials_type.as_str(), identifier.clone()));
        }
    }
    for address in &identity.verifiable_addresses {
        claims.insert(Claim::Address(AddressKind::Verifiable, address.via.clone(), address.value.clone()));
    }
    for address in &identity.recovery_addresses {
        claims.insert(Claim::Address(AddressKind::Recovery, address.via.clone(), address.value.clone()));
    }
    claims
}

impl Transaction {
    /// Keeps a new identity. A [`StoreError::Conflict`] names the identifier or address that another
    /// identity has; the unit can then only be dropped.
    pub async fn insert_identity(&mut self, identity: &Identity) -> Result<()> {
        let body = body_of(identity)?;
        let query = Query::new(
            "insert_identity",
            "INSERT INTO identities \
             (id, schema_id, state, external_id, organization_id, created_at, updated_at, body) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(identity.id)
        .bind(identity.schema_id.as_str())
        .bind(state_of(identity))
        .bind(identity.external_id.as_deref())
        .bind(identity.organization_id)
        .bind(identity.created_at)
        .bind(identity.updated_at)
        .bind(body.as_str());
        self.execute(query).await.map_err(|error| with_external_id(error, identity))?;
        self.insert_claims(identity.id, &claims_of(identity)).await
    }

    /// Replaces an identity. `previous_updated_at` is its `updated_at` when it was read:
    /// [`StoreError::Stale`] when somebody else has changed it since.
    pub async fn update_identity(&mut self, identity: &Identity, previous_updated_at: Timestamp) -> Result<()> {
        let Some(previous) = self.find_identity_for_update(identity.id).await? else {
            self.fail();
            return Err(StoreError::NotFound { what: "identity" });
        };
        if previous.updated_at != previous_updated_at {
            self.fail();
            return Err(StoreError::Stale { what: "identity" });
        }
        let body = body_of(identity)?;
        let query = Query::new(
            "update_identity",
            "UPDATE identities SET schema_id = $2, state = $3, external_id = $4, organization_id = $5, \
             updated_at = $6, body = $7 WHERE id = $1",
        )
        .bind(identity.id)
        .bind(identity.schema_id.as_str())
        .bind(state_of(identity))
        .bind(identity.external_id.as_deref())
        .bind(identity.organization_id)
        .bind(identity.updated_at)
        .bind(body.as_str());
        self.execute(query).await.map_err(|error| with_external_id(error, identity))?;
        let (old, new) = (claims_of(&previous), claims_of(identity));
        for claim in old.difference(&new) {
            self.delete_claim(identity.id, claim).await?;
        }
        let added = new.difference(&old).cloned().collect();
        self.insert_claims(identity.id, &added).await
    }

    /// Removes an identity with its sessions; false when there was none.
    pub async fn delete_identity(&mut self, id: Uuid) -> Result<bool> {
        let query = Query::new("delete_identity", "DELETE FROM identities WHERE id = $1").bind(id);
        Ok(self.execute(query).await? > 0)
    }

    async fn insert_claims(&mut self, id: Uuid, claims: &BTreeSet<Claim>) -> Result<()> {
        for claim in claims {
            let query = match claim {
                Claim::Identifier(credentials_type, identifier) => Query::new(
                    "insert_identifier",
                    "INSERT INTO credential_identifiers (type, identifier, identity_id) \
                     VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                )
                .bind(*credentials_type)
                .bind(identifier.as_str()),
                Claim::Address(kind, via, value) => Query::new(
                    "insert_address",
                    "INSERT INTO addresses (kind, via, value, identity_id) \
                     VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                )
                .bind(kind.as_str())
                .bind(via.as_str())
                .bind(value.as_str()),
            };
            if self.execute(query.bind(id)).await? == 0 {
                self.fail();
                return Err(taken(claim));
            }
        }
        Ok(())
    }

    async fn delete_claim(&mut self, id: Uuid, claim: &Claim) -> Result<()> {
        let query = match claim {
            Claim::Identifier(credentials_type, identifier) => Query::new(
                "delete_identifier",
                "DELETE FROM credential_identifiers \
                 WHERE type = $1 AND identifier = $2 AND identity_id = $3",
            )
            .bind(*credentials_type)
            .bind(identifier.as_str()),
            Claim::Address(kind, via, value) => Query::new(
                "delete_address",
                "DELETE FROM addresses \
                 WHERE kind = $1 AND via = $2 AND value = $3 AND identity_id = $4",
            )
            .bind(kind.as_str())
            .bind(via.as_str())
            .bind(value.as_str()),
        };
        self.execute(query.bind(id)).await.map(drop)
    }
}

fn taken(claim: &Claim) -> StoreError {
    let (what, value) = match claim {
        Claim::Identifier(_, identifier) => (ConflictKind::CredentialIdentifier, identifier),
        Claim::Address(AddressKind::Verifiable, _, value) => (ConflictKind::VerifiableAddress, value),
        Claim::Address(AddressKind::Recovery, _, value) => (ConflictKind::RecoveryAddress, value),
    };
    StoreError::Conflict { what, value: TakenValue::new(value.as_str()) }
}

/// The database names the column that collided, not the value.
fn with_external_id(error: StoreError, identity: &Identity) -> StoreError {
    match error {
        StoreError::Conflict { what: ConflictKind::ExternalId, .. } => StoreError::Conflict {
            what: ConflictKind::ExternalId,
            value: TakenValue::new(identity.external_id.as_deref().unwrap_or_default()),
        },
        other => other,
    }
}

const fn state_of(identity: &Identity) -> &'static str {
    match identity.state {
        IdentityState::Active => "active",
        IdentityState::Inactive => "inactive",
    }
}

fn body_of(identity: &Identity) -> Result<String> {
    serde_json::to_string(identity).map_err(|error| StoreError::document("identity", &error))
}
