//! Creating identities, one or a batch, with links to providers imported.

use super::{Admin, prepare_error, store_error};
use crate::identities;
use bia_model::{ApiError, Identity, IdentityState, OidcLink, RecoveryAddress, Timestamp, VerifiableAddress};
use bia_store::StoreError;
use bia_telemetry::audit::{self, Event};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// Kratos: the most identities of one batch.
const BATCH_MAX: usize = 1000;
const REGIONS: [&str; 8] = ["eu-central", "asia-northeast", "us-east", "us-west", "eu", "asia", "us", "global"];

/// `POST /admin/identities`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CreateIdentityBody {
    pub schema_id: Option<String>,
    pub traits: Option<Value>,
    pub state: Option<String>,
    pub external_id: Option<String>,
    pub organization_id: Option<Uuid>,
    pub region: Option<String>,
    pub metadata_public: Option<Value>,
    pub metadata_admin: Option<Value>,
    pub verifiable_addresses: Option<Vec<ImportedVerifiable>>,
    pub recovery_addresses: Option<Vec<ImportedRecovery>>,
    pub credentials: Option<ImportedCredentials>,
}

/// An address that comes with its state of verification.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportedVerifiable {
    pub id: Option<Uuid>,
    pub value: String,
    pub via: String,
    pub verified: bool,
    pub status: String,
    pub verified_at: Option<Timestamp>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
}

/// An address that could recover the account.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportedRecovery {
    pub id: Option<Uuid>,
    pub value: String,
    pub via: String,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
}

/// Credentials by type. Only `oidc` can be used here; the others are named so that they are refused by name.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportedCredentials {
    pub oidc: Option<ImportedOidc>,
    pub password: Option<Value>,
    pub saml: Option<Value>,
    pub totp: Option<Value>,
    pub webauthn: Option<Value>,
    pub passkey: Option<Value>,
    pub lookup_secret: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportedOidc {
    pub config: ImportedOidcConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportedOidcConfig {
    pub providers: Vec<ImportedLink>,
}

/// A link to a person at a provider. Tokens are never imported.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportedLink {
    pub provider: String,
    pub subject: String,
    pub use_auto_link: bool,
    pub organization: Option<Uuid>,
}

/// Creates one identity.
///
/// # Errors
/// 400 for what the schema or the body's rules refuse, 409 when it claims what another identity has.
pub async fn create(admin: Admin<'_>, body: CreateIdentityBody) -> Result<Identity, ApiError> {
    let identity = from_body(admin, body)?;
    insert(admin, identity).await
}

fn from_body(admin: Admin<'_>, body: CreateIdentityBody) -> Result<Identity, ApiError> {
    check_region(body.region.as_deref())?;
    let schema_id = body.schema_id.filter(|id| !id.is_empty()).unwrap_or_else(|| admin.schemas.default_id().to_owned());
    let mut identity = Identity::new(Uuid::new_v4(), &schema_id, admin.now);
    if let Some(state) = body.state.as_deref().filter(|state| !state.is_empty()) {
        identity.state = parse_state(state).ok_or_else(invalid_state)?;
    }
    identity.traits = body.traits.unwrap_or_else(|| json!({}));
    identity.metadata_public = body.metadata_public;
    identity.metadata_admin = body.metadata_admin;
    identity.external_id = body.external_id.filter(|id| !id.is_empty());
    identity.organization_id = body.organization_id;
    identity.verifiable_addresses = body
        .verifiable_addresses
        .unwrap_or_default()
        .into_iter()
        .map(|address| verifiable(address, admin.now))
        .collect();
    identity.recovery_addresses =
        body.recovery_addresses.unwrap_or_default().into_iter().map(|address| recovery(address, admin.now)).collect();
    if let Some(credentials) = body.credentials {
        import(&mut identity, credentials, admin.now)?;
    }
    Ok(identity)
}

async fn insert(admin: Admin<'_>, mut identity: Identity) -> Result<Identity, ApiError> {
    identities::prepare(admin.schemas, &mut identity, admin.now).await.map_err(prepare_error)?;
    super::proof::record(&mut identity, &[]);
    let stored = async {
        let mut tx = admin.store.begin().await?;
        tx.insert_identity(&identity).await?;
        tx.commit().await
    };
    match stored.await {
        Ok(()) => {
            audit::event(Event::IdentityCreated).actor("admin").identity(identity.id).record();
            Ok(identity)
        }
        Err(StoreError::Conflict { .. }) => {
            Err(ApiError::conflict("This identity conflicts with another identity that already exists."))
        }
        Err(error) => Err(store_error(&error)),
    }
}

/// Kratos: adds links, never replaces them.
pub(super) fn import(
    identity: &mut Identity,
    credentials: ImportedCredentials,
    now: Timestamp,
) -> Result<(), ApiError> {
    let foreign = [
        ("password", credentials.password),
        ("saml", credentials.saml),
        ("totp", credentials.totp),
        ("webauthn", credentials.webauthn),
        ("passkey", credentials.passkey),
        ("lookup_secret", credentials.lookup_secret),
    ];
    if let Some((name, _)) = foreign.iter().find(|(_, value)| value.is_some()) {
        return Err(ApiError::bad_request(format!(
            "Credentials of type {name} can not be imported: people sign in with a provider only. Leave `credentials.{name}` out."
        )));
    }
    let Some(oidc) = credentials.oidc else {
        return Ok(());
    };
    let mut links = identity.oidc_links();
    links.extend(oidc.config.providers.into_iter().map(|link| OidcLink {
        subject: link.subject,
        provider: link.provider,
        organization: link.organization.map(|id| id.to_string()),
        use_auto_link: link.use_auto_link,
        ..OidcLink::default()
    }));
    identity.set_oidc_links(links, now);
    Ok(())
}

/// Kratos: imported addresses are lower-cased, since the schema derives them so; they survive only if it does.
fn verifiable(address: ImportedVerifiable, now: Timestamp) -> VerifiableAddress {
    let second = Timestamp::from_secs(now.secs());
    VerifiableAddress {
        id: Uuid::new_v4(),
        value: address.value.to_lowercase(),
        verified: address.verified,
        via: address.via,
        status: if address.status.is_empty() { "pending".to_owned() } else { address.status },
        verified_at: address.verified_at.or(address.verified.then_some(second)),
        created_at: now,
        updated_at: now,
    }
}

fn recovery(address: ImportedRecovery, now: Timestamp) -> RecoveryAddress {
    RecoveryAddress {
        id: Uuid::new_v4(),
        value: address.value.to_lowercase(),
        via: address.via,
        created_at: now,
        updated_at: now,
    }
}

pub(super) fn parse_state(text: &str) -> Option<IdentityState> {
    match text {
        "active" => Some(IdentityState::Active),
        "inactive" => Some(IdentityState::Inactive),
        _ => None,
    }
}

pub(super) fn invalid_state() -> ApiError {
    ApiError::bad_request("identity state is not valid")
}

/// Regions belong to Ory's hosted service: read, checked as there, and without effect.
pub(super) fn check_region(region: Option<&str>) -> Result<(), ApiError> {
    match region {
        Some(region) if !region.is_empty() && !REGIONS.contains(&region) => {
            Err(ApiError::bad_request("The region is not one of the known regions."))
        }
        _ => Ok(()),
    }
}

/// `PATCH /admin/identities`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchBody {
    pub identities: Vec<BatchItem>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchItem {
    pub create: Option<CreateIdentityBody>,
    /// The caller's own mark, given back.
    pub patch_id: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchAction {
    Create,
    Error,
}

/// What became of one item.
#[derive(Debug, Serialize)]
pub struct BatchResult {
    pub action: BatchAction,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}

/// Creates many; an item without `create` has no result.
///
/// # Errors
/// 400 for a body that breaks the rules before anything is created; failures of single items are reported in
/// their results.
pub async fn batch(admin: Admin<'_>, body: BatchBody) -> Result<Vec<Option<BatchResult>>, ApiError> {
    if body.identities.len() > BATCH_MAX {
        return Err(ApiError::bad_request(format!(
            "The maximum number of identities per request that can be created or deleted at once is {BATCH_MAX}."
        )));
    }
    let mut prepared = Vec::with_capacity(body.identities.len());
    for item in body.identities {
        let identity = item.create.map(|create| from_body(admin, create)).transpose()?;
        prepared.push((item.patch_id, identity));
    }
    let mut results = Vec::with_capacity(prepared.len());
    for (patch_id, identity) in prepared {
        let Some(identity) = identity else {
            results.push(None);
            continue;
        };
        results.push(Some(match insert(admin, identity).await {
            Ok(identity) => {
                BatchResult { action: BatchAction::Create, identity: Some(identity.id), patch_id, error: None }
            }
            Err(error) => BatchResult { action: BatchAction::Error, identity: None, patch_id, error: Some(error) },
        }));
    }
    Ok(results)
}
