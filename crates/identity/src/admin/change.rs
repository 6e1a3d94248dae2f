//! PUT, PATCH and DELETE of one identity.

use super::create::{ImportedCredentials, check_region, import, invalid_state, parse_state};
use super::{Admin, patch as document, prepare_error, store_error};
use crate::identities;
use bia_model::{ApiError, Identity};
use bia_store::StoreError;
use bia_telemetry::audit::{self, Event};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// How often a change is tried anew when somebody else was faster.
const ATTEMPTS: usize = 4;

/// `PUT /admin/identities/{id}`: what is left out is cleared, apart from schema, state and region.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct UpdateIdentityBody {
    pub schema_id: Option<String>,
    pub traits: Option<Value>,
    pub state: Option<String>,
    pub external_id: Option<String>,
    pub region: Option<String>,
    pub metadata_public: Option<Value>,
    pub metadata_admin: Option<Value>,
    /// Checked like the body of a creation, at each attempt.
    pub credentials: Option<Value>,
}

/// Replaces an identity.
///
/// # Errors
/// 404 for an unknown id, 400 for what schema or state rules refuse, 409 for a conflict.
pub async fn update(admin: Admin<'_>, id: Option<Uuid>, body: UpdateIdentityBody) -> Result<Identity, ApiError> {
    change(admin, id, |identity| {
        check_region(body.region.as_deref())?;
        if let Some(schema_id) = body.schema_id.clone().filter(|id| !id.is_empty()) {
            identity.schema_id = schema_id;
        }
        if let Some(state) = body.state.as_deref().filter(|state| !state.is_empty()) {
            set_state(admin, identity, parse_state(state).ok_or_else(invalid_state)?);
        }
        identity.traits = body.traits.clone().unwrap_or_else(|| json!({}));
        identity.metadata_public.clone_from(&body.metadata_public);
        identity.metadata_admin.clone_from(&body.metadata_admin);
        identity.external_id = body.external_id.clone().filter(|id| !id.is_empty());
        if let Some(credentials) = &body.credentials {
            let credentials: ImportedCredentials = serde_json::from_value(credentials.clone())
                .map_err(|_| ApiError::bad_request("`credentials` does not have the expected shape."))?;
            import(identity, credentials, admin.now)?;
        }
        Ok(())
    })
    .await
    .inspect(|identity| updated(identity, "replace"))
}

fn updated(identity: &Identity, method: &str) {
    audit::event(Event::IdentityUpdated).actor("admin").identity(identity.id).method(method).record();
}

/// Applies a JSON Patch (RFC 6902).
///
/// # Errors
/// As [`update`], and 400 for a patch that can't be applied or touches what may not be patched.
pub async fn patch(admin: Admin<'_>, id: Option<Uuid>, body: &[u8]) -> Result<Identity, ApiError> {
    // Kratos: an unknown id is told before the patch is looked at.
    find(admin, id).await?;
    let operations = document::parse(body)?;
    change(admin, id, |identity| {
        let state = identity.state;
        document::apply(identity, &operations)?;
        if identity.state != state {
            identity.state_changed_at = Some(admin.now);
        }
        Ok(())
    })
    .await
    .inspect(|identity| updated(identity, "patch"))
}

/// Removes an identity and its sessions.
///
/// # Errors
/// 404 when there is none.
pub async fn delete(admin: Admin<'_>, id: Option<Uuid>) -> Result<(), ApiError> {
    let id = id.ok_or_else(ApiError::no_such_row)?;
    let deleted = async {
        let mut tx = admin.store.begin().await?;
        let deleted = tx.delete_identity(id).await?;
        tx.commit().await.map(|()| deleted)
    };
    match deleted.await {
        Ok(true) => {
            audit::event(Event::IdentityDeleted).actor("admin").identity(id).record();
            Ok(())
        }
        Ok(false) => Err(ApiError::no_such_row()),
        Err(error) => Err(store_error(&error)),
    }
}

pub(super) async fn find(admin: Admin<'_>, id: Option<Uuid>) -> Result<Identity, ApiError> {
    // Kratos: an id that is no UUID is the id of nobody.
    let id = id.ok_or_else(ApiError::no_such_row)?;
    let found = admin.store.find_identity(id).await.map_err(|error| store_error(&error))?;
    found.ok_or_else(ApiError::no_such_row)
}

/// Reads, changes, validates and stores; begins anew when the row changed in between.
pub(super) async fn change(
    admin: Admin<'_>,
    id: Option<Uuid>,
    edit: impl Fn(&mut Identity) -> Result<(), ApiError>,
) -> Result<Identity, ApiError> {
    for attempt in 1.. {
        let mut identity = find(admin, id).await?;
        let previous = identity.updated_at;
        let addresses = identity.verifiable_addresses.clone();
        edit(&mut identity)?;
        identities::prepare(admin.schemas, &mut identity, admin.now).await.map_err(prepare_error)?;
        super::proof::record(&mut identity, &addresses);
        identity.touch(admin.now);
        let stored = async {
            let mut tx = admin.store.begin().await?;
            tx.update_identity(&identity, previous).await?;
            tx.commit().await
        };
        match stored.await {
            Ok(()) => return Ok(identity),
            Err(StoreError::Stale { .. } | StoreError::Collision) if attempt < ATTEMPTS => {}
            Err(error) => return Err(store_error(&error)),
        }
    }
    Err(ApiError::no_such_row())
}

fn set_state(admin: Admin<'_>, identity: &mut Identity, state: bia_model::IdentityState) {
    if identity.state != state {
        identity.state = state;
        identity.state_changed_at = Some(admin.now);
    }
}
