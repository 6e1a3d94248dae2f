//! Assurance levels: a provider with `microsoft.step_up_context` can raise a session to aal2 (design §3).
//!
//! Kratos knows two levels and asks for the highest available one by default. Signing in with a provider is one
//! factor, so without the key `step_up_context`, which Kratos doesn't have, the highest available level stays aal1 and
//! nothing differs. With it, whoever has a link to such a provider has a second factor there.

use crate::context::Context;
use crate::deps::{Deps, with_query};
use crate::error::FlowError;
use crate::settings::aal2_required;
use bia_config::{OidcProvider, RequiredAal};
use bia_model::session::Upstream;
use bia_model::{Aal, ApiError, AuthenticationMethod, Flow, Identity, Session};

/// The highest level that the identity could reach with the providers it has links to.
pub fn available_aal(deps: &Deps, identity: &Identity) -> Aal {
    let links = identity.oidc_links();
    let can = |provider: &OidcProvider| {
        raises(provider, identity) && links.iter().any(|link| provider.answers_to(&link.provider))
    };
    let enabled = deps.config.selfservice.methods.oidc.enabled;
    if enabled && deps.config.providers().iter().any(can) { Aal::Aal2 } else { Aal::Aal1 }
}

fn raises(provider: &OidcProvider, identity: &Identity) -> bool {
    provider.enabled
        && provider.microsoft.step_up_context.is_some()
        && crate::ui::of_organization(provider, identity.organization_id)
}

/// Whether this level is what a route asks for, which depends on the links of whoever it is.
fn reaches(deps: &Deps, required: RequiredAal, identity: Option<&Identity>, aal: Aal) -> bool {
    let required = match (required, identity) {
        (RequiredAal::HighestAvailable, Some(identity)) => available_aal(deps, identity),
        _ => Aal::Aal1,
    };
    aal >= required
}

/// Whether a session has what a route asks for.
pub fn suffices(deps: &Deps, required: RequiredAal, session: &Session) -> bool {
    reaches(deps, required, session.identity.as_ref(), session.aal)
}

/// `session.whoami.required_aal`.
///
/// # Errors
/// 403 `session_aal2_required`, with the login that raises the session.
pub fn check_whoami(deps: &Deps, session: &Session) -> Result<(), ApiError> {
    if suffices(deps, deps.config.session.whoami.required_aal, session) {
        return Ok(());
    }
    Err(aal2_required(&login_url(deps, None, None)))
}

/// Whether a session that was just begun at this level is good for anything before a second factor was shown. Until
/// then nobody is told whom it belongs to, and nothing is changed on its behalf: the first factor may be stolen.
pub(crate) fn is_needed(deps: &Deps, identity: &Identity, aal: Aal) -> bool {
    !reaches(deps, deps.config.session.whoami.required_aal, Some(identity), aal)
}

/// Where a browser that has signed in with one factor shows the second, and goes on from as it was going to.
pub fn login_url(deps: &Deps, return_to: Option<&str>, login_challenge: Option<&str>) -> String {
    let mut pairs = vec![("aal", "aal2")];
    pairs.extend(return_to.map(|to| ("return_to", to)));
    pairs.extend(login_challenge.map(|challenge| ("login_challenge", challenge)));
    with_query(&deps.public("/self-service/login/browser"), &pairs)
}

/// Gives a login for aal2 the organization of the person, so that it offers that organization's connections.
pub(crate) fn prepare(flow: &mut Flow, identity: &Identity) {
    flow.organization_id = flow.organization_id.or(identity.organization_id);
}

/// A second factor that was shown, and the session it belongs to.
pub(crate) struct Raise {
    /// The session as it will be, unless somebody changes it meanwhile.
    pub(crate) session: Session,
    pub(crate) token: String,
    method: AuthenticationMethod,
    upstream: Upstream,
}

impl Raise {
    /// Raises the session, as it is at the moment of writing.
    pub(crate) fn apply(&self, session: &mut Session) {
        raised(session, &self.method, &self.upstream);
    }
}

/// What a finished step-up leads to: the session there is, with one more method. `None` for any other login.
///
/// # Errors
/// When another person came back than the one who is signed in, or the provider vouches for one factor only.
pub(crate) fn raise(
    context: &Context,
    login: &Flow,
    identity: &Identity,
    method: &AuthenticationMethod,
    upstream: &Upstream,
) -> Result<Option<Raise>, FlowError> {
    if login.requested_aal != Aal::Aal2 {
        return Ok(None);
    }
    let (Some(session), Some(token)) = (&context.session, &context.session_token) else {
        return Err(crate::login::aal1_required().into());
    };
    // A second factor of somebody else proves nothing about who is signed in.
    if session.identity_id != identity.id {
        return Err(ApiError::bad_request(
            "You confirmed with another account than the one you are signed in with. Please use your own.",
        )
        .into());
    }
    if method.aal < Aal::Aal2 {
        return Err(ApiError::bad_request("The additional verification was not completed. Please try again.").into());
    }
    let mut session = session.clone();
    raised(&mut session, method, upstream);
    session.identity = Some(identity.clone());
    Ok(Some(Raise { session, token: token.clone(), method: method.clone(), upstream: upstream.clone() }))
}

fn raised(session: &mut Session, method: &AuthenticationMethod, upstream: &Upstream) {
    session.aal = Aal::Aal2;
    session.authenticated_at = method.completed_at;
    session.authentication_methods.push(method.clone());
    session.upstream = Some(match session.upstream.take() {
        Some(first) => refreshed(first, upstream),
        None => upstream.clone(),
    });
}

/// What a session that is raised keeps of its sign-in: leavers and sign-outs are found by the account it began with,
/// whichever one confirmed it. The same account brings news of itself, but not always another refresh token.
fn refreshed(first: Upstream, now: &Upstream) -> Upstream {
    if first.provider != now.provider || first.subject != now.subject {
        return first;
    }
    Upstream {
        sid: now.sid.clone().or(first.sid),
        refresh_token: now.refresh_token.clone().or(first.refresh_token),
        checked_at: now.checked_at.or(first.checked_at),
        ..now.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(provider: &str, token: Option<&str>) -> Upstream {
        Upstream {
            provider: provider.to_owned(),
            subject: "somebody".to_owned(),
            sid: Some(format!("sid of {token:?}")),
            refresh_token: token.map(str::to_owned),
            ..Upstream::default()
        }
    }

    #[test]
    fn a_session_that_is_raised_keeps_the_account_it_began_with() {
        let first = upstream("one", Some("old"));
        assert_eq!(refreshed(first.clone(), &upstream("two", Some("new"))), first);
        let other = Upstream { subject: "somebody else".to_owned(), ..upstream("one", Some("new")) };
        assert_eq!(refreshed(first.clone(), &other), first);
        assert_eq!(refreshed(first.clone(), &upstream("one", Some("new"))), upstream("one", Some("new")));
        let without = refreshed(first, &upstream("one", None));
        assert_eq!((without.refresh_token.as_deref(), without.sid.as_deref()), (Some("old"), Some("sid of None")));
    }
}
