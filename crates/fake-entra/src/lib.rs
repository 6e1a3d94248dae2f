//! A stand-in for Microsoft Entra ID, for `bia dev`, for tests and for load runs.
//!
//! [`start`] binds a loopback port within milliseconds and answers as Entra does: discovery, keys, authorize, token,
//! userinfo, Graph and logout, for every form of tenant. Beside it live plain OpenID Connect providers under
//! `/op/<name>` and small look-alikes of Google, GitHub, GitLab and Apple (`/google`, `/github`, `/gitlab`, `/apple`).
//! The [`Control`] handle steers it: who sits at the browser, what their tokens say, which endpoint fails and how,
//! and what was asked of it.
//!
//! It never talks to the network, never listens beyond loopback, and protects nothing: its signing keys are public.
//! `serve` therefore refuses [`RESERVED_CLIENT_ID`] and [`RESERVED_TENANT_ID`], which [`Options::dev`] uses.
//!
//! Start reading at `route.rs` (which address is what), then `authorize.rs` and `token.rs` (one sign-in), `people.rs`
//! (who can sign in) and `faults.rs` (how it misbehaves).
//!
//! ```
//! # async fn example() -> Result<(), bia_fake_entra::StartError> {
//! use bia_fake_entra::{Fault, IdTokenFault, Options, start};
//! let entra = start(Options::default()).await?;
//! let authority = entra.base_url(); // the value for `microsoft.authority_host` and `microsoft.graph_host`
//! entra.control().set_persona(Some("alice"));
//! entra.control().add_fault(Fault::id_token(IdTokenFault::WrongNonce).times(1));
//! # drop(authority);
//! entra.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! A path prefix in front of the tenant is free (`{base}/usgov/{tenant}/…` issues for `{base}/usgov`), so that one
//! process can play several clouds.

mod access_log;
mod assertion;
mod authorize;
mod authorize_request;
mod bounded;
mod brands;
mod claims;
mod client_auth;
mod clients;
mod clock;
mod control;
mod control_http;
mod discovery;
mod dispatch;
mod faults;
mod graph;
mod issue;
mod jwt;
mod keys;
mod listener;
mod logout;
mod manifest;
mod oauth_error;
mod options;
mod pages;
mod params;
mod party;
mod people;
mod plain;
mod reply;
mod route;
mod state;
mod tenants;
mod token;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use access_log::{Authorization, Call, Endpoint};
pub use claims::{TokenFor, TokenVersion, claims, pairwise_subject, standard_claims};
pub use clients::{
    AppleKey, Audience, Certificate, CertificateError, Client, FederatedCredential, PLAIN_CLIENT_ID,
    PLAIN_CLIENT_SECRET, RESERVED_CLIENT_ID, RESERVED_CLIENT_SECRET, RsaPublicKey, SINGLE_TENANT_CLIENT_ID,
    SINGLE_TENANT_CLIENT_SECRET, TEST_CLIENT_ID, TEST_CLIENT_SECRET, TEST_EXPIRED_SECRET,
};
pub use control::{Control, Mint};
pub use faults::{EndpointFault, Fault, IdTokenFault};
pub use manifest::ManifestError;
pub use options::{Observer, Options, StartError, TlsIdentity};
pub use people::{Group, GroupKind, Person, find_person, people};
pub use tenants::{CONSUMERS_TENANT_ID, CONTOSO_TENANT_ID, FABRIKAM_TENANT_ID, RESERVED_TENANT_ID, Tenant};

use state::Shared;

/// A running stand-in. Dropping it closes the port at once; [`FakeEntra::shutdown`] finishes what is being answered.
pub struct FakeEntra {
    base_url: String,
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// Binds the port and serves from background tasks of the current tokio runtime.
pub async fn start(options: Options) -> Result<FakeEntra, StartError> {
    let bound = listener::bind(&options).await?;
    let address = bound.address();
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    let base_url = options.base_url.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
    let shared = Arc::new(Shared::new(options));
    let (stop, stopped) = watch::channel(false);
    let accepting = tokio::spawn(bound.serve(Arc::clone(&shared), stopped));
    Ok(FakeEntra { base_url, address, shared, stop, accepting })
}

impl FakeEntra {
    /// The sign-in and Graph host in one, without a trailing slash: `http://127.0.0.1:41234`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The bound address, also where [`Options::base_url`] names another host.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Issuer of a plain provider, for `issuer_url` of a `generic` provider: `{base}/op/pkce`.
    pub fn plain_issuer(&self, name: &str) -> String {
        format!("{}/op/{name}", self.base_url)
    }

    /// The steering handle; cheap, and usable from any thread.
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.shared), self.base_url.clone())
    }

    /// Closes the port, lets running answers finish for up to two seconds, then cuts what is left.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        // The task only fails when the runtime is going away, and then nothing is left to wait for.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for FakeEntra {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl std::fmt::Debug for FakeEntra {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("FakeEntra").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
