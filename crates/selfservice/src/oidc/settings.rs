//! Linking in settings: the sign-in arrived and is added to whoever is signed in (contract §3.9).

use super::{Arrival, login, policy, proof, registration, start};
use crate::context::Context;
use crate::deps::Deps;
use crate::error::FlowError;
use crate::flow;
use crate::outcome::Reply;
use crate::settings::{self, Change};
use bia_hooks::Method;
use bia_identity::identities;
use bia_model::{CredentialsType, Flow, Identity, Message, Session};
use bia_telemetry::audit::{self, Event};

/// A settings flow's sign-in arrived.
pub(crate) async fn arrive(deps: &Deps, context: &Context, flow: Flow, arrival: Arrival<'_>) -> Reply {
    match link(deps, context, &flow, &arrival).await {
        Ok(reply) => {
            let session = context.session.as_ref();
            let line = audit::event(Event::Link).actor("person").flow(flow.kind.as_str()).method("settings");
            let line = line.provider(&arrival.provider.id).tenant(arrival.signed_in.facts.tenant_id.as_ref());
            match session {
                Some(session) => line.identity(session.identity_id).session(session.id).record(),
                None => line.record(),
            }
            policy::finished(flow.kind, arrival.provider, "link");
            reply
        }
        Err(error) => {
            policy::refused(flow.kind, arrival.provider, &error);
            flow::fail(deps, context, flow, error, false).await
        }
    }
}

async fn link(deps: &Deps, context: &Context, flow: &Flow, arrival: &Arrival<'_>) -> Result<Reply, FlowError> {
    let session = context.session.as_ref().ok_or_else(crate::logout::no_session)?;
    if !deps.sessions.is_privileged(session, context.now) {
        return Err(FlowError::NeedsPrivilegedSession);
    }
    let before = settings::current_identity(deps, session).await?;
    let mut identity = before.clone();
    check_linkable(&identity, arrival)?;
    // The link may belong to somebody else; nobody's link is ever moved.
    for identifier in arrival.identifiers() {
        let owner = deps.store.find_identity_by_identifier(CredentialsType::Oidc, &identifier).await?;
        if owner.is_some_and(|owner| owner.id != identity.id) {
            return Err(FlowError::message(Message::duplicate_credentials()));
        }
    }
    let mut links = identity.oidc_links();
    links.push(registration::link_of(deps, arrival));
    identity.set_oidc_links(links, context.now);
    if arrival.provider.map_on_link {
        map(deps, context, arrival, &mut identity).await?;
    }
    let added = Some(login::method_of(arrival, context));
    let change = Change { method: Method::Oidc, before, identity, added };
    settings::save(deps, context, flow, change).await
}

/// The person's links may have changed since the flow was shown.
fn check_linkable(identity: &Identity, arrival: &Arrival<'_>) -> Result<(), FlowError> {
    if identity
        .oidc_links()
        .iter()
        .any(|link| arrival.provider.answers_to(&link.provider) && link.subject == arrival.subject())
    {
        return Err(settings::already_linked());
    }
    Ok(())
}

/// `map_on_link`: metadata and verified addresses follow the mapper, traits only where they are still unset.
async fn map(deps: &Deps, context: &Context, arrival: &Arrival<'_>, identity: &mut Identity) -> Result<(), FlowError> {
    let mapped =
        super::claims_to_identity::map(deps, arrival.provider, &arrival.signed_in.claims, Some(identity)).await?;
    identity.traits = bia_model::merge::merge_update(&mapped.traits, &identity.traits);
    if mapped.metadata_public.is_some() {
        identity.metadata_public.clone_from(&mapped.metadata_public);
    }
    if mapped.metadata_admin.is_some() {
        identity.metadata_admin.clone_from(&mapped.metadata_admin);
    }
    identities::prepare(&deps.schemas, identity, context.now).await?;
    let proven = super::claims_to_identity::proven(&mapped);
    identities::mark_verified(identity, &proven, context.now);
    proof::record(identity, arrival, &proven);
    Ok(())
}

/// Begins a link, after the checks that need no provider.
pub(crate) async fn begin_link(
    deps: &Deps,
    context: &Context,
    flow: &mut Flow,
    session: &Session,
    submission: &crate::submit::Submission,
    provider_id: &str,
) -> Result<Reply, FlowError> {
    let identity = settings::current_identity(deps, session).await?;
    let provider = start::configured(deps, flow, provider_id).map_err(|_| settings::already_linked())?;
    if identity.oidc_links().iter().any(|link| provider.answers_to(&link.provider)) {
        return Err(settings::already_linked());
    }
    if !deps.sessions.is_privileged(session, context.now) {
        return Err(FlowError::NeedsPrivilegedSession);
    }
    start::start(deps, context, flow, submission, provider_id).await
}

/// Removes one link (`<provider id>:<subject>`) or all of a provider (its plain id).
pub(crate) async fn unlink(
    deps: &Deps,
    context: &Context,
    flow: &Flow,
    session: &Session,
    submission: &crate::submit::Submission,
    what: &str,
) -> Result<Reply, FlowError> {
    // Not as in Kratos: unlike a link, which ends at a callback that knows its browser, this takes effect at once, and a
    // page of somebody else that learned the flow's id must not take a way in away (CSRF). Any page can send a form; JSON
    // needs the consent of CORS, and Ory's SDKs have no field for the token beside it.
    if !(flow.is_browser() && crate::csrf::sends_json(context)) {
        crate::csrf::ensure(context, flow.is_browser(), submission.text("csrf_token"))?;
    }
    if flow.organization_id.is_some() {
        return Err(bia_model::ApiError::bad_request(
            "Cannot unlink an organization-scoped credential through the settings flow.",
        )
        .into());
    }
    if !deps.sessions.is_privileged(session, context.now) {
        return Err(FlowError::NeedsPrivilegedSession);
    }
    let before = settings::current_identity(deps, session).await?;
    let mut identity = before.clone();
    if identities::count_first_factors(&identity) < 2 {
        return Err(generic(
            "can not unlink OpenID Connect connection because it is the last remaining first factor credential",
        ));
    }
    let links = identity.oidc_links();
    let by_provider = deps.config.provider(what).filter(|provider| provider.id == what);
    let is_meant = |link: &bia_model::OidcLink| match by_provider {
        Some(provider) => provider.answers_to(&link.provider),
        None => {
            link.identifier() == what
                && deps.config.providers().iter().any(|provider| provider.answers_to(&link.provider))
        }
    };
    let kept: Vec<_> = links.iter().filter(|link| !is_meant(link)).cloned().collect();
    if kept.len() == links.len() {
        return Err(generic("can not unlink non-existing OpenID Connect connection"));
    }
    if kept.is_empty() {
        return Err(generic(
            "can not unlink OpenID Connect connection because it is the last remaining first factor credential",
        ));
    }
    let removed: Vec<String> = links.iter().filter(|link| is_meant(link)).map(|link| link.provider.clone()).collect();
    identity.set_oidc_links(kept, context.now);
    let change = Change { method: Method::Oidc, before, identity, added: None };
    let reply = settings::save(deps, context, flow, change).await?;
    for provider in removed {
        let line = audit::event(Event::Unlink).actor("person").flow(flow.kind.as_str()).provider(&provider);
        line.identity(session.identity_id).session(session.id).record();
    }
    Ok(reply)
}

fn generic(reason: &str) -> FlowError {
    FlowError::message(Message::generic(reason))
}
