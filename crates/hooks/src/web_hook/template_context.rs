//! What a body template sees as `ctx`: the flow, the person, the session and the request.

use std::sync::Arc;

use bia_model::{Aal, Flow, FlowKind, Identity, Session};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::context::{HookContext, Moment, Request};

/// The `ctx` of one call, as JSON text.
pub(super) fn render(moment: Moment, context: &HookContext<'_>, allowlist: &[String]) -> String {
    let identity = match moment {
        Moment::Before(_) => None,
        _ => context.identity.as_deref().map(|identity| public(identity, context)),
    };
    let session_identity = context.session.and_then(|session| session.identity.as_ref()).map(|i| public(i, context));
    let mut ctx = Map::new();
    ctx.insert("flow".to_owned(), flow(moment, context.flow, identity.as_ref().or(session_identity.as_ref())));
    ctx.insert("request_headers".to_owned(), headers(context.request, allowlist));
    ctx.insert("request_method".to_owned(), json!(context.request.method));
    ctx.insert("request_url".to_owned(), json!(context.request.url));
    ctx.insert("request_cookies".to_owned(), cookies(context.request));
    if let (Some(session), true) = (context.session, shows_session(moment)) {
        // Before saving the session still shows the person as they were; afterwards as they are.
        let person = match moment {
            Moment::SettingsBeforeSave | Moment::Before(_) => session_identity.or_else(|| identity.clone()),
            _ => identity.clone().or(session_identity),
        };
        let shown = show_session(moment, session, context, person.unwrap_or(Value::Null));
        ctx.insert("session".to_owned(), shown);
    }
    if let Some(identity) = identity {
        ctx.insert("identity".to_owned(), identity);
    }
    Value::Object(ctx).to_string()
}

/// Without `metadata_admin` and credentials, as the person themself may see it.
fn public(identity: &Identity, context: &HookContext<'_>) -> Value {
    identity.to_public(context.public_url)
}

fn flow(moment: Moment, flow: &Flow, identity: Option<&Value>) -> Value {
    let mut shown = flow.to_json(identity.cloned());
    if let (Some(fields), false) = (shown.as_object_mut(), matches!(moment, Moment::Before(_))) {
        // Kratos: after a trip to the provider the payload is always there, empty or null when none was sent.
        if flow.active.as_deref() == Some("oidc") {
            let none = if flow.kind == FlowKind::Settings { Value::Null } else { json!({}) };
            fields.entry("transient_payload").or_insert(none);
        }
    }
    shown
}

/// Kratos: a registration's hooks see no session, although there is one after the insert.
fn shows_session(moment: Moment) -> bool {
    matches!(
        moment,
        Moment::LoginAfter
            | Moment::SettingsBeforeSave
            | Moment::SettingsAfterSave
            | Moment::Before(FlowKind::Settings)
    )
}

fn show_session(moment: Moment, session: &Session, context: &HookContext<'_>, identity: Value) -> Value {
    let mut shown = session.to_json(context.now, identity, true);
    // Kratos: a new session has no id yet; a refreshed or stepped-up one keeps its own.
    let is_new = moment == Moment::LoginAfter && !context.flow.refresh && context.flow.requested_aal != Aal::Aal2;
    if is_new {
        shown["id"] = json!(Uuid::nil());
        for device in shown["devices"].as_array_mut().into_iter().flatten() {
            device["id"] = json!(Uuid::nil());
        }
    }
    shown
}

/// Only allow-listed headers: `Cookie` and `Authorization` are credentials and are not on Kratos' list.
fn headers(request: &Request, allowlist: &[String]) -> Value {
    let mut shown = Map::new();
    for (name, value) in &request.headers {
        let name = canonical_name(name);
        if allowlist.contains(&name)
            && let Value::Array(values) = shown.entry(name).or_insert_with(|| json!([]))
        {
            values.push(json!(value));
        }
    }
    Value::Object(shown)
}

/// Kratos: all cookies, the session's included; the receiver is as trusted as this server.
fn cookies(request: &Request) -> Value {
    let named = request.cookies.iter().filter(|(name, _)| !name.is_empty());
    Value::Object(named.map(|(name, value)| (name.clone(), json!(value))).collect())
}

/// Canonical forms of the names in `clients.web_hook.header_allowlist`.
pub(crate) fn canonical(names: &[String]) -> Arc<[String]> {
    names.iter().map(|name| canonical_name(name)).collect()
}

/// `user-agent` as `User-Agent`, the form in which templates name headers.
fn canonical_name(name: &str) -> String {
    let mut upper = true;
    name.chars()
        .map(|c| {
            let shown = if upper { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            upper = c == '-';
            shown
        })
        .collect()
}
