//! Somebody arrived by a login flow, or turned out to be known: find them, sign them in.

use super::{Arrival, claims_to_identity, pending_link, policy, start};
use crate::context::Context;
use crate::deps::Deps;
use crate::error::FlowError;
use crate::outcome::{Effects, Outcome, Redirect, Reply, SessionCookie};
use crate::{flow, step_up};
use bia_config::UpdateIdentityOnLogin;
use bia_identity::{Client, identities};
use bia_model::session::Upstream;
use bia_model::{
    Aal, ApiError, AuthenticationMethod, ContinueWith, CredentialsType, Flow, Identity, Message, Session, error::id,
};
use bia_store::{StoreError, TokenHash};
use bia_telemetry::audit::{self, Event};
use serde_json::Value;

/// A login flow's sign-in arrived: a known person signs in, an unknown one registers.
pub(crate) async fn arrive(deps: &Deps, context: &Context, login: Flow, arrival: Arrival<'_>) -> Reply {
    match find(deps, context, &arrival).await {
        Ok(Some(identity)) => sign_in(deps, context, login, arrival, identity).await,
        // A second factor is somebody's who is signed in already; a stranger can't become one by it.
        Ok(None) if login.requested_aal == Aal::Aal2 => {
            let error = FlowError::message(Message::linked_credentials_mismatch());
            policy::refused(login.kind, arrival.provider, &error);
            flow::fail(deps, context, login, error, true).await
        }
        Ok(None) => Box::pin(super::convert::login_to_registration(deps, context, login, arrival)).await,
        Err(error) => {
            let error = FlowError::from(error);
            policy::refused(login.kind, arrival.provider, &error);
            flow::fail(deps, context, login, error, true).await
        }
    }
}

/// The identity that has a link to this person, under the provider's id or one of its aliases. A link that still
/// has the subject of an older setting is rewritten.
pub(crate) async fn find(
    deps: &Deps,
    context: &Context,
    arrival: &Arrival<'_>,
) -> Result<Option<Identity>, StoreError> {
    match find_unchanged(deps, arrival).await? {
        Some(identity) => Ok(Some(identity)),
        None => super::migration::find_by_old_subject(deps, arrival, context.now).await,
    }
}

/// [`find`] without rewriting anything.
pub(crate) async fn find_unchanged(deps: &Deps, arrival: &Arrival<'_>) -> Result<Option<Identity>, StoreError> {
    for identifier in arrival.identifiers() {
        let found = deps.store.find_identity_by_identifier(CredentialsType::Oidc, &identifier).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Signs a known person in.
pub(crate) async fn sign_in(
    deps: &Deps,
    context: &Context,
    login: Flow,
    arrival: Arrival<'_>,
    identity: Identity,
) -> Reply {
    match Box::pin(try_sign_in(deps, context, &login, &arrival, identity)).await {
        Ok(reply) => reply,
        Err(error) => {
            policy::refused(login.kind, arrival.provider, &error);
            let mut login = login;
            login.active = Some("oidc".to_owned());
            flow::fail(deps, context, login, error, !arrival.by_id_token).await
        }
    }
}

async fn try_sign_in(
    deps: &Deps,
    context: &Context,
    login: &Flow,
    arrival: &Arrival<'_>,
    mut identity: Identity,
) -> Result<Reply, FlowError> {
    let before = identity.clone();
    let mut methods = vec![method_of(arrival, context)];
    change(deps, context, login, arrival, &mut identity, &mut methods).await?;
    if !identity.is_active() {
        return Err(ApiError::bad_request("This account was disabled.")
            .with_id(id::IDENTITY_DISABLED)
            .with_message("identity is disabled")
            .into());
    }
    let upstream = upstream_of(deps, arrival);
    let raised = step_up::raise(context, login, &identity, &methods[0], &upstream)?;
    let (session, token) = match &raised {
        Some(raise) => (raise.session.clone(), raise.token.clone()),
        None => deps.sessions.issue(&identity, methods, &client(context), Some(upstream), context.now),
    };
    let return_to = flow::return_url(deps, login, deps.config.login_return_url())?;
    let hook_effects = crate::hooks::login_after(deps, context, login, &identity, &session).await?;

    let revoke_others = hook_effects.revoke_other_sessions;
    let write = Write { session: &session, token: &token, raise: raised.as_ref(), revoke_others };
    let written = match write.commit(deps, context, &before, &mut identity).await {
        // Another tab or an operator changed the person since they were read. Hooks don't run again for that.
        Err(error @ (StoreError::Stale { .. } | StoreError::Collision)) => {
            let Some(fresh) = deps.store.find_identity(identity.id).await?.filter(Identity::is_active) else {
                return Err(error.into());
            };
            identity = fresh.clone();
            change(deps, context, login, arrival, &mut identity, &mut Vec::new()).await?;
            write.commit(deps, context, &fresh, &mut identity).await
        }
        outcome => outcome,
    };
    // Signed out elsewhere while the second factor was shown: there is nothing left to raise.
    let session = written?.ok_or_else(crate::login::aal1_required)?;
    let session = Session { identity: Some(identity), ..session };
    record(login, arrival, &session, identity_changed(&before, session.identity.as_ref()), raised.is_some());
    finish(deps, context, login, arrival.by_id_token, session, token, return_to, hook_effects.continue_with).await
}

/// What this sign-in changes about a person.
async fn change(
    deps: &Deps,
    context: &Context,
    login: &Flow,
    arrival: &Arrival<'_>,
    identity: &mut Identity,
    methods: &mut Vec<AuthenticationMethod>,
) -> Result<(), FlowError> {
    if arrival.provider.update_identity_on_login == UpdateIdentityOnLogin::Automatic {
        update(deps, context, arrival, identity).await?;
    }
    // Kratos: a link waits for the second factor. A stolen first one could otherwise bring a second of its own.
    if step_up::is_needed(deps, identity, method_of(arrival, context).aal) {
        return Ok(());
    }
    pending_link::confirm(context, login, arrival, identity, methods)
}

/// What a sign-in leaves in the database.
struct Write<'a> {
    session: &'a Session,
    token: &'a str,
    /// A step-up changes a session that is there already.
    raise: Option<&'a step_up::Raise>,
    revoke_others: bool,
}

impl Write<'_> {
    /// The session as it is now; `None` when it was to be raised and has ended meanwhile.
    async fn commit(
        &self,
        deps: &Deps,
        context: &Context,
        before: &Identity,
        identity: &mut Identity,
    ) -> Result<Option<Session>, StoreError> {
        let mut revoked = 0;
        let mut tx = deps.store.begin().await?;
        if identity != before {
            identity.touch(context.now);
            tx.update_identity(identity, before.updated_at).await?;
        }
        let session = match self.raise {
            Some(raise) => match tx.change_session(self.session.id, |session| raise.apply(session)).await? {
                Some(session) => session,
                None => {
                    tx.rollback().await;
                    return Ok(None);
                }
            },
            None => {
                tx.insert_session(self.session, &TokenHash::of(self.token)).await?;
                self.session.clone()
            }
        };
        if self.revoke_others {
            revoked = tx.deactivate_other_sessions(identity.id, Some(self.session.id)).await?;
        }
        tx.commit().await?;
        audit::sessions_ended("hook", revoked).actor("bia").identity(identity.id).record();
        Ok(Some(session))
    }
}

fn identity_changed(before: &Identity, after: Option<&Identity>) -> bool {
    after.is_some_and(|after| after.oidc_links().len() != before.oidc_links().len())
}

/// A sign-in, and the link that it confirmed.
fn record(login: &Flow, arrival: &Arrival<'_>, session: &Session, linked: bool, is_raised: bool) {
    let line = |event| {
        let line = audit::event(event).actor("person").flow(login.kind.as_str()).provider(&arrival.provider.id);
        line.tenant(arrival.signed_in.facts.tenant_id.as_ref()).identity(session.identity_id).session(session.id)
    };
    if linked {
        let link = login.pending_link.as_ref().map(|pending| pending.link.provider.as_str());
        line(Event::Link).provider(link.unwrap_or(&arrival.provider.id)).method("confirmed").record();
    }
    let method = if is_raised { "step_up" } else { "oidc" };
    line(Event::SignIn).method(method).email(&arrival.signed_in.claims.email).record();
    policy::finished(login.kind, arrival.provider, "login");
    if !is_raised {
        metrics::counter!("bia_sessions_issued_total").increment(1);
    }
}

/// Answers a finished login.
#[expect(clippy::too_many_arguments, reason = "the last step carries everything that the steps before it made")]
pub(crate) async fn finish(
    deps: &Deps,
    context: &Context,
    login: &Flow,
    by_id_token: bool,
    mut session: Session,
    token: String,
    return_to: String,
    hook_steps: Vec<ContinueWith>,
) -> Result<Reply, FlowError> {
    if start::answers_by_exchange(login, by_id_token) {
        return Ok(crate::token_exchange::hand_over(deps, context, login, &session, &token, return_to).await);
    }
    let mut continue_with = Vec::new();
    if login.is_browser() && context.is_json {
        continue_with.push(ContinueWith::RedirectBrowserTo { redirect_browser_to: return_to.clone() });
    }
    continue_with.extend(hook_steps);
    let effects = if login.is_browser() { cookies(context, &session, &token) } else { Effects::default() };
    if session.identity.as_ref().is_some_and(|identity| step_up::is_needed(deps, identity, session.aal)) {
        if login.is_browser() {
            // The flow that may have been made belongs to the anti-CSRF token that this browser has.
            let effects = Effects { rotate_csrf: effects.rotate_csrf && login.pending_link.is_none(), ..effects };
            return Ok(second_factor(deps, context, login, session, token).await?.with_effects(effects));
        }
        // Kratos: so that whoever has stolen the first factor doesn't learn more about its owner.
        session.identity = None;
    }
    if let Some(challenge) = login.oauth2_login_challenge.as_deref().filter(|_| login.is_browser()) {
        let to = crate::oauth2::accept(deps, challenge, &session).await?;
        let outcome = if context.is_json {
            Outcome::GoToProvider { url: to }
        } else {
            Outcome::RedirectAll(Redirect::see_other(to))
        };
        return Ok(Reply::from(outcome).with_effects(effects));
    }
    let outcome = Outcome::SignedIn {
        flow: Box::new(login.clone()),
        session: Box::new(session),
        token,
        return_to,
        continue_with,
    };
    Ok(Reply::from(outcome).with_effects(effects))
}

/// A browser that has signed in with one factor of two goes on to the second. A link that waits goes along.
async fn second_factor(
    deps: &Deps,
    context: &Context,
    login: &Flow,
    session: Session,
    token: String,
) -> Result<Reply, FlowError> {
    if let Some(pending) = &login.pending_link {
        let context = Context { session: Some(session), session_token: Some(token), ..context.clone() };
        let mut next = crate::login::for_second_factor(deps, &context, login);
        next.pending_link = Some(pending.clone());
        flow::insert(deps, &next).await?;
        return Ok(Outcome::FlowCreated(Box::new(next)).into());
    }
    let to = step_up::login_url(deps, login.return_to.as_deref(), login.oauth2_login_challenge.as_deref());
    Ok(Reply::from(if context.is_json {
        Outcome::GoToProvider { url: to }
    } else {
        Outcome::RedirectAll(Redirect::see_other(to))
    }))
}

/// The cookies of a new browser session. Another person than before gets a new anti-CSRF token, too.
pub(crate) fn cookies(context: &Context, session: &Session, token: &str) -> Effects {
    let same_person = context.session.as_ref().is_some_and(|old| old.identity_id == session.identity_id);
    Effects {
        session: Some(SessionCookie { token: token.to_owned(), expires_at: session.expires_at }),
        rotate_csrf: !same_person,
        ..Effects::default()
    }
}

/// How the person proved who they are.
pub(crate) fn method_of(arrival: &Arrival<'_>, context: &Context) -> AuthenticationMethod {
    let facts = &arrival.signed_in.facts;
    AuthenticationMethod {
        method: "oidc".to_owned(),
        aal: if facts.second_factor { Aal::Aal2 } else { Aal::Aal1 },
        completed_at: context.now,
        provider: Some(arrival.provider.id.clone()),
        organization: arrival.provider.organization_id.clone().filter(|id| !id.is_empty()),
        upstream_acr: facts.acr.clone().filter(|acr| !acr.is_empty()),
        upstream_amr: facts.amr.clone(),
    }
}

/// What is remembered of the provider's side of the session.
pub(crate) fn upstream_of(deps: &Deps, arrival: &Arrival<'_>) -> Upstream {
    use secrecy::ExposeSecret as _;
    let facts = &arrival.signed_in.facts;
    let keep = arrival.provider.recheck.is_some();
    let refresh_token = arrival.signed_in.tokens.refresh.as_ref().filter(|_| keep);
    Upstream {
        provider: arrival.provider.id.clone(),
        subject: arrival.subject().to_owned(),
        sid: facts.sid.clone(),
        login_hint: facts.login_hint.clone(),
        refresh_token: refresh_token
            .map(|token| deps.sealer.seal(bia_identity::Purpose::Token, token.expose_secret().as_bytes())),
        checked_at: None,
    }
}

pub(crate) fn client(context: &Context) -> Client {
    Client {
        ip_address: context.ip_address.clone(),
        user_agent: context.user_agent.clone(),
        location: context.location.clone(),
    }
}

/// `update_identity_on_login: automatic` (contract §3.12): the mapper wins, what it leaves out stays.
async fn update(
    deps: &Deps,
    context: &Context,
    arrival: &Arrival<'_>,
    identity: &mut Identity,
) -> Result<(), FlowError> {
    let before = identity.clone();
    let mapped = claims_to_identity::map(deps, arrival.provider, &arrival.signed_in.claims, Some(identity)).await?;
    identity.traits = bia_model::merge::merge_update(&identity.traits, &mapped.traits);
    let set = |slot: &mut Option<Value>, value: Option<Value>| {
        if value.is_some() {
            *slot = value;
        }
    };
    set(&mut identity.metadata_public, mapped.metadata_public.clone());
    set(&mut identity.metadata_admin, mapped.metadata_admin.clone());
    identities::prepare(&deps.schemas, identity, context.now).await?;
    let proven = claims_to_identity::proven(&mapped);
    identities::mark_verified(identity, &proven, context.now);
    super::proof::record(identity, arrival, &proven);
    if *identity == before {
        return Ok(());
    }
    tracing::debug!(provider = %arrival.provider.id, identity_id = %identity.id, "the mapper changed the identity at login");
    Ok(())
}
