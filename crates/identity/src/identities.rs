//! One person, from traits to row: validation, addresses, credentials, conflicts.

use crate::schemas::{Schemas, SchemasError};
use bia_config::Config;
use bia_model::identity_schema::TraitError;
use bia_model::{CredentialsType, Identity, Timestamp};
use bia_store::{Store, StoreError};
use uuid::Uuid;

/// Why an identity can't be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The schema refuses the traits.
    #[error("{} trait(s) refused by the identity schema", .0.len())]
    Traits(Vec<TraitError>),
    #[error(transparent)]
    Schema(#[from] SchemasError),
}

/// An address that is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenAddress {
    pub via: String,
    pub value: String,
}

/// Validates the traits and derives what follows from them: addresses (known ones keep id and state) and the
/// credentials whose identifiers the schema declares. Traits may be rewritten to their normal form.
///
/// # Errors
/// All failures of one validation together.
pub async fn prepare(schemas: &Schemas, identity: &mut Identity, now: Timestamp) -> Result<(), PrepareError> {
    let schema = schemas.get(&identity.schema_id).await?;
    let errors = schema.validate(&identity.traits);
    if !errors.is_empty() {
        return Err(PrepareError::Traits(errors));
    }
    schema.reconcile(identity, now, &mut Uuid::new_v4);
    Ok(())
}

/// Marks addresses as verified that a mapper vouches for. Only addresses that follow from the traits can be:
/// anything else is ignored, as in Kratos. Answers whether anything changed.
pub fn mark_verified(identity: &mut Identity, proven: &[ProvenAddress], now: Timestamp) -> bool {
    let mut changed = false;
    for address in identity.verifiable_addresses.iter_mut().filter(|address| !address.verified) {
        if proven.iter().any(|proof| proof.via == address.via && proof.value == address.value) {
            address.verified = true;
            "completed".clone_into(&mut address.status);
            address.verified_at = Some(Timestamp::from_secs(now.secs()));
            address.updated_at = now;
            changed = true;
        }
    }
    changed
}

/// Somebody else who already owns an identifier or address that `candidate` claims.
#[derive(Debug)]
pub struct Conflict {
    pub identity: Identity,
    /// The identifier that both claim.
    pub identifier: String,
}

/// Finds who stands in the way of inserting `candidate`: first by credential identifiers, then by addresses,
/// in Kratos' order (`identity/manager.go`).
///
/// # Errors
/// When the database can't answer.
pub async fn find_conflict(store: &Store, candidate: &Identity) -> Result<Option<Conflict>, StoreError> {
    for credentials in candidate.credentials.values() {
        for identifier in &credentials.identifiers {
            let found = store.find_identity_by_identifier(credentials.credentials_type, identifier).await?;
            if let Some(identity) = found.filter(|found| found.id != candidate.id) {
                return Ok(Some(Conflict { identity, identifier: identifier.clone() }));
            }
        }
    }
    let verifiable =
        candidate.verifiable_addresses.iter().map(|a| (bia_store::AddressKind::Verifiable, &a.via, &a.value));
    let recovery = candidate.recovery_addresses.iter().map(|a| (bia_store::AddressKind::Recovery, &a.via, &a.value));
    for (kind, via, value) in verifiable.chain(recovery) {
        let found = store.find_identity_by_address(kind, via, value).await?;
        if let Some(identity) = found.filter(|found| found.id != candidate.id) {
            return Ok(Some(Conflict { identity, identifier: value.clone() }));
        }
    }
    Ok(None)
}

/// How many ways in the identity has. Kratos counts an OIDC link when it has a provider and a subject and
/// belongs to no organization; passwords can't be used here and don't count.
pub fn count_first_factors(identity: &Identity) -> usize {
    identity
        .oidc_links()
        .iter()
        .filter(|link| !link.provider.is_empty() && !link.subject.is_empty() && link.organization.is_none())
        .count()
}

/// The configured providers that this identity has links to.
pub fn linked_provider_ids(identity: &Identity, config: &Config) -> Vec<String> {
    let links = identity.oidc_links();
    config
        .selfservice
        .methods
        .oidc
        .config
        .providers
        .iter()
        .filter(|provider| links.iter().any(|link| provider.answers_to(&link.provider)))
        .map(|provider| provider.id.clone())
        .collect()
}

/// Types of credentials an identity could sign in with, for login hints.
pub fn available_credential_types(identity: &Identity) -> Vec<String> {
    identity
        .credentials
        .keys()
        .filter(|kind| matches!(kind, CredentialsType::Oidc))
        .map(|kind| kind.as_str().to_owned())
        .collect()
}
