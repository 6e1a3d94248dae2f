//! One request from the wire to its answer: read, find the route, let a fault strike, answer, write down.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::HeaderMap;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use http::request::Parts;
use serde_json::json;

use crate::access_log::{Authorization, Call, Endpoint};
use crate::claims::TokenVersion;
use crate::faults::{self, EndpointFault, Place, Strike, Struck};
use crate::issue::Grant;
use crate::listener::ResetSwitch;
use crate::oauth_error::OAuthError;
use crate::params::Params;
use crate::party::{Party, PartyKind};
use crate::route::{Page, Route};
use crate::state::Shared;
use crate::tenants::TenantForm;
use crate::{authorize, brands, control_http, discovery, graph, logout, pages, plain, reply, token};

const BODY_MAX: usize = 1 << 20;

/// What the handlers see of a request.
pub(crate) struct Request {
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) query: Params,
    pub(crate) form: Params,
    /// Scheme and host, as the caller named them.
    pub(crate) base: String,
    headers: HeaderMap,
}

impl Request {
    pub(crate) fn header(&self, name: http::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn is_post(&self) -> bool {
        self.method == http::Method::POST
    }

    /// The parameters where this method carries them.
    pub(crate) fn parameters(&self) -> &Params {
        if self.is_post() { &self.form } else { &self.query }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.header(COOKIE)?.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The grant behind the bearer token.
    pub(crate) fn grant(&self, shared: &Shared) -> Option<Grant> {
        let (scheme, token) = self.header(AUTHORIZATION)?.split_once(' ')?;
        let accepted = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
        if accepted { shared.lock().access_tokens.get(token).cloned() } else { None }
    }
}

pub(crate) async fn answer(
    shared: Arc<Shared>,
    request: http::Request<Body>,
    scheme: &str,
    reset: ResetSwitch,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else {
        return reply::json(413, &json!({ "error": "the body is larger than 1 MiB, or ended early" }));
    };
    let route = Route::parse(parts.uri.path());
    if let Route::Control(rest) = &route {
        return if shared.options.control_api {
            control_http::answer(&shared, rest, &body)
        } else {
            reply::not_found()
        };
    }
    let began = Instant::now();
    let request = read(&shared, parts, &body, scheme);
    let endpoint = route.endpoint();
    let mut call = write_down(&shared, &request, endpoint);
    let strike: Option<Strike<EndpointFault>> = faults::take(&mut shared.lock().faults, |place| match place {
        Place::Endpoint(at, fault) if *at == endpoint => Some(fault.clone()),
        _ => None,
    });
    let mut redirect_error = None;
    if let Some(strike) = strike {
        if matches!(strike.fault, EndpointFault::Reset) {
            shared.remember(call.clone());
        }
        match faults::strike(strike, endpoint, &reset, call.at).await {
            Struck::Answered(response) => {
                call.status = response.status().as_u16();
                shared.remember(call);
                return response;
            }
            Struck::Redirect(error) => redirect_error = Some(error),
            Struck::GoOn => {}
        }
    }
    let response = handle(&shared, &request, route, redirect_error);
    call.status = response.status().as_u16();
    // Before the caller sees the answer, so that a test that has it finds the call.
    shared.remember(call);
    if let Some(observer) = &shared.options.observer {
        observer.saw(endpoint, request.form.get("code"), began.elapsed());
    }
    response
}

fn read(shared: &Shared, parts: Parts, body: &[u8], scheme: &str) -> Request {
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let host = header(HOST);
    let host = host.strip_suffix(if scheme == "https" { ":443" } else { ":80" }).unwrap_or(host);
    let base = shared.options.base_url.clone().unwrap_or_else(|| format!("{scheme}://{host}"));
    let is_form = header(CONTENT_TYPE).starts_with("application/x-www-form-urlencoded");
    let form = if is_form { Params::parse(&String::from_utf8_lossy(body)) } else { Params::default() };
    Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: Params::parse(parts.uri.query().unwrap_or_default()),
        form,
        base,
        headers: parts.headers,
    }
}

fn write_down(shared: &Shared, request: &Request, endpoint: Endpoint) -> Call {
    let text = |name| request.header(name).map(str::to_owned);
    Call {
        endpoint,
        at: shared.now(),
        method: request.method.to_string(),
        host: text(HOST).unwrap_or_default(),
        path: request.path.clone(),
        query: request.query.to_map(),
        form: request.form.to_map(),
        content_type: text(CONTENT_TYPE),
        accept: text(ACCEPT),
        user_agent: text(USER_AGENT),
        authorization: request.header(AUTHORIZATION).map(Authorization::parse),
        request_id: text(http::HeaderName::from_static("x-request-id")),
        client_request_id: text(http::HeaderName::from_static("client-request-id")),
        status: 0,
    }
}

fn handle(shared: &Shared, request: &Request, route: Route, error: Option<OAuthError>) -> Response {
    match route {
        Route::Health => reply::json(200, &json!({ "status": "ok" })),
        Route::Graph { prefix, resource } => graph::answer(shared, request, &prefix, &resource),
        Route::GraphUserinfo { .. } => graph::userinfo(shared, request),
        Route::Entra { prefix, tenant, version, page } => {
            let party = Party { kind: PartyKind::Entra(version), base: format!("{}{prefix}", request.base) };
            entra(shared, request, &party, version, &tenant, page, error)
        }
        Route::Other { kind, page } => {
            let party = Party { kind, base: request.base.clone() };
            other(shared, request, &party, page, error)
        }
        Route::Control(_) | Route::Unknown => reply::not_found(),
    }
}

fn entra(
    shared: &Shared,
    request: &Request,
    party: &Party,
    version: TokenVersion,
    segment: &str,
    page: Page,
    error: Option<OAuthError>,
) -> Response {
    let Some(form) = TenantForm::parse(segment, &shared.options.contoso_tenant_id) else {
        let refusal = unknown_tenant(segment);
        return match page {
            Page::Authorize | Page::AdminConsent => pages::error(&refusal),
            _ => refusal.answer(true, shared.now()),
        };
    };
    match page {
        Page::Discovery => discovery::document(shared, request, party, version, segment, form),
        Page::Keys => discovery::keys(shared, request, party, version, form),
        Page::Authorize => authorize::answer(shared, request, party, Some(form), error),
        Page::Token => {
            let path = if version == TokenVersion::V2 { "oauth2/v2.0/token" } else { "oauth2/token" };
            token::answer(shared, request, party, &format!("{}/{segment}/{path}", party.base))
        }
        Page::Logout => logout::end_session(shared, request),
        Page::AdminConsent => logout::admin_consent(shared, request, form),
        Page::Userinfo | Page::Emails | Page::User => reply::not_found(),
    }
}

fn other(shared: &Shared, request: &Request, party: &Party, page: Page, error: Option<OAuthError>) -> Response {
    match (page, party.kind) {
        (Page::Authorize, _) => authorize::answer(shared, request, party, None, error),
        (Page::Keys, _) => reply::json(200, &shared.lock().keys.key_set(None, "")),
        (Page::Discovery, PartyKind::Plain(provider)) => plain::discovery(party, provider),
        (Page::Token, PartyKind::Plain(_)) => token::answer(shared, request, party, &format!("{}/token", party.root())),
        (Page::Userinfo, PartyKind::Plain(_)) => {
            match request.grant(shared).filter(|grant| grant.party.is_same_as(party)) {
                Some(grant) => plain::userinfo(shared, &grant),
                None => brands::invalid_token(),
            }
        }
        (page, _) => brands::answer(shared, request, party, page),
    }
}

fn unknown_tenant(segment: &str) -> OAuthError {
    if uuid::Uuid::try_parse(segment).is_ok() || segment.contains('.') {
        let text = format!(
            "Tenant '{segment}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        return OAuthError::new(400, "invalid_tenant", 90002, text);
    }
    let text =
        format!("Specified tenant identifier '{segment}' is neither a valid DNS name, nor a valid external domain.");
    OAuthError::new(400, "invalid_request", 900023, text)
}
