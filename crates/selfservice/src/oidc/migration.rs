//! Moving from one `subject_source` to another without losing people (design §3, `subject_migration`).
//!
//! An old link counts only after the token's tenant was checked, only when it names the same person, never across
//! providers. It is rewritten once, in one transaction with an audit row that a rollback uses.

use super::Arrival;
use crate::deps::Deps;
use bia_config::SubjectSource;
use bia_model::credentials::oidc_identifier;
use bia_model::{CredentialsType, Identity, Timestamp};
use bia_store::{Page, Store, StoreError, SubjectMigration, Transaction};
use bia_telemetry::audit::{self, Event};
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
pub(crate) async fn find_by_old_subject(
    deps: &Deps,
    arrival: &Arrival<'_>,
    now: Timestamp,
) -> Result<Option<Identity>, StoreError> {
    let Some(old) = old_subject(arrival) else {
        return Ok(None);
    };
    // An alias is this very provider under an older id, so this stays within one provider.
    for id in std::iter::once(&arrival.provider.id).chain(&arrival.provider.aliases) {
        let rewriting = Rewriting {
            old_identifier: oidc_identifier(id, &old),
            new_identifier: oidc_identifier(id, arrival.subject()),
        };
        let found = deps.store.find_identity_by_identifier(CredentialsType::Oidc, &rewriting.old_identifier).await?;
        let Some(found) = found else { continue };
        let mut tx = deps.store.begin().await?;
        let Some(identity) = rewrite(&mut tx, found.id, &rewriting, now).await? else {
            drop(tx);
            // Another tab may have rewritten it since.
            return super::login::find_unchanged(deps, arrival).await;
        };
        tx.insert_subject_migration(&SubjectMigration {
            id: Uuid::new_v4(),
            provider: arrival.provider.id.clone(),
            old_identifier: rewriting.old_identifier,
            new_identifier: rewriting.new_identifier,
            identity_id: identity.id,
            created_at: now,
            rolled_back_at: None,
        })
        .await?;
        tx.commit().await?;
        let line = audit::event(Event::SubjectMigrated).actor("bia").provider(&arrival.provider.id);
        line.tenant(arrival.signed_in.facts.tenant_id.as_ref()).identity(identity.id).record();
        return Ok(Some(identity));
    }
    Ok(None)
}

/// One link's identifier before and after; both name the same provider.
struct Rewriting {
    old_identifier: String,
    new_identifier: String,
}

/// Gives the link another subject. `None` when the identity or the link is gone, or the new identifier is taken.
async fn rewrite(
    tx: &mut Transaction,
    identity_id: Uuid,
    rewriting: &Rewriting,
    now: Timestamp,
) -> Result<Option<Identity>, StoreError> {
    let Some(mut identity) = tx.find_identity_for_update(identity_id).await? else {
        return Ok(None);
    };
    let previous = identity.updated_at;
    let mut links = identity.oidc_links();
    let Some(link) = links.iter_mut().find(|link| link.identifier() == rewriting.old_identifier) else {
        return Ok(None);
    };
    let subject = rewriting.new_identifier.strip_prefix(&link.provider).and_then(|rest| rest.strip_prefix(':'));
    let Some(subject) = subject else {
        return Ok(None);
    };
    subject.clone_into(&mut link.subject);
    if tx.find_identity_by_identifier(CredentialsType::Oidc, &rewriting.new_identifier).await?.is_some() {
        return Ok(None);
    }
    identity.set_oidc_links(links, now);
    identity.touch(now);
    tx.update_identity(&identity, previous).await?;
    Ok(Some(identity))
}

/// What a rollback did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RolledBack {
    /// Links that have their old subject again.
    pub restored: u64,
    /// Rewritten links that are gone since, or whose old identifier somebody else has now; left as they are.
    pub skipped: u64,
}

const PAGE: u32 = 100;

/// Gives every link of a provider that a subject migration rewrote its old subject again, each in a transaction with
/// its audit row. Set `subject_source` back and remove `subject_migration` first: otherwise the next sign-in rewrites
/// the link again.
///
/// # Errors
/// When the database can't answer; what was restored before that stays restored, and a second call goes on.
pub async fn roll_back_subject_migration(
    store: &Store,
    provider: &str,
    now: Timestamp,
) -> Result<RolledBack, StoreError> {
    go_through(store, provider, now, Keep::Everything).await
}

/// What [`roll_back_subject_migration`] would do at this moment: each link is restored and left as it was.
///
/// # Errors
/// When the database can't answer.
pub async fn preview_subject_rollback(store: &Store, provider: &str, now: Timestamp) -> Result<RolledBack, StoreError> {
    go_through(store, provider, now, Keep::Nothing).await
}

/// Whether restored links stay restored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Everything,
    Nothing,
}

async fn go_through(store: &Store, provider: &str, now: Timestamp, keep: Keep) -> Result<RolledBack, StoreError> {
    let mut report = RolledBack::default();
    let mut page = Page::first(PAGE);
    loop {
        let listed = store.list_subject_migrations(provider, &page).await?;
        for migration in &listed.items {
            if restore(store, migration, now, keep).await? {
                report.restored += 1;
            } else {
                report.skipped += 1;
            }
        }
        match listed.items.last().filter(|_| listed.has_more) {
            Some(last) => page = Page::After { cursor: Some(last.id), size: PAGE },
            None => return Ok(report),
        }
    }
}

async fn restore(store: &Store, migration: &SubjectMigration, now: Timestamp, keep: Keep) -> Result<bool, StoreError> {
    let rewriting = Rewriting {
        old_identifier: migration.new_identifier.clone(),
        new_identifier: migration.old_identifier.clone(),
    };
    let mut tx = store.begin().await?;
    if rewrite(&mut tx, migration.identity_id, &rewriting, now).await?.is_none() {
        return Ok(false);
    }
    if keep == Keep::Nothing {
        tx.rollback().await;
        return Ok(true);
    }
    tx.roll_back_subject_migration(migration.id, now).await?;
    tx.commit().await?;
    let line = audit::event(Event::SubjectRestored).actor("admin").provider(&migration.provider);
    line.identity(migration.identity_id).record();
    Ok(true)
}
