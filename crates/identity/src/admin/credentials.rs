//! Removing one credential of an identity, without locking anybody out.

use super::Admin;
use super::change::{change, find};
use crate::identities;
use bia_model::{ApiError, CredentialsType, Identity, OidcLink};
use bia_telemetry::audit::{self, Event};
use uuid::Uuid;

/// Removes a credential; of `oidc` the link that `identifier` (`<provider id>:<subject>`) names.
///
/// # Errors
/// 404 for an unknown identity, type or identifier; 400 when it is the last way in, when `identifier` is
/// missing, or for a type that can't be removed.
pub async fn delete_credentials(
    admin: Admin<'_>,
    id: Option<Uuid>,
    credentials_type: &str,
    identifier: Option<&str>,
) -> Result<(), ApiError> {
    let identity = find(admin, id).await?;
    let Some(kind) = identity.credentials.keys().find(|kind| kind.as_str() == credentials_type).copied() else {
        return Err(ApiError::not_found(format!(
            "You tried to remove a {credentials_type} but this user have no {credentials_type} set up."
        )));
    };
    match kind {
        CredentialsType::Oidc => {
            let link = identifier.unwrap_or_default();
            let changed = change(admin, id, |identity| remove_link(identity, link, admin)).await?;
            // Without the subject behind the colon, which is the person's own at the provider.
            let provider = link.split(':').next().unwrap_or_default();
            let removed = audit::event(Event::CredentialDeleted).actor("admin").method(credentials_type);
            removed.provider(provider).identity(changed.id).record();
            Ok(())
        }
        // These rows hold no secret, only the identifier that keeps an address unique, which stays with the trait.
        CredentialsType::Password => refuse_last(&identity),
        CredentialsType::Webauthn => Ok(()),
        CredentialsType::Code => {
            Err(ApiError::bad_request(format!("Credentials type {credentials_type} cannot be deleted.")))
        }
    }
}

fn refuse_last(identity: &Identity) -> Result<(), ApiError> {
    if identities::count_first_factors(identity) < 2 {
        return Err(ApiError::bad_request("You cannot remove the last first factor credential."));
    }
    Ok(())
}

fn remove_link(identity: &mut Identity, identifier: &str, admin: Admin<'_>) -> Result<(), ApiError> {
    refuse_last(identity)?;
    if identifier.is_empty() {
        return Err(ApiError::bad_request("You must provide an identifier to delete this credential."));
    }
    let links = identity.oidc_links();
    let kept: Vec<OidcLink> = links.iter().filter(|link| link.identifier() != identifier).cloned().collect();
    if kept.len() == links.len() {
        return Err(ApiError::not_found(format!(
            "The identifier `{identifier}` was not found among OIDC credentials."
        )));
    }
    identity.set_oidc_links(kept, admin.now);
    Ok(())
}
