//! The link that waits until the owner of a taken address has signed in (contract §3.7.1).
//!
//! Whoever proposed it must be the one who confirms it. Otherwise an attacker could begin a link of their own account
//! and lead the owner of the address into a sign-in that completes it. A browser is known by its continuity cookie; an
//! app by the codes of its exchange, so there the link is made when both codes are shown.

use super::{Arrival, continuity, start};
use crate::context::Context;
use crate::deps::Deps;
use crate::error::FlowError;
use bia_model::flow::PendingLink;
use bia_model::{Aal, AuthenticationMethod, Flow, Identity, Message, Session, Timestamp};
use bia_store::StoreError;
use bia_telemetry::audit::{self, Event};

/// Who may confirm a link that this browser proposes.
pub(crate) fn proposer(browser_id: &str) -> String {
    continuity::fingerprint(browser_id)
}

/// Adds the link that waited for this sign-in, if this is its proposer and the owner of what both claimed.
///
/// # Errors
/// Message 4010009 for anybody else.
pub(crate) fn confirm(
    context: &Context,
    login: &Flow,
    arrival: &Arrival<'_>,
    identity: &mut Identity,
    methods: &mut Vec<AuthenticationMethod>,
) -> Result<(), FlowError> {
    let Some(pending) = &login.pending_link else {
        return Ok(());
    };
    if !owns(identity, &pending.duplicate_identifier) {
        return Err(FlowError::message(Message::linked_credentials_mismatch()));
    }
    if start::answers_by_exchange(login, arrival.by_id_token) {
        return Ok(());
    }
    let is_proposer = context.browser_id.as_deref().map(proposer) == pending.proposer;
    // Without a browser the app itself brought both accounts' tokens.
    if login.is_browser() && !is_proposer {
        tracing::warn!(provider = %pending.link.provider, "a link was to be confirmed by another browser than the one that proposed it");
        return Err(FlowError::message(Message::linked_credentials_mismatch()));
    }
    attach(pending, identity, context.now);
    methods.push(method_of(pending, context.now));
    Ok(())
}

/// Both codes of an exchange were shown, so the app that proposed a link is the one that receives the session.
///
/// # Errors
/// When the database can't answer, or the identity changed at the same moment.
pub(crate) async fn confirm_at_exchange(
    deps: &Deps,
    flow: Flow,
    session: Session,
    now: Timestamp,
) -> Result<Session, StoreError> {
    let Some(pending) = flow.pending_link.clone() else {
        return Ok(session);
    };
    let mut tx = deps.store.begin().await?;
    let found = tx.find_identity_for_update(session.identity_id).await?;
    let mut identity = found.ok_or(StoreError::NotFound { what: "identity" })?;
    let previous = identity.updated_at;
    attach(&pending, &mut identity, now);
    identity.touch(now);
    tx.update_identity(&identity, previous).await?;
    let with_method = |session: &mut Session| session.authentication_methods.push(method_of(&pending, now));
    let changed = tx.change_session(session.id, with_method).await?;
    let session = changed.ok_or(StoreError::NotFound { what: "session" })?;
    tx.update_flow(&Flow { pending_link: None, ..flow }).await?;
    tx.commit().await?;
    let line = audit::event(Event::Link).actor("person").provider(&pending.link.provider).method("confirmed");
    line.identity(identity.id).session(session.id).record();
    Ok(Session { identity: Some(identity), ..session })
}

fn owns(identity: &Identity, identifier: &str) -> bool {
    let by_credential =
        identity.credentials.values().any(|credentials| credentials.identifiers.iter().any(|own| own == identifier));
    let verifiable = identity.verifiable_addresses.iter().map(|address| &address.value);
    let recovery = identity.recovery_addresses.iter().map(|address| &address.value);
    by_credential || verifiable.chain(recovery).any(|own| own == identifier)
}

fn attach(pending: &PendingLink, identity: &mut Identity, now: Timestamp) {
    let mut links = identity.oidc_links();
    if !links.iter().any(|link| link.identifier() == pending.link.identifier()) {
        links.push(pending.link.clone());
        identity.set_oidc_links(links, now);
    }
}

fn method_of(pending: &PendingLink, now: Timestamp) -> AuthenticationMethod {
    AuthenticationMethod {
        method: "oidc".to_owned(),
        aal: Aal::Aal1,
        completed_at: now,
        provider: Some(pending.link.provider.clone()),
        organization: pending.link.organization.clone(),
        upstream_acr: None,
        upstream_amr: Vec::new(),
    }
}
