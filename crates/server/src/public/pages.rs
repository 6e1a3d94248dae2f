//! `/ui`: the built-in pages. They show the same JSON that any other user interface gets; what they look like is
//! `bia-pages`' business.

use crate::answer;
use crate::call::Call;
use crate::respond::{flow_json, session_json};
use crate::route::Answer;
use axum::response::Response;
use bia_config::{Config, Theme};
use bia_model::{ApiError, FlowKind};
use bia_pages::{Consent, Options, Page, PageError, Pages, Settings, Welcome};
use bia_selfservice::{Context, InitQuery, Outcome, csrf, flow_errors, login, registration, settings, with_query};
use bia_store::{Page as StorePage, SessionFilter};
use bia_telemetry::audit;
use http::{HeaderName, HeaderValue, header};
use serde_json::{Value, json};
use uuid::Uuid;

const NO_SNIFF: HeaderName = HeaderName::from_static("x-content-type-options");
const REFERRER_POLICY: HeaderName = HeaderName::from_static("referrer-policy");

/// How many other sessions the settings page lists.
const SESSIONS_MAX: u32 = 100;

/// The pages of a configuration. A template or language that can't be used is reported, and the built-in ones stay;
/// the flag says so.
pub(crate) fn of_or_plain(config: &Config) -> (Pages, bool) {
    let error = match of(config) {
        Ok(pages) => return (pages, false),
        Err(error) => error,
    };
    tracing::error!(%error, "bia.ui can't be used; the built-in pages are shown as they come");
    let plain = Options { ui_url: config.public_url().join_path("/ui"), ..Options::default() };
    (Pages::new(plain).unwrap_or_else(|error| unreachable!("built-in templates are tested: {error}")), true)
}

/// The pages of a configuration.
///
/// # Errors
/// Which template, language or setting can't be used.
pub(crate) fn of(config: &Config) -> Result<Pages, PageError> {
    let ui = &config.bia.ui;
    let options = Options {
        title: ui.title.clone(),
        logo_url: ui.logo_url.clone(),
        theme: match ui.theme {
            Theme::Auto => bia_pages::Theme::Auto,
            Theme::Light => bia_pages::Theme::Light,
            Theme::Dark => bia_pages::Theme::Dark,
        },
        accent: ui.accent.clone(),
        templates_dir: ui.templates_dir.clone(),
        languages_dir: ui.languages_dir.clone(),
        default_language: ui.default_language.clone(),
        provider_kinds: config
            .providers()
            .iter()
            .map(|provider| (provider.id.clone(), provider.provider.as_str().to_owned()))
            .collect(),
        provider_labels: config
            .providers()
            .iter()
            .map(|provider| (provider.id.clone(), provider.label().to_owned()))
            .collect(),
        public_url: config.public_url().as_str().trim_end_matches('/').to_owned(),
        ui_url: config.public_url().join_path("/ui"),
        registration: config.selfservice.flows.registration.enabled,
        ..Options::default()
    };
    Pages::new(options)
}

/// `GET /ui/assets/{file}`
pub(crate) async fn asset(call: Call) -> Answer {
    let Some(asset) = call.app.pages.as_ref().and_then(|pages| pages.asset(call.param("file"))) else {
        return Ok(answer::not_found());
    };
    let is_known = call.header("if-none-match").is_some_and(|known| knows(known, &asset.etag));
    let mut response = if is_known {
        answer::not_modified()
    } else {
        answer::with_body(200, asset.content_type, asset.bytes.to_vec())
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.insert(NO_SNIFF, HeaderValue::from_static("nosniff"));
    if let Ok(etag) = HeaderValue::from_str(&asset.etag) {
        headers.insert(header::ETAG, etag);
    }
    Ok(response)
}

/// Whether `If-None-Match` names this version. The comparison is the weak one (RFC 9110 §13.1.2): a proxy that
/// compresses makes an etag weak.
fn knows(if_none_match: &str, etag: &str) -> bool {
    if_none_match.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
}

/// `GET /ui/{page}`
pub(crate) async fn page(call: Call) -> Answer {
    let Some(pages) = &call.app.pages else { return Ok(answer::not_found()) };
    let context = call.context().await?;
    let sign_out = sign_out_url(&call, &context);
    let query = call.query.pairs();
    let own_query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query.iter().filter(|(name, _)| name != "lang"))
        .finish();
    let view = Page { sign_out_url: sign_out.as_deref(), query: Some(&own_query), ..view(&call, pages) };
    let shown = match call.param("page") {
        "login" => flow_page(&call, &context, FlowKind::Login).await?.map(|mut flow| {
            if call.query.get("redact") == Some("1") {
                redact_test(&mut flow);
            }
            pages.login(&flow, &view)
        }),
        "registration" => {
            flow_page(&call, &context, FlowKind::Registration).await?.map(|flow| pages.registration(&flow, &view))
        }
        "settings" => match flow_page(&call, &context, FlowKind::Settings).await? {
            Ok(flow) => Ok(settings_page(&call, &context, pages, &flow, &view).await?),
            Err(elsewhere) => Err(elsewhere),
        },
        "error" => Ok(pages.error(&kept_error(&call, &context).await, &view)),
        "welcome" => Ok(welcome_page(&call, &context, pages, &view)),
        "logged_out" => Ok(pages.logged_out(&view)),
        _ => return Ok(answer::not_found()),
    };
    Ok(match shown {
        Ok(html) => html_response(pages, 200, html)?,
        Err(Elsewhere::Begin(to)) => answer::redirect(&call.method, 303, &to),
        Err(Elsewhere::Error(error)) => {
            let body = json!({ "error": error });
            html_response(pages, error.code, pages.error(&body, &view))?
        }
    })
}

/// The visitor's side of any page: whose language, and what time it is.
fn view<'a>(call: &Call, pages: &Pages) -> Page<'a> {
    let chosen = call.query.get("lang").and_then(|tag| pages.language_named(tag));
    let language = chosen.unwrap_or_else(|| pages.language(call.header("accept-language").unwrap_or_default()));
    Page { language, now: Some(call.now.secs()), ..Page::default() }
}

/// The page after an administrator's consent, with its status.
pub(crate) fn consent(call: &Call, status: u16, report: &Consent) -> Option<Answer> {
    let pages = call.app.pages.as_ref()?;
    Some(html_response(pages, status, pages.consent(report, &view(call, pages))))
}

/// The page of an error that is not kept, if there are pages.
pub(crate) fn error(call: &Call, error: &ApiError) -> Option<Response> {
    let pages = call.app.pages.as_ref()?;
    html_response(pages, error.code, pages.error(&json!({ "error": error }), &view(call, pages))).ok()
}

/// Dresses the bare answer to a provider's hidden frame, which keeps the one origin that may frame it.
pub(crate) fn front_channel(call: &Call, response: Response, origin: &str) -> Response {
    let Some(pages) = &call.app.pages else { return response };
    let Ok(mut page) = html_response(pages, 200, pages.front_channel(&view(call, pages))) else { return response };
    if let Ok(policy) = HeaderValue::from_str(&pages.csp_framed_by(origin)) {
        page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    page
}

/// Takes names out of what a test login shows, for a picture of the page that somebody else may see.
fn redact_test(flow: &mut Value) {
    let Some(payload) = flow["test_context"]["debug_payload"].as_object_mut() else { return };
    for name in ["jsonnet_input", "jsonnet_output"] {
        payload.remove(name);
    }
    for name in ["id_token_claims", "traits"] {
        if let Some(value) = payload.get_mut(name) {
            *value = bia_model::capture::redact(value);
        }
    }
    for change in payload.get_mut("changes").and_then(Value::as_array_mut).into_iter().flatten() {
        for name in ["before", "after"] {
            if let Some(value) = change.get_mut(name) {
                *value = bia_model::capture::redact(value);
            }
        }
    }
}

/// Why a flow's page can't be shown.
enum Elsewhere {
    /// There is no flow (any more): begin a new one.
    Begin(String),
    Error(Box<ApiError>),
}

/// The flow that the query names.
async fn flow_page(call: &Call, context: &Context, kind: FlowKind) -> Result<Result<Value, Elsewhere>, ApiError> {
    let begin = call.deps().public(&format!("/self-service/{}/browser", kind.as_str()));
    let Some(id) = call.query.get("flow") else { return Ok(Err(Elsewhere::Begin(begin))) };
    let deps = call.deps();
    let reply = match kind {
        FlowKind::Login => login::get_flow(deps, context, Some(id)).await,
        FlowKind::Registration => registration::get_flow(deps, context, Some(id)).await,
        FlowKind::Settings => settings::get_flow(deps, context, Some(id)).await,
    };
    Ok(match reply.outcome {
        Outcome::FlowShown(flow) => Ok(flow_json(call, &context.csrf.token, *flow).await?),
        // Only what a new flow mends leads to one: a browser that keeps no cookies must not go in circles.
        Outcome::RefusedJson(error) if matches!(error.code, 404 | 410) => {
            let return_to = error.details.get("return_to").and_then(Value::as_str).filter(|to| !to.is_empty());
            Err(Elsewhere::Begin(match return_to {
                Some(return_to) => with_query(&begin, &[("return_to", return_to)]),
                None => begin,
            }))
        }
        Outcome::Refused { redirect: Some(_), .. } => Err(Elsewhere::Begin(begin)),
        Outcome::RefusedJson(error) | Outcome::Refused { error, .. } => Err(Elsewhere::Error(Box::new(error))),
        _ => Err(Elsewhere::Begin(begin)),
    })
}

async fn settings_page(
    call: &Call,
    context: &Context,
    pages: &Pages,
    flow: &Value,
    view: &Page<'_>,
) -> Result<Result<String, PageError>, ApiError> {
    let own = context.session.as_ref();
    let session = own.map(|session| session_json(call, session));
    let others = match own {
        Some(own) => {
            let filter = SessionFilter {
                identity_id: Some(own.identity_id),
                active: Some((true, call.now)),
                except: Some(own.id),
            };
            let part = StorePage::Offset { offset: 0, size: SESSIONS_MAX };
            let listed = call.deps().store.list_sessions(&filter, &part, false).await;
            let listed = listed.map_err(|error| crate::error::store(&error))?;
            Some(listed.items.iter().map(|other| other.to_json(call.now, Value::Null, true)).collect::<Value>())
        }
        None => None,
    };
    let revoke_url = call.deps().public(&format!("/ui/sessions?flow={}", flow["id"].as_str().unwrap_or_default()));
    let shown = Settings { flow, session: session.as_ref(), sessions: others.as_ref(), revoke_url: Some(&revoke_url) };
    Ok(pages.settings(&shown, view))
}

fn welcome_page(call: &Call, context: &Context, pages: &Pages, view: &Page<'_>) -> Result<String, PageError> {
    let session = context.session.as_ref().map(|session| session_json(call, session));
    let claims = kept_claims(call, context);
    pages.welcome(&Welcome { session: session.as_ref(), claims: claims.as_ref() }, view)
}

/// In development: what the provider said when this person registered, from the ID token that was kept. It is
/// shown to nobody but that person.
fn kept_claims(call: &Call, context: &Context) -> Option<Value> {
    use base64::Engine as _;
    let deps = call.deps();
    let session = context.session.as_ref().filter(|_| deps.config.dev)?;
    let provider = session.upstream.as_ref().map(|upstream| upstream.provider.as_str())?;
    let links = session.identity.as_ref()?.oidc_links();
    let link = links.iter().find(|link| link.provider == provider)?;
    let token = deps.sealer.decrypt_token(&link.initial_id_token);
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// The error that the query names.
async fn kept_error(call: &Call, context: &Context) -> Value {
    let query = InitQuery::new(call.query.pairs().to_vec());
    flow_errors::shown(call.deps(), context, &query).await
}

fn sign_out_url(call: &Call, context: &Context) -> Option<String> {
    let session = context.session.as_ref()?;
    let token = call.deps().sealer.logout_token(session.id);
    let done = call.deps().public("/self-service/logout");
    Some(with_query(&done, &[("token", &token)]))
}

/// `POST /ui/sessions`: "sign out everywhere else", or one other session.
pub(crate) async fn end_sessions(call: Call) -> Answer {
    let context = call.context().await?;
    let fields: Vec<(String, String)> = form_urlencoded::parse(&call.body).into_owned().take(20).collect();
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let Some(own) = &context.session else {
        return Ok(answer::redirect(&call.method, 303, &call.deps().public("/self-service/login/browser")));
    };
    csrf::ensure(&context, true, field("csrf_token"))?;
    let store = &call.deps().store;
    let ended = match field("revoke") {
        Some("others") => store.deactivate_other_sessions(own.identity_id, Some(own.id)).await,
        Some(id) => match Uuid::parse_str(id) {
            Ok(id) if id != own.id => store.deactivate_session_of(own.identity_id, id).await.map(u64::from),
            _ => Ok(0),
        },
        None => Ok(0),
    };
    let ended = ended.map_err(|error| crate::error::store(&error))?;
    audit::sessions_ended("person", ended).actor("person").identity(own.identity_id).record();
    let flow = call.query.get("flow").unwrap_or_default();
    let page = call.deps().public("/ui/settings");
    Ok(answer::redirect(&call.method, 303, &with_query(&page, &[("flow", flow)])))
}

fn html_response(pages: &Pages, status: u16, html: Result<String, PageError>) -> Answer {
    let html = html.map_err(|error| {
        tracing::error!(%error, "a page could not be rendered");
        ApiError::new(500)
    })?;
    let mut response: Response = answer::with_body(status, "text/html; charset=utf-8", html);
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(pages.csp()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(NO_SNIFF, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(response)
}
