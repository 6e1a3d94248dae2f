//! Moving from one `subject_source` to another without losing people (design §3, `subject_migration`).
//!
//! An old link counts only after the token's tenant was checked, only when it names the same person, never across
//! providers. It is rewritten once, in one transaction with an audit row that a rollback uses.

use super::Arrival;
use crate::deps::Deps;
use bia_config::SubjectSource;
use bia_model::credentials::oidc_identifier;
use bia_model::{CredentialsType, Identity, Timestamp};
use bia_store::{StoreError, SubjectMigration};
use uuid::Uuid;

/// The subject that this very token would have had under the old setting.
fn old_subject(arrival: &Arrival<'_>) -> Option<String> {
    let facts = &arrival.signed_in.facts;
    let migration = arrival.provider.microsoft.subject_migration.as_ref()?;
    // Without a checked tenant an object id could be anybody's.
    facts.tenant_id.as_ref()?;
    let subject = match migration.from {
        SubjectSource::Userinfo => Some(facts.token_sub.clone()),
        // Graph's id of a person is the object id.
        SubjectSource::Me | SubjectSource::Oid => facts.object_id.clone(),
        SubjectSource::TidOid => None,
    }?;
    (!subject.is_empty() && subject != arrival.subject()).then_some(subject)
}

/// The identity whose link still has the old subject, after its link was rewritten to the new one.
pub(crate) async fn find_by_old_subject(deps: &Deps, arrival: &Arrival<'_>) -> Result<Option<Identity>, StoreError> {
    let Some(old) = old_subject(arrival) else {
        return Ok(None);
    };
    let old_identifier = oidc_identifier(&arrival.provider.id, &old);
    let Some(found) = deps.store.find_identity_by_identifier(CredentialsType::Oidc, &old_identifier).await? else {
        return Ok(None);
    };
    let now = Timestamp::from(time::OffsetDateTime::now_utc());
    let new_identifier = oidc_identifier(&arrival.provider.id, arrival.subject());
    let mut tx = deps.store.begin().await?;
    let Some(mut identity) = tx.find_identity_for_update(found.id).await? else {
        return Ok(None);
    };
    let previous = identity.updated_at;
    let mut links = identity.oidc_links();
    for link in links.iter_mut().filter(|link| link.identifier() == old_identifier) {
        arrival.subject().clone_into(&mut link.subject);
    }
    identity.set_oidc_links(links, now);
    identity.updated_at = now;
    tx.update_identity(&identity, previous).await?;
    tx.insert_subject_migration(&SubjectMigration {
        id: Uuid::new_v4(),
        provider: arrival.provider.id.clone(),
        old_identifier,
        new_identifier,
        identity_id: identity.id,
        created_at: now,
        rolled_back_at: None,
    })
    .await?;
    tx.commit().await?;
    tracing::info!(target: "bia::audit", event = "subject_migrated", provider = %arrival.provider.id, identity_id = %identity.id, "a link was rewritten to the new subject");
    Ok(Some(identity))
}
