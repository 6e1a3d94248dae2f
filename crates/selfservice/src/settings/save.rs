//! Saving a change of settings: hooks, the row, and the answer.

use super::{current_identity, meanwhile, new, page};
use crate::context::Context;
use crate::deps::Deps;
use crate::error::FlowError;
use crate::flow;
use crate::outcome::{Effects, Outcome, Reply, SessionCookie};
use bia_hooks::Method;
use bia_identity::identities;
use bia_model::{AuthenticationMethod, ContinueWith, Flow, FlowState, Identity, Message, Session};
use bia_store::StoreError;
use bia_telemetry::audit::{self, Event};

/// How often a change is written when others change the same account.
const ATTEMPTS: usize = 3;

/// A change of settings that passed its own checks.
pub(crate) struct Change {
    pub(crate) method: Method,
    /// The identity as it was read.
    pub(crate) before: Identity,
    pub(crate) identity: Identity,
    /// How the person signed in for a link, which is one more method of their session.
    pub(crate) added: Option<AuthenticationMethod>,
}

/// Hooks, save, and the answer (Kratos: `PostSettingsHook`).
pub(crate) async fn save(deps: &Deps, context: &Context, flow: &Flow, mut change: Change) -> Result<Reply, FlowError> {
    let method = change.method;
    // Kratos: hooks see the session as it was when the request came in.
    let shown = context.session.clone().ok_or_else(crate::logout::no_session)?;
    let name = if method == Method::Oidc { "oidc" } else { "profile" };
    let own_page = page(deps, flow);
    let default = deps.config.settings_return_url(name).map_or(own_page, str::to_owned);
    let return_to = flow::return_url(deps, flow, &default)?;
    crate::hooks::settings_before_save(deps, context, flow, method, &mut change.identity, &shown).await?;
    identities::prepare(&deps.schemas, &mut change.identity, context.now).await?;
    let Saved { flow: mut saved, session } = keep(deps, context, flow, &mut change, &shown).await?;
    let identity = change.identity;
    // A link or an unlink is recorded as such where it is made.
    if method == Method::Profile {
        let line = audit::event(Event::SettingsChanged).actor("person").flow(flow.kind.as_str()).method(name);
        line.identity(identity.id).session(session.id).record();
    }
    let effects = crate::hooks::settings_after_save(deps, context, flow, method, &identity, &shown).await?;
    if effects.revoke_other_sessions {
        let revoked = deps.store.deactivate_other_sessions(identity.id, Some(session.id)).await?;
        audit::sessions_ended("hook", revoked).actor("bia").identity(identity.id).record();
    }
    saved.continue_with = effects.continue_with;
    if saved.is_browser() && context.is_json {
        saved.continue_with.push(ContinueWith::RedirectBrowserTo { redirect_browser_to: return_to.clone() });
    }
    let cookie = context
        .session_token
        .clone()
        .filter(|_| saved.is_browser())
        .map(|token| SessionCookie { token, expires_at: session.expires_at });
    let effects = Effects { session: cookie, ..Effects::default() };
    Ok(Reply::from(Outcome::SettingsSaved { flow: Box::new(saved), return_to }).with_effects(effects))
}

/// What was written.
struct Saved {
    flow: Flow,
    session: Session,
}

/// Writes the change. Another tab or an operator may have changed the person since they were read; hooks don't run
/// again for that.
async fn keep(
    deps: &Deps,
    context: &Context,
    flow: &Flow,
    change: &mut Change,
    shown: &Session,
) -> Result<Saved, FlowError> {
    for _ in 1..ATTEMPTS {
        match write(deps, context, flow, change, shown).await {
            Err(FlowError::Stale) => {}
            done => return done,
        }
        let theirs = current_identity(deps, shown).await?;
        change.identity = meanwhile::carry_over(&change.before, &change.identity, &theirs).ok_or(FlowError::Stale)?;
        // Both changes together may be what neither was alone: against the schema.
        identities::prepare(&deps.schemas, &mut change.identity, context.now).await.map_err(|_| FlowError::Stale)?;
        change.before = theirs;
    }
    write(deps, context, flow, change, shown).await
}

/// Identity, session and flows in one transaction.
async fn write(
    deps: &Deps,
    context: &Context,
    flow: &Flow,
    change: &mut Change,
    shown: &Session,
) -> Result<Saved, FlowError> {
    let identity = &mut change.identity;
    identity.updated_at = change.before.updated_at;
    identity.touch(context.now);
    let mut saved = flow.clone();
    saved.state = FlowState::Success;
    saved.updated_at = context.now;
    // Kratos: the form of a saved flow is that of a fresh one, which also takes the next submission.
    let next = new(deps, context, flow.flow_type, identity).await?;
    saved.ui = next.ui.clone();
    saved.ui.messages = vec![Message::settings_saved()];

    let mut tx = deps.store.begin().await?;
    match tx.update_identity(identity, change.before.updated_at).await {
        Err(StoreError::Conflict { .. }) => {
            return Err(FlowError::message(Message::duplicate_credentials()));
        }
        other => other?,
    }
    let session = match &change.added {
        Some(method) => match tx.change_session(shown.id, |session| add_method(session, method)).await? {
            Some(session) => session,
            // Signed out elsewhere at this moment: nothing is linked on its behalf.
            None => {
                tx.rollback().await;
                return Err(crate::logout::no_session().into());
            }
        },
        None => shown.clone(),
    };
    tx.insert_flow(&next).await?;
    tx.update_flow(&saved).await?;
    tx.commit().await?;
    Ok(Saved { flow: saved, session })
}

/// Kratos: linking adds a second way in to the session and counts as signing in again.
fn add_method(session: &mut Session, method: &AuthenticationMethod) {
    session.aal = session.aal.max(method.aal);
    session.authenticated_at = method.completed_at;
    session.authentication_methods.push(method.clone());
}
