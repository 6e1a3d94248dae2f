//! Calls hooks with the context of a flow.

use crate::context::Context;
use crate::deps::Deps;
use crate::error::FlowError;
use bia_hooks::{Effects, HookContext, Method};
use bia_model::{Flow, Identity, Session};

/// Runs the hooks that may stop a flow from beginning.
pub(crate) async fn before(deps: &Deps, context: &Context, flow: &Flow) -> Result<(), FlowError> {
    let mut effects = Effects::default();
    let session = context.session.as_ref();
    let mut hook_context = with(deps, context, flow, None, session, &mut effects);
    deps.hooks.before(flow.kind, &mut hook_context).await.map_err(FlowError::from)
}

/// Somebody has proven who they are; the session isn't stored yet.
pub(crate) async fn login_after(
    deps: &Deps,
    context: &Context,
    flow: &Flow,
    identity: &Identity,
    session: &Session,
) -> Result<Effects, FlowError> {
    let mut effects = Effects::default();
    // Kratos: what a hook changes here isn't persisted.
    let mut copy = identity.clone();
    let mut hook_context = with(deps, context, flow, Some(&mut copy), Some(session), &mut effects);
    deps.hooks.login_after(Method::Oidc, &mut hook_context).await?;
    Ok(effects)
}

/// May still change or refuse the new identity.
pub(crate) async fn registration_before_insert(
    deps: &Deps,
    context: &Context,
    flow: &Flow,
    identity: &mut Identity,
) -> Result<(), FlowError> {
    let mut effects = Effects::default();
    let id = std::mem::replace(&mut identity.id, uuid::Uuid::nil());
    let mut hook_context = with(deps, context, flow, Some(identity), None, &mut effects);
    let result = deps.hooks.registration_before_insert(Method::Oidc, &mut hook_context).await;
    identity.id = id;
    result.map_err(FlowError::from)
}

/// The new identity is stored.
pub(crate) async fn registration_after_insert(
    deps: &Deps,
    context: &Context,
    flow: &Flow,
    identity: &Identity,
    session: &Session,
) -> Result<Effects, FlowError> {
    let mut effects = Effects::default();
    let mut copy = identity.clone();
    let mut hook_context = with(deps, context, flow, Some(&mut copy), Some(session), &mut effects);
    deps.hooks.registration_after_insert(Method::Oidc, &mut hook_context).await?;
    Ok(effects)
}

/// May still change or refuse a settings change.
pub(crate) async fn settings_before_save(
    deps: &Deps,
    context: &Context,
    flow: &Flow,
    method: Method,
    identity: &mut Identity,
    session: &Session,
) -> Result<(), FlowError> {
    let mut effects = Effects::default();
    let mut hook_context = with(deps, context, flow, Some(identity), Some(session), &mut effects);
    deps.hooks.settings_before_save(method, &mut hook_context).await.map_err(FlowError::from)
}

/// The settings change is stored.
pub(crate) async fn settings_after_save(
    deps: &Deps,
    context: &Context,
    flow: &Flow,
    method: Method,
    identity: &Identity,
    session: &Session,
) -> Result<Effects, FlowError> {
    let mut effects = Effects::default();
    let mut copy = identity.clone();
    let mut hook_context = with(deps, context, flow, Some(&mut copy), Some(session), &mut effects);
    deps.hooks.settings_after_save(method, &mut hook_context).await?;
    Ok(effects)
}

fn with<'a>(
    deps: &'a Deps,
    context: &'a Context,
    flow: &'a Flow,
    identity: Option<&'a mut Identity>,
    session: Option<&'a Session>,
    effects: &'a mut Effects,
) -> HookContext<'a> {
    HookContext {
        flow,
        request: &context.request,
        identity,
        session,
        public_url: deps.config.public_url().as_str(),
        now: context.now,
        effects,
    }
}
