//! The one way out of this process: every HTTP call that we make to anybody goes through [`Outbound`].
//!
//! One pooled client with rustls and the system's trust store (`SSL_CERT_FILE` and `SSL_CERT_DIR` count, since
//! company proxies re-sign TLS), `HTTPS_PROXY` honoured. Every call has a timeout, every answer a size limit,
//! redirects are followed only where the caller allows a number of them, and with
//! `clients.http.disallow_private_ip_ranges` an address is judged after its name was resolved, at the moment
//! of connecting, so that a name which changes its address between check and use gains nothing. Behind a proxy the
//! name is judged before the call, because the proxy is the one that connects.
//!
//! [`Sources`] is built on it: the text behind a `file://`, `http(s)://` or `base64://` address of the
//! configuration (mappers, schemas, hook bodies). A [`Stamp`] tells whether a file has to be read again.
//!
//! What this crate never does: know what OpenID Connect, a mapper or a hook is; read our configuration; put a
//! query string, a header or a body into an error or a log line, because secrets travel there.
//!
//! Where to start: [`Outbound::get`] and [`Outbound::post`] make a [`Call`]; [`Call::send`] gives an [`Answer`].
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use bia_outbound::{Outbound, Policy};
//! let outbound = Outbound::new(Policy::default())?;
//! let answer = outbound.get("https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration")
//!     .limit(256 * 1024)
//!     .send()
//!     .await?;
//! assert_eq!(answer.status, 200);
//! # Ok(()) }
//! ```

mod address;
mod call;
mod client;
mod error;
mod source;
mod stamp;

pub use call::{Answer, Call};
pub use client::{Outbound, Policy, Prepared};
pub use error::{OutboundError, SetupError};
pub use source::{SourceError, Sources};
pub use stamp::Stamp;
