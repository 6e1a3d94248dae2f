//! One request as a handler sees it, with its body read and its headers understood.

use crate::client::Client;
use crate::cookies;
use crate::negotiate::Negotiated;
use crate::query::Query;
use crate::route::Params;
use crate::state::App;
use bia_identity::Purpose;
use bia_identity::sessions::{Authenticated, OpenedCookie, SessionCredentials};
use bia_model::{ApiError, Timestamp};
use bia_selfservice::{Context, Csrf, Deps, InitQuery};
use bytes::Bytes;
use http::{HeaderMap, Method, header};
use std::sync::{Arc, OnceLock};

/// A request on its way to a handler.
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    pub(crate) method: Method,
    /// As routed: on the admin port always with `/admin` in front.
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) params: Params,
    pub(crate) headers: HeaderMap,
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) opened_cookie: OnceLock<Option<OpenedCookie>>,
    pub(crate) now: Timestamp,
    pub(crate) client: Client,
    pub(crate) negotiated: Negotiated,
    pub(crate) csrf: Csrf,
    /// `X-Request-ID`, if a trusted proxy sent one.
    pub(crate) request_id: Option<String>,
}

impl Call {
    pub(crate) fn deps(&self) -> &Deps {
        &self.app.deps
    }

    /// The value of a `{name}` segment; empty when the row has none of that name.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether somebody looks at the answer, where Kratos' rules don't bind: it takes whoever accepts nothing in particular
    /// for a browser, and scripts and native apps are among those.
    pub(crate) fn wants_page(&self) -> bool {
        let names_html = |accept: &str| accept.to_ascii_lowercase().contains("text/html");
        self.negotiated.is_browser && self.header("accept").is_some_and(names_html)
    }

    pub(crate) fn init_query(&self) -> InitQuery {
        InitQuery::new(self.query.pairs().to_vec())
    }

    /// `serve.public.base_url`, for rendering identities.
    pub(crate) fn public_url(&self) -> &str {
        self.deps().config.public_url().as_str()
    }

    /// Whether the request shows any session credential at all.
    pub(crate) fn shows_credentials(&self) -> bool {
        let shown = self.session_credentials();
        shown.header.is_some() || shown.bearer.is_some() || self.session_cookies().next().is_some()
    }

    /// The active session that the request shows.
    pub(crate) async fn authenticate(&self) -> Result<Option<Authenticated>, ApiError> {
        let shown = self.session_credentials();
        self.deps().sessions.authenticate(&shown, self.now).await.map_err(|error| crate::error::store(&error))
    }

    pub(crate) fn session_credentials(&self) -> SessionCredentials {
        let bearer = self.header("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        });
        SessionCredentials {
            header: self.header("x-session-token").filter(|token| !token.is_empty()).map(str::to_owned),
            cookie: self.session_cookie().cloned(),
            bearer,
        }
    }

    /// The session cookie; of several with its name (other paths or domains) the first that is ours and counts.
    pub(crate) fn session_cookie(&self) -> Option<&OpenedCookie> {
        // Opened once for each request: it is needed in several places, and what it costs is seen in every whoami.
        let opened = self
            .opened_cookie
            .get_or_init(|| self.session_cookies().find_map(|value| self.deps().sessions.open_cookie(value, self.now)));
        opened.as_ref()
    }

    fn session_cookies(&self) -> impl Iterator<Item = &str> {
        self.cookies_named(self.app.cookies.session_name())
    }

    fn cookies_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.cookies.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The facts that flows are given, with whoever is signed in.
    pub(crate) async fn context(&self) -> Result<Context, ApiError> {
        let (session, session_token) = match self.authenticate().await? {
            Some(found) => (Some(found.session), Some(found.token)),
            None => (None, None),
        };
        Ok(Context { session, session_token, ..self.anonymous_context() })
    }

    /// The same without looking for a session.
    pub(crate) fn anonymous_context(&self) -> Context {
        Context {
            now: self.now,
            request: self.hook_request(),
            is_json: self.negotiated.is_json,
            accepts_json: self.negotiated.accepts_json,
            is_browser: self.negotiated.is_browser,
            csrf: self.csrf.clone(),
            browser_id: self.browser_id(),
            session: None,
            session_token: None,
            ip_address: self.client.ip_address.clone(),
            user_agent: self.header("user-agent").map(str::to_owned),
            location: self.client.location.clone(),
            request_id: self.request_id.clone(),
        }
    }

    fn hook_request(&self) -> bia_hooks::Request {
        let headers = self.headers.iter().filter(|(name, _)| *name != header::COOKIE);
        bia_hooks::Request {
            method: self.method.to_string(),
            url: self.client.url.clone(),
            headers: headers
                .filter_map(|(name, value)| Some((canonical_header(name.as_str()), value.to_str().ok()?.to_owned())))
                .collect(),
            cookies: self.cookies.clone(),
        }
    }

    /// Which browser this is. Two cookies that are both ours and differ make it nobody: this server writes one, to one
    /// place, so the other was planted from a sibling domain (cookie tossing), to have the attacker's sign-in end here.
    fn browser_id(&self) -> Option<String> {
        let mut ours = self
            .cookies_named(cookies::CONTINUITY)
            .filter_map(|value| String::from_utf8(self.deps().sealer.open(Purpose::Continuity, value)?).ok());
        let first = ours.next()?;
        if ours.any(|other| other != first) {
            tracing::warn!("two continuity cookies came along, and one of them was planted; neither counts");
            return None;
        }
        Some(first)
    }

    /// The continuity cookie's value for a secret.
    pub(crate) fn seal_browser_id(&self, secret: &str) -> String {
        self.deps().sealer.seal(Purpose::Continuity, secret.as_bytes())
    }
}

/// A header name as Go writes it: `x-session-token` becomes `X-Session-Token`.
pub(crate) fn canonical_header(name: &str) -> String {
    let mut upper = true;
    let letters = name.chars().map(|letter| {
        let out = if upper { letter.to_ascii_uppercase() } else { letter };
        upper = letter == '-';
        out
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn header_names_are_written_as_go_does() {
        assert_eq!(super::canonical_header("x-session-token"), "X-Session-Token");
        assert_eq!(super::canonical_header("dnt"), "Dnt");
    }
}
