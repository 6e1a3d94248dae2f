//! `/sessions/whoami`: the request that every page of every application behind Bia makes.
//!
//! The session is read from the database each time, so that nobody is believed after a logout. What is kept is the answer
//! that was made of it, for as long as session and identity are what they were.

use crate::answer;
use crate::call::Call;
use crate::cookies;
use crate::error;
use crate::identity_headers;
use crate::public::sessions::{refused, require_aal};
use crate::respond::session_json;
use crate::route::Answer;
use crate::whoami_cache::Known;
use axum::response::Response;
use bia_identity::tokenizer::Tokenizer;
use bia_model::{ApiError, Timestamp};
use bia_store::RawSession;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::sync::Arc;

const IDENTITY_ID: HeaderName = HeaderName::from_static("x-kratos-authenticated-identity-id");
const CACHE_FOR: HeaderName = HeaderName::from_static("ory-session-cache-for");

/// Larger answers are made anew each time.
const CACHED_BYTES_MAX: usize = 16 * 1024;

/// Somebody whom a request showed.
struct Shown {
    raw: RawSession,
    token: String,
    known: Arc<Known>,
}

/// With any method, as proxies ask with the method of the request that they guard.
pub(crate) async fn to_session(call: Call) -> Answer {
    if let Some(template) = call.query.get("tokenize_as").filter(|name| !name.is_empty()) {
        return tokenized(&call, template).await;
    }
    let Some(shown) = find(&call).await? else { return Ok(nobody(&call)) };
    let mut response = answer::with_body(200, answer::JSON, shown.known.body.clone());
    say_who(&call, &shown, response.headers_mut());
    let flags = &call.deps().config.feature_flags;
    if flags.cacheable_sessions {
        let left = shown.raw.expires_at.since(call.now);
        let most = flags.cacheable_sessions_max_age.filter(|max| !max.is_zero());
        response.headers_mut().insert(CACHE_FOR, HeaderValue::from(most.map_or(left, |max| max.min(left)).as_secs()));
    }
    Ok(response)
}

/// What [`to_session`] says in headers, for `/sessions/forward-auth`.
pub(crate) async fn identify(call: &Call) -> Result<HeaderMap, ApiError> {
    let shown = find(call).await?;
    let shown = shown.ok_or_else(|| ApiError::unauthorized("No valid session credentials found in the request."))?;
    let mut headers = HeaderMap::new();
    say_who(call, &shown, &mut headers);
    Ok(headers)
}

/// With a token made of the session; never kept, since it names the second it was made in.
async fn tokenized(call: &Call, template: &str) -> Answer {
    let Some(found) = call.authenticate().await? else { return Ok(nobody(call)) };
    require_aal(call, &found.session)?;
    let mut body = session_json(call, &found.session);
    let deps = call.deps();
    let tokenizer = Tokenizer { config: &deps.config, sources: &deps.sources, mapper: &deps.mapper, now: call.now };
    body["tokenized"] = json!(tokenizer.tokenize(template, &found.session, &body).await?);
    let mut response = answer::json(200, &body);
    let headers = response.headers_mut();
    name_identity(found.session.identity_id, headers);
    identity_headers::append(call, &body, headers);
    refresh_cookie(call, found.session.expires_at, &found.token, headers);
    Ok(response)
}

async fn find(call: &Call) -> Result<Option<Shown>, ApiError> {
    let found = call.deps().sessions.find_raw(&call.session_credentials(), call.now).await;
    let Some((raw, token)) = found.map_err(|error| error::store(&error))? else { return Ok(None) };
    let cache = &call.app.whoami;
    let fingerprint = cache.fingerprint(&raw);
    if let Some(known) = cache.find(raw.id, fingerprint) {
        return Ok(Some(Shown { raw, token, known }));
    }
    let session = raw.parse().map_err(|error| error::store(&error))?;
    if !session.is_active(call.now) {
        return Ok(None);
    }
    require_aal(call, &session)?;
    let body = session_json(call, &session);
    let known = Arc::new(Known { fingerprint, headers: said_in_headers(call, &body), body: text(&body)? });
    // Ordinary answers have two kilobytes. A few people with very large traits must not push out everybody else.
    if known.body.len() <= CACHED_BYTES_MAX {
        cache.keep(raw.id, Arc::clone(&known));
    }
    Ok(Some(Shown { raw, token, known }))
}

fn nobody(call: &Call) -> Response {
    let mut response = refused(call, "No valid session credentials found in the request.");
    if call.deps().config.feature_flags.cacheable_sessions && !call.shows_credentials() {
        // Kratos: that somebody shows nothing at all may be remembered for a minute.
        response.headers_mut().insert(CACHE_FOR, HeaderValue::from_static("60"));
    }
    response
}

fn text(body: &Value) -> Result<Bytes, ApiError> {
    let text = serde_json::to_vec(body).map_err(|_| ApiError::internal("The answer could not be written as JSON."))?;
    // It is kept by the thousand: without the half of its room that growing leaves empty.
    Ok(text.into_boxed_slice().into())
}

fn said_in_headers(call: &Call, body: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    identity_headers::append(call, body, &mut headers);
    headers
}

fn say_who(call: &Call, shown: &Shown, headers: &mut HeaderMap) {
    name_identity(shown.raw.identity_id, headers);
    headers.extend(shown.known.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    refresh_cookie(call, shown.raw.expires_at, &shown.token, headers);
}

fn name_identity(id: uuid::Uuid, headers: &mut HeaderMap) {
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(IDENTITY_ID, value);
    }
}

/// The session may live longer by now than the cookie that shows it. Kratos: whoami then hands out a new one
/// (`session/handler.go`).
fn refresh_cookie(call: &Call, expires_at: Timestamp, token: &str, headers: &mut HeaderMap) {
    let outdated = |cookie: &&bia_identity::OpenedCookie| cookie.token == token && cookie.expires_at != expires_at;
    if call.session_cookie().filter(outdated).is_some() {
        let value = call.deps().sessions.seal_cookie(token, expires_at);
        cookies::append(headers, &call.app.cookies.session(&value, expires_at, call.now));
    }
}
