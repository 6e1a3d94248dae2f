//! Turns HTTP into calls and outcomes into Kratos-shaped answers, on a public and an admin port.
//!
//! A request passes [`dispatch`] (limits, CORS, anti-CSRF, what each answer carries), finds its row in the URL
//! table of `router.rs`, and becomes a `Call`. A handler then does three things: extract, call one function of
//! `bia-selfservice`, `bia-identity` or `bia-store`, and hand the result to `respond.rs`, the only file that
//! knows whether the visitor is a browser or wants JSON. The same table makes `/openapi.json` and names the
//! operation in the request log, so that the three can't drift apart.
//!
//! What this crate never does: decide about identities, sessions or flows, speak to a provider, run a mapper,
//! or write a query, a header, a cookie or a body into the log.
//!
//! Where to start: `router.rs` (every URL), then `call.rs` (what a handler is given), `respond.rs` (what becomes
//! of an outcome), `listen.rs` (sockets, TLS, shutdown).
//!
//! ```no_run
//! # async fn run(config: bia_config::Config, deps: std::sync::Arc<bia_selfservice::Deps>) -> Result<(), bia_server::ListenError> {
//! let bound = bia_server::Server::bind(&config).await?;
//! println!("open at {}", bound.public_address());
//! let state = bia_server::State::new(deps, "fingerprint");
//! bound.serve(state, std::future::pending()).await;
//! # Ok(()) }
//! ```

mod admin;
mod answer;
mod body;
mod call;
mod client;
mod cookies;
mod cors;
mod csrf;
mod dispatch;
mod error;
mod health;
mod identity_headers;
mod listen;
pub mod metrics;
mod negotiate;
mod openapi;
mod paging;
mod public;
mod query;
mod rate_limit;
mod redirects;
mod request_log;
mod respond;
mod route;
mod router;
mod state;
mod trace_context;
mod whoami_cache;

pub use listen::{Address, Bound, ListenError, Server, SocketError, TlsError};
pub use state::{App, ReplaceError, State};
