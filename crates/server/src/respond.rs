//! Outcomes to HTTP. The only file that knows whether the visitor is a browser or wants JSON.

use crate::answer;
use crate::call::Call;
use crate::cookies;
use crate::public::pages;
use axum::response::Response;
use bia_model::{ApiError, Flow, FlowKind, Identity, Session, error::id};
use bia_selfservice::{Context, Effects, Outcome, Redirect, Reply, csrf, flow_errors, with_query};
use http::{HeaderName, HeaderValue, header};
use serde_json::{Map, Value, json};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Writes what a flow decided.
pub(crate) async fn respond(call: &Call, context: &Context, reply: Reply) -> Response {
    // A new token replaces the request's before anything is rendered with it.
    let rotated = reply.effects.rotate_csrf.then(csrf::new_token);
    let token = rotated.as_deref().unwrap_or(&context.csrf.token);
    let mut response = Writer { call, context, csrf_token: token }.outcome(reply.outcome).await;
    if let Some(token) = &rotated {
        cookies::append(response.headers_mut(), &call.app.cookies.csrf(token));
    }
    apply(call, reply.effects, &mut response);
    response
}

/// Writes the outcome for an endpoint that only ever speaks JSON: an error without a redirect is an error body,
/// whatever the client negotiated.
pub(crate) async fn respond_json(call: &Call, context: &Context, mut reply: Reply) -> Response {
    if let Outcome::Refused { error, redirect: None } = reply.outcome {
        reply.outcome = Outcome::RefusedJson(error);
    }
    respond(call, context, reply).await
}

fn apply(call: &Call, effects: Effects, response: &mut Response) {
    let policy = &call.app.cookies;
    let headers = response.headers_mut();
    if effects.end_session {
        cookies::append(headers, &policy.end_session());
    }
    if let Some(session) = effects.session {
        let value = call.deps().sessions.seal_cookie(&session.token, session.expires_at);
        cookies::append(headers, &policy.session(&value, session.expires_at, call.now));
    }
    if let Some(secret) = effects.browser_id {
        cookies::append(headers, &policy.continuity(&call.seal_browser_id(&secret), call.now));
    }
    if let Some(origin) = effects.frame_ancestors
        && let Ok(value) = HeaderValue::from_str(&format!("default-src 'none'; frame-ancestors {origin}"))
    {
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
    }
    // Kratos: over HTTPS only, since browsers ignore it elsewhere.
    if effects.clear_site_data && call.client.url.starts_with("https://") {
        headers.insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cookies\", \"storage\", \"cache\""));
    }
}

struct Writer<'a> {
    call: &'a Call,
    context: &'a Context,
    csrf_token: &'a str,
}

impl Writer<'_> {
    async fn outcome(&self, outcome: Outcome) -> Response {
        match outcome {
            Outcome::FlowCreated(flow) if !flow.is_browser() || self.context.accepts_json => {
                self.flow(200, *flow).await
            }
            Outcome::FlowCreated(flow) => self.to_ui(&flow, 303, &[]),
            Outcome::FlowShown(flow) => self.flow(200, *flow).await,
            Outcome::FormError { flow, status, .. } if self.is_json(&flow) => self.flow(status, *flow).await,
            // Kratos: a registration form is shown again by a 302, every other form by a 303.
            Outcome::FormError { flow, query, .. } => {
                self.to_ui(&flow, if flow.kind == FlowKind::Registration { 302 } else { 303 }, &query)
            }
            Outcome::FlowReplaced { flow, error, .. } if self.is_json(&flow) => self.error(error),
            Outcome::FlowReplaced { flow, .. } => self.to_ui(&flow, 303, &[]),
            Outcome::GoToProvider { url } => self.go_to_provider(&url),
            Outcome::Refused { error, redirect } => self.refused(error, redirect).await,
            Outcome::RefusedJson(error) => self.error(error),
            Outcome::RedirectAll(to) => self.redirect(&to),
            Outcome::SignedIn { flow, session, token, return_to, continue_with } => {
                if !self.is_json(&flow) {
                    return self.redirect(&Redirect::see_other(return_to));
                }
                let mut body = self.session_body(&flow, &session, &token);
                body.insert("continue_with".into(), list_or_null(&continue_with));
                answer::json(200, &body)
            }
            Outcome::Registered { flow, identity, session, return_to, continue_with } => {
                if !self.is_json(&flow) {
                    return self.redirect(&Redirect::see_other(return_to));
                }
                let mut body =
                    session.map_or_else(Map::new, |(session, token)| self.session_body(&flow, &session, &token));
                body.insert("identity".into(), self.identity(&identity));
                body.insert("continue_with".into(), list_or_null(&continue_with));
                answer::json(200, &body)
            }
            Outcome::SettingsSaved { flow, .. } if self.is_json(&flow) => self.flow(200, *flow).await,
            Outcome::SettingsSaved { return_to, .. } => self.redirect(&Redirect::see_other(return_to)),
            Outcome::Json { status, body } => answer::json(status, &body),
            Outcome::Done { return_to: Some(to) } if !self.context.is_json => self.redirect(&Redirect::see_other(to)),
            Outcome::Done { .. } => answer::no_content(),
            Outcome::Html { status, body } => answer::with_body(status, "text/html; charset=utf-8", body),
        }
    }

    fn is_json(&self, flow: &Flow) -> bool {
        !flow.is_browser() || self.context.is_json
    }

    async fn flow(&self, status: u16, flow: Flow) -> Response {
        match flow_json(self.call, self.csrf_token, flow).await {
            Ok(body) => answer::json(status, &body),
            Err(error) => self.error(error),
        }
    }

    fn to_ui(&self, flow: &Flow, status: u16, extra: &[(String, String)]) -> Response {
        let flow_id = flow.id.to_string();
        let mut pairs = vec![("flow", flow_id.as_str())];
        pairs.extend(extra.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let to = with_query(self.call.deps().ui_url(flow.kind), &pairs);
        self.redirect(&Redirect { to, status })
    }

    fn go_to_provider(&self, url: &str) -> Response {
        if !self.context.is_json {
            return self.redirect(&Redirect::see_other(url));
        }
        let error = ApiError::new(422)
            .with_id(id::BROWSER_LOCATION_CHANGE_REQUIRED)
            .with_message("browser location change required")
            .with_reason(format!("In order to complete this flow please redirect the browser to: {url}"))
            .with_sibling("redirect_browser_to", url);
        self.error(error)
    }

    async fn refused(&self, error: ApiError, redirect: Option<Redirect>) -> Response {
        if self.context.is_json {
            return self.error(error);
        }
        if let Some(redirect) = redirect {
            return self.redirect(&redirect);
        }
        let deps = self.call.deps();
        match flow_errors::keep(deps, &self.named(error.clone()), self.call.now).await {
            Ok(error_id) => {
                let page = &deps.config.selfservice.flows.error.ui_url;
                self.redirect(&Redirect::see_other(with_query(page, &[("id", &error_id.to_string())])))
            }
            Err(_) => self.shown_at_once(error),
        }
    }

    /// An error that can't be kept for the error page, most often because the database is what failed.
    fn shown_at_once(&self, mut error: ApiError) -> Response {
        // What the visitor can tell the operator is the only trace that leads to the log.
        error.request = bia_telemetry::request::id();
        pages::error(self.call, &error).unwrap_or_else(|| self.error(error))
    }

    fn redirect(&self, to: &Redirect) -> Response {
        answer::redirect(&self.call.method, to.status, &to.to)
    }

    fn error(&self, error: ApiError) -> Response {
        answer::error(&self.named(error))
    }

    fn named(&self, mut error: ApiError) -> ApiError {
        error.request.clone_from(&self.call.request_id);
        error
    }

    fn identity(&self, identity: &Identity) -> Value {
        identity.to_public(self.call.public_url())
    }

    fn session_body(&self, flow: &Flow, session: &Session, token: &str) -> Map<String, Value> {
        let mut body = Map::new();
        if !flow.is_browser() {
            body.insert("session_token".into(), json!(token));
        }
        body.insert("session".into(), session_json(self.call, session));
        body
    }
}

/// A flow as JSON, with a fresh mask of the anti-CSRF token for browsers.
///
/// # Errors
/// When the identity of a settings flow can't be read.
pub(crate) async fn flow_json(call: &Call, csrf_token: &str, mut flow: Flow) -> Result<Value, ApiError> {
    if flow.is_browser()
        && let Some(node) = flow.ui.node_mut("csrf_token")
    {
        node.attributes.value = Some(csrf::mask(csrf_token).into());
    }
    let identity = match (flow.kind, flow.identity_id) {
        (FlowKind::Settings, Some(id)) => {
            let found = call.deps().store.find_identity(id).await.map_err(|error| crate::error::store(&error))?;
            found.map(|identity| identity.to_public(call.public_url()))
        }
        _ => None,
    };
    Ok(flow.to_json(identity))
}

/// A session as its owner sees it, with identity and devices.
pub(crate) fn session_json(call: &Call, session: &Session) -> Value {
    let identity = session.identity.as_ref().map_or(Value::Null, |identity| identity.to_public(call.public_url()));
    session.to_json(call.now, identity, true)
}

/// Kratos: an empty list of next steps is null.
fn list_or_null<T: serde::Serialize>(list: &[T]) -> Value {
    if list.is_empty() { Value::Null } else { json!(list) }
}
