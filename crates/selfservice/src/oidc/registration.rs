//! Somebody unknown arrived: make an identity of the claims, or find out that the address is taken.

use super::{Arrival, claims_to_identity, convert, login, policy, proof, start};
use crate::context::Context;
use crate::deps::Deps;
use crate::error::FlowError;
use crate::outcome::{Effects, Outcome, Redirect, Reply};
use crate::{flow, ui};
use bia_config::AccountLinkingMode;
use bia_identity::identities::{self, Conflict, PrepareError, ProvenAddress};
use bia_model::{ContinueWith, Flow, Identity, OidcLink, Session, Timestamp};
use bia_store::{StoreError, TokenHash};
use bia_telemetry::audit::{self, Event};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use uuid::Uuid;

/// A registration flow's sign-in arrived: a known person signs in, an unknown one becomes an identity.
pub(crate) async fn arrive(deps: &Deps, context: &Context, registration: Flow, arrival: Arrival<'_>) -> Reply {
    match login::find(deps, context, &arrival).await {
        Ok(Some(identity)) => {
            Box::pin(convert::registration_to_login(deps, context, registration, arrival, identity)).await
        }
        Ok(None) => Box::pin(register(deps, context, registration, arrival)).await,
        Err(error) => fail(deps, context, registration, &arrival, error.into(), None).await,
    }
}

/// What a registration that can't finish knew about the traits, for the continuation form.
type KnownTraits = Option<Value>;

pub(crate) async fn register(deps: &Deps, context: &Context, registration: Flow, arrival: Arrival<'_>) -> Reply {
    let mut candidate = match candidate(deps, context, &registration, &arrival).await {
        Ok(candidate) => candidate,
        Err((error, traits)) => {
            return fail(deps, context, registration, &arrival, error, traits).await;
        }
    };
    let inserted = insert(deps, context, &registration, &arrival, &mut candidate).await;
    // Hooks may have changed the traits: the form shows what was refused.
    let traits = candidate.identity.traits.clone();
    match inserted {
        Ok(Inserted::New { identity, session, token }) => {
            match finish(deps, context, &registration, &arrival, *identity, *session, token).await {
                Ok(reply) => reply,
                Err(error) => fail(deps, context, registration, &arrival, error, Some(traits)).await,
            }
        }
        Ok(Inserted::Taken(conflict)) => taken(deps, context, registration, arrival, *conflict, candidate).await,
        Err(error) => fail(deps, context, registration, &arrival, error, Some(traits)).await,
    }
}

/// A valid identity that isn't stored yet, and the addresses its mapper vouches for.
struct Candidate {
    identity: Identity,
    proven: Vec<ProvenAddress>,
}

/// Mapper, merge with the posted traits, validation, link.
async fn candidate(
    deps: &Deps,
    context: &Context,
    registration: &Flow,
    arrival: &Arrival<'_>,
) -> Result<Candidate, (FlowError, KnownTraits)> {
    policy::check_sign_up(arrival.provider, &arrival.signed_in).map_err(|error| (error.into(), None))?;
    let mapped = claims_to_identity::map(deps, arrival.provider, &arrival.signed_in.claims, None)
        .await
        .map_err(|error| (error, None))?;
    let schema_id = registration.identity_schema.as_deref().unwrap_or(deps.schemas.default_id());
    let schema = deps.schemas.get(schema_id).await.map_err(|error| (error.into(), None))?;
    let refused = schema.validate(&mapped.traits);
    let mut identity = Identity::new(Uuid::new_v4(), schema_id, context.now);
    identity.traits = bia_model::merge::merge_form_over_mapper(&mapped.traits, &arrival.traits, &refused);
    identity.metadata_public.clone_from(&mapped.metadata_public);
    identity.metadata_admin.clone_from(&mapped.metadata_admin);
    identity.organization_id = organization_of(arrival);
    let known = identity.traits.clone();
    identities::prepare(&deps.schemas, &mut identity, context.now).await.map_err(|error| match error {
        PrepareError::Traits(errors) => {
            if !refused.is_empty() {
                let claims = &arrival.signed_in.claims;
                super::capture::record(deps, arrival.provider, ("schema", None), claims, None);
            }
            (FlowError::Traits(errors), Some(known))
        }
        PrepareError::Schema(error) => (error.into(), None),
    })?;
    let proven = claims_to_identity::proven(&mapped);
    identities::mark_verified(&mut identity, &proven, context.now);
    proof::record(&mut identity, arrival, &proven);
    identity.set_oidc_links(vec![link_of(deps, arrival)], context.now);
    Ok(Candidate { identity, proven })
}

fn organization_of(arrival: &Arrival<'_>) -> Option<Uuid> {
    arrival.provider.organization_id.as_deref().and_then(|id| Uuid::parse_str(id).ok())
}

/// The link that is stored; its tokens are sealed, and those of a submitted ID token aren't kept.
pub(crate) fn link_of(deps: &Deps, arrival: &Arrival<'_>) -> OidcLink {
    let seal = |token: &Option<secrecy::SecretString>| {
        let token = token.as_ref().filter(|_| !arrival.by_id_token);
        token.map(|token| deps.sealer.encrypt_token(token.expose_secret())).unwrap_or_default()
    };
    let tokens = &arrival.signed_in.tokens;
    OidcLink {
        subject: arrival.subject().to_owned(),
        provider: arrival.provider.id.clone(),
        initial_id_token: seal(&tokens.id),
        initial_access_token: seal(&tokens.access),
        initial_refresh_token: seal(&tokens.refresh),
        organization: arrival.provider.organization_id.clone().filter(|id| !id.is_empty()),
        use_auto_link: false,
    }
}

enum Inserted {
    New {
        identity: Box<Identity>,
        session: Box<Session>,
        token: String,
    },
    /// An identifier or address of it belongs to somebody else.
    Taken(Box<Conflict>),
}

/// Hooks that may still refuse, then identity and session in one transaction.
async fn insert(
    deps: &Deps,
    context: &Context,
    registration: &Flow,
    arrival: &Arrival<'_>,
    candidate: &mut Candidate,
) -> Result<Inserted, FlowError> {
    let identity = &mut candidate.identity;
    crate::hooks::registration_before_insert(deps, context, registration, identity).await?;
    identities::prepare(&deps.schemas, identity, context.now).await?;
    if registration.linking_only || !deps.config.selfservice.flows.registration.enabled {
        // Such a flow may link to somebody who exists; it never creates anybody.
        return match identities::find_conflict(&deps.store, identity).await? {
            Some(conflict) => Ok(Inserted::Taken(Box::new(conflict))),
            None => Err(crate::registration::disabled().into()),
        };
    }
    let methods = vec![login::method_of(arrival, context)];
    let upstream = login::upstream_of(deps, arrival);
    let (session, token) = deps.sessions.issue(identity, methods, &login::client(context), Some(upstream), context.now);
    let mut tx = deps.store.begin().await?;
    match tx.insert_identity(identity).await {
        Ok(()) => {}
        Err(StoreError::Conflict { .. }) => {
            drop(tx);
            let conflict = identities::find_conflict(&deps.store, identity).await?;
            // Whoever was in the way is gone again: the person may simply try once more.
            let conflict = conflict.ok_or_else(|| FlowError::message(bia_model::Message::duplicate_credentials()))?;
            return Ok(Inserted::Taken(Box::new(conflict)));
        }
        Err(error) => return Err(error.into()),
    }
    tx.insert_session(&session, &TokenHash::of(&token)).await?;
    tx.commit().await?;
    Ok(Inserted::New { identity: Box::new(identity.clone()), session: Box::new(session), token })
}

/// Hooks after the insert, and the answer.
async fn finish(
    deps: &Deps,
    context: &Context,
    registration: &Flow,
    arrival: &Arrival<'_>,
    identity: Identity,
    session: Session,
    token: String,
) -> Result<Reply, FlowError> {
    let line = audit::event(Event::SignUp).actor("person").flow(registration.kind.as_str());
    let line = line.provider(&arrival.provider.id).tenant(arrival.signed_in.facts.tenant_id.as_ref());
    line.identity(identity.id).session(session.id).email(&arrival.signed_in.claims.email).record();
    policy::finished(registration.kind, arrival.provider, "registration");
    metrics::counter!("bia_sessions_issued_total").increment(1);
    let return_to = flow::return_url(deps, registration, deps.config.registration_return_url())?;
    let effects = crate::hooks::registration_after_insert(deps, context, registration, &identity, &session).await?;
    if effects.revoke_other_sessions {
        let revoked = deps.store.deactivate_other_sessions(identity.id, Some(session.id)).await?;
        audit::sessions_ended("hook", revoked).actor("bia").identity(identity.id).record();
    }
    if start::answers_by_exchange(registration, arrival.by_id_token) {
        return Ok(crate::token_exchange::hand_over(deps, context, registration, &session, &token, return_to).await);
    }
    let mut continue_with = Vec::new();
    if registration.is_browser() && context.is_json {
        continue_with.push(ContinueWith::RedirectBrowserTo { redirect_browser_to: return_to.clone() });
    }
    if effects.issue_session && !registration.is_browser() {
        continue_with.insert(0, ContinueWith::SetOrySessionToken { ory_session_token: token.clone() });
    }
    continue_with.extend(effects.continue_with);
    let cookies = if effects.issue_session && registration.is_browser() {
        login::cookies(context, &session, &token)
    } else {
        Effects::default()
    };
    if let Some(challenge) = registration.oauth2_login_challenge.as_deref().filter(|_| registration.is_browser()) {
        let to = crate::oauth2::accept(deps, challenge, &session).await?;
        let outcome = if context.is_json {
            Outcome::GoToProvider { url: to }
        } else {
            Outcome::RedirectAll(Redirect::see_other(to))
        };
        return Ok(Reply::from(outcome).with_effects(cookies));
    }
    let outcome = Outcome::Registered {
        flow: Box::new(registration.clone()),
        identity: Box::new(identity),
        session: effects.issue_session.then(|| (Box::new(session), token)),
        return_to,
        continue_with,
    };
    Ok(Reply::from(outcome).with_effects(cookies))
}

/// An address or identifier is taken: link at once when both sides proved it and the operator wants that,
/// else ask its owner to sign in (contract §3.7.1).
async fn taken(
    deps: &Deps,
    context: &Context,
    registration: Flow,
    arrival: Arrival<'_>,
    conflict: Conflict,
    candidate: Candidate,
) -> Reply {
    let own = conflict.identity.oidc_links().iter().any(|link| arrival.identifiers().any(|id| id == link.identifier()));
    // Their own link: another tab was a moment faster.
    if own {
        return Box::pin(convert::registration_to_login(deps, context, registration, arrival, conflict.identity)).await;
    }
    let automatic = arrival.provider.account_linking_mode == AccountLinkingMode::Automatic
        && conflict.identity.is_active()
        && proof::proves(&arrival, &candidate.proven, &conflict.identifier)
        && proof::is_proven(&conflict.identity, &conflict.identifier);
    if !automatic {
        return convert::ask_to_link(deps, context, registration, &arrival, conflict, &candidate.identity).await;
    }
    match link_now(deps, &arrival, conflict.identity, context.now).await {
        Ok(identity) => Box::pin(convert::registration_to_login(deps, context, registration, arrival, identity)).await,
        Err(error) => fail(deps, context, registration, &arrival, error, None).await,
    }
}

async fn link_now(
    deps: &Deps,
    arrival: &Arrival<'_>,
    identity: Identity,
    now: Timestamp,
) -> Result<Identity, FlowError> {
    let mut tx = deps.store.begin().await?;
    let found = tx.find_identity_for_update(identity.id).await?;
    let mut identity = found.ok_or(StoreError::NotFound { what: "identity" })?;
    let previous = identity.updated_at;
    let mut links = identity.oidc_links();
    links.push(link_of(deps, arrival));
    identity.set_oidc_links(links, now);
    identity.touch(now);
    tx.update_identity(&identity, previous).await?;
    tx.commit().await?;
    let line = audit::event(Event::Link).actor("bia").provider(&arrival.provider.id).identity(identity.id);
    line.tenant(arrival.signed_in.facts.tenant_id.as_ref()).method("automatic").record();
    Ok(identity)
}

/// Shows the continuation form with what is known (contract §3.7.2).
pub(crate) async fn fail(
    deps: &Deps,
    context: &Context,
    mut registration: Flow,
    arrival: &Arrival<'_>,
    error: FlowError,
    traits: KnownTraits,
) -> Reply {
    policy::refused(registration.kind, arrival.provider, &error);
    let schema_id = registration.identity_schema.clone().unwrap_or_else(|| deps.schemas.default_id().to_owned());
    let schema = deps.schemas.get(&schema_id).await.ok();
    let known = schema.as_ref().zip(traits.as_ref());
    ui::continuation(deps, &mut registration, &arrival.provider.id, known);
    registration.active = Some("oidc".to_owned());
    flow::fail(deps, context, registration, error, !arrival.by_id_token).await
}
