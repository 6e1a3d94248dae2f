//! The facts of one request that flows depend on, without any HTTP type.

use bia_model::{Session, Timestamp};

/// Everything about the request that a flow may look at.
#[derive(Clone, Debug)]
pub struct Context {
    pub now: Timestamp,
    /// Method, reconstructed public URL, headers and cookies, as hooks see them.
    pub request: bia_hooks::Request,
    /// Kratos: `IsJSONRequest` — the client negotiated JSON, or sent exactly `application/json`.
    pub is_json: bool,
    /// Kratos: `AcceptsJSON` — the client negotiated JSON by `Accept` alone.
    pub accepts_json: bool,
    /// Kratos: `IsBrowserRequest` — the client negotiated HTML.
    pub is_browser: bool,
    pub csrf: Csrf,
    /// The secret of the continuity cookie, which binds a sign-in to the browser that began it.
    pub browser_id: Option<String>,
    /// Whoever is signed in: an active session with its identity, by cookie or token.
    pub session: Option<Session>,
    /// The token of that session, for answers that hand it on.
    pub session_token: Option<String>,
    /// Address, user agent and place of the client, for the session's device list.
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
    pub location: Option<String>,
    /// `X-Request-ID`, if the request had one.
    pub request_id: Option<String>,
}

impl Context {
    /// The reconstructed public URL of this request.
    pub fn url(&self) -> &str {
        &self.request.url
    }

    /// The first value of a request header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.request.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// The anti-CSRF cookie as it came, or the one that will be issued with the answer.
#[derive(Clone, Debug, Default)]
pub struct Csrf {
    /// The unmasked token, base64 of 32 random bytes.
    pub token: String,
    /// The request brought a valid anti-CSRF cookie.
    pub cookie_sent: bool,
    /// The request brought any cookie at all; the refusal says which part was missing.
    pub any_cookie_sent: bool,
    /// `X-CSRF-Token`, a masked token sent as a header.
    pub header: Option<String>,
}

/// Query parameters of a flow's initialisation, as sent.
#[derive(Clone, Debug, Default)]
pub struct InitQuery {
    pairs: Vec<(String, String)>,
}

impl InitQuery {
    pub fn new(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }

    /// The first value of a parameter, also when it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that is there and not empty.
    pub fn non_empty(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Kratos reads booleans as Go does; anything that isn't one counts as false.
    pub fn go_bool(&self, name: &str) -> bool {
        matches!(self.get(name), Some("1" | "t" | "T" | "true" | "TRUE" | "True"))
    }

    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }
}

/// A submitted body before it is decoded; the identity schema decides how form values are read.
#[derive(Clone, Debug)]
pub enum Body {
    /// GET, or no body.
    Empty,
    /// `application/json`, as received.
    Json(Vec<u8>),
    /// `application/x-www-form-urlencoded` or `multipart/form-data`, decoded into pairs.
    Form(Vec<(String, String)>),
    /// Another content type, named as sent.
    Unknown(String),
}

/// A flow submission.
#[derive(Clone, Debug)]
pub struct SubmitInput {
    /// `flow` of the query as sent.
    pub flow: Option<String>,
    /// Every query parameter; they win over the body.
    pub query: Vec<(String, String)>,
    pub body: Body,
    /// GET or POST.
    pub is_get: bool,
}
