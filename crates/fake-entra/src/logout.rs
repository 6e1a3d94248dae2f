//! Signing out (with the front channel) and the admin-consent page.

use axum::response::Response;
use http::header::SET_COOKIE;
use url::Url;

use crate::authorize::{self, SIGNED_IN_COOKIE};
use crate::authorize_request::is_registered;
use crate::dispatch::Request;
use crate::jwt::Unverified;
use crate::oauth_error::OAuthError;
use crate::state::Shared;
use crate::tenants::{Tenant, TenantForm};
use crate::{pages, reply};

/// Ends the session of the hinted person (or of who signed in last here), tells the applications, leads on.
pub(crate) fn end_session(shared: &Shared, request: &Request) -> Response {
    let parameters = request.parameters();
    let from_token = parameters.filled("id_token_hint").and_then(Unverified::parse);
    let hint = parameters
        .filled("logout_hint")
        .or(from_token.as_ref().and_then(|token| token.text("login_hint")))
        .or(request.cookie(SIGNED_IN_COOKIE));
    let frames = {
        let state = shared.lock();
        hint.and_then(|hint| state.person(hint)).map_or(Vec::new(), |person| state.front_channel_logouts(&person.key))
    };
    let onward = onward(shared, request);
    let response = match onward {
        Some(to) if frames.is_empty() => reply::redirect(&to),
        onward => pages::signed_out(&frames, onward.as_deref()),
    };
    reply::with_header(response, SET_COOKIE, &format!("{SIGNED_IN_COOKIE}=; Path=/; Max-Age=0"))
}

/// Only registered addresses are followed. One that `set_redirect_uris` or the client lists must match exactly;
/// without a list loopback and https are enough, since a sign-out lands elsewhere than the callback.
fn onward(shared: &Shared, request: &Request) -> Option<String> {
    let parameters = request.parameters();
    let to = parameters.filled("post_logout_redirect_uri")?;
    let mut url = Url::parse(to).ok()?;
    let state = shared.lock();
    let lists = state.clients.values().filter_map(|client| client.redirect_uris.as_ref());
    let listed: Vec<&Vec<String>> = state.settings.redirect_uris.iter().chain(lists).collect();
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let allowed = match state.settings.redirect_uris.as_ref() {
        Some(list) => list.iter().any(|known| known == to),
        None => loopback || url.scheme() == "https" || listed.iter().any(|list| list.iter().any(|known| known == to)),
    };
    if !allowed || !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    if let Some(value) = parameters.get("state") {
        url.query_pairs_mut().append_pair("state", value);
        return Some(url.to_string());
    }
    Some(to.to_owned())
}

/// `{tenant}/v2.0/adminconsent`: a real tenant or `organizations`.
pub(crate) fn admin_consent(shared: &Shared, request: &Request, form: TenantForm) -> Response {
    let parameters = request.parameters();
    let Some(id) = parameters.filled("client_id") else {
        return pages::error(&OAuthError::missing_parameter("client_id"));
    };
    let (client, persona) = {
        let state = shared.lock();
        (state.clients.get(id).cloned(), state.settings.persona.is_some())
    };
    let Some(client) = client else {
        return pages::error(&OAuthError::unknown_client(id));
    };
    let tenant = match form {
        TenantForm::Common | TenantForm::One(Tenant::Consumers) => {
            let text = "The admin consent endpoint needs a tenant or 'organizations'.";
            return pages::error(&OAuthError::new(400, "invalid_request", 90013, text));
        }
        TenantForm::Organizations => Tenant::Contoso,
        TenantForm::One(tenant) => tenant,
    };
    let uri = parameters.get("redirect_uri").unwrap_or_default();
    let back = is_registered(shared, &client, uri) || is_loopback(uri);
    let Some(mut url) = Url::parse(uri).ok().filter(|_| back) else {
        let text = format!(
            "The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the application '{id}'."
        );
        return pages::error(&OAuthError::new(400, "invalid_request", 50011, text));
    };
    match parameters.get("consent") {
        Some("cancel") => {
            url.query_pairs_mut().extend_pairs(authorize::declined().redirect_parameters(true));
        }
        None if !persona => {
            return pages::admin_consent(&request.path, parameters, id, tenant.display_name());
        }
        _ => {
            let mut query = url.query_pairs_mut();
            query.append_pair("admin_consent", "True").append_pair("tenant", shared.tenant_id(tenant));
            if let Some(scope) = parameters.get("scope") {
                query.append_pair("scope", scope);
            }
        }
    }
    if let Some(state) = parameters.get("state") {
        url.query_pairs_mut().append_pair("state", state);
    }
    reply::redirect(url.as_str())
}

/// The return page of an admin consent is no sign-in callback.
fn is_loopback(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")))
}
