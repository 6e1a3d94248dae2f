//! What was asked of the stand-in. Values are kept, because tests compare them; they show in JSON only, never in Debug.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The endpoints that calls are counted by and faults are placed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    Discovery,
    Keys,
    Authorize,
    Token,
    Userinfo,
    Graph,
    Logout,
    AdminConsent,
    /// Anything else, such as a wrong address.
    Other,
}

/// One request and the status of its answer.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    pub endpoint: Endpoint,
    /// Seconds since 1970.
    pub at: i64,
    pub method: String,
    pub host: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub form: BTreeMap<String, String>,
    pub content_type: Option<String>,
    pub accept: Option<String>,
    pub user_agent: Option<String>,
    pub authorization: Option<Authorization>,
    /// `X-Request-ID`.
    pub request_id: Option<String>,
    /// Microsoft's own header for the same.
    pub client_request_id: Option<String>,
    /// 0: the connection was cut instead of an answer.
    pub status: u16,
}

/// The shape of an `Authorization` header, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Authorization {
    pub scheme: String,
    /// The user of a Basic header, as sent.
    pub user: Option<String>,
}

impl Authorization {
    pub(crate) fn parse(header: &str) -> Authorization {
        use base64::Engine as _;
        let (scheme, value) = header.split_once(' ').unwrap_or((header, ""));
        let user = scheme.eq_ignore_ascii_case("basic").then(|| {
            let decoded = base64::engine::general_purpose::STANDARD.decode(value).unwrap_or_default();
            String::from_utf8_lossy(&decoded).split(':').next().unwrap_or_default().to_owned()
        });
        Authorization { scheme: scheme.to_owned(), user }
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {} -> {}", self.method, self.path, self.status)
    }
}
