//! What can go wrong on the way out. Texts name the host and path, never a query, header or body.

use std::time::Duration;
use thiserror::Error;
use url::Url;

/// The client could not be built; the program can't start.
#[derive(Debug, Error)]
pub enum SetupError {
    /// A CA file or folder named by the operator, or the system's store, holds nothing usable.
    #[error(
        "no trusted certificate authority was found ({detail}); install your system's CA certificates or point SSL_CERT_FILE at a PEM file"
    )]
    NoTrustAnchors { detail: String },
    #[error("the TLS client could not be set up: {0}")]
    Tls(String),
    #[error("the HTTP client could not be set up: {0}")]
    Client(String),
}

/// One call failed. Cloneable, so that several waiters can share one failure.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OutboundError {
    #[error("{url:?} can't be called: {why}")]
    BadUrl { url: String, why: String },
    #[error(
        "{place} leads to a private address, which clients.http.disallow_private_ip_ranges forbids; add it to clients.http.private_ip_exception_urls if it is meant"
    )]
    PrivateAddress { place: String },
    #[error("{place} did not answer within {after:?}")]
    Timeout { place: String, after: Duration },
    #[error("{place} could not be reached: {why}")]
    Connect { place: String, why: String },
    #[error("the connection to {place} broke: {why}")]
    Broken { place: String, why: String },
    #[error("{place} answered with more than {limit} bytes")]
    TooLarge { place: String, limit: usize },
    #[error("{place} redirects too often")]
    TooManyRedirects { place: String },
    #[error("{place} answered with something that is not the expected JSON (line {line}, column {column})")]
    Json { place: String, line: usize, column: usize },
}

impl OutboundError {
    /// Whether the same call may succeed in a moment: nothing was refused, something just did not work.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Connect { .. } | Self::Broken { .. })
    }

    /// The word for it in metrics.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::BadUrl { .. } => "bad_url",
            Self::PrivateAddress { .. } => "private_address",
            Self::Timeout { .. } => "timeout",
            Self::Connect { .. } => "connect",
            Self::Broken { .. } => "broken",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyRedirects { .. } => "too_many_redirects",
            Self::Json { .. } => "not_json",
        }
    }

    pub(crate) fn from_reqwest(error: reqwest::Error, place: String, after: Duration) -> Self {
        if is_private(&error) {
            return Self::PrivateAddress { place };
        }
        if error.is_timeout() {
            return Self::Timeout { place, after };
        }
        let connect = error.is_connect();
        let why = innermost(&error.without_url());
        if connect { Self::Connect { place, why } } else { Self::Broken { place, why } }
    }
}

/// Marks the refusal inside the error chain that hyper hands back.
#[derive(Debug, Error)]
#[error("the address is private")]
pub(crate) struct PrivateAddressRefused;

fn is_private(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(current) = next {
        if current.is::<PrivateAddressRefused>() {
            return true;
        }
        next = current.source();
    }
    false
}

/// The last cause says most ("connection refused", "invalid peer certificate: UnknownIssuer").
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current.to_string()
}

/// Scheme, host, port and path of an address: enough to find it, without user, password, query and fragment.
pub(crate) fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}
