//! What a stand-in is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::access_log::Endpoint;
use crate::clients::{self, Client};
use crate::tenants::{CONTOSO_TENANT_ID, RESERVED_TENANT_ID};

/// Settings that cannot change while it runs; everything else is steered by [`crate::Control`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Loopback only; port 0 takes a free one.
    pub address: SocketAddr,
    /// With an identity the port speaks https, without one http.
    pub tls: Option<TlsIdentity>,
    /// The name it gives itself in every document. Default: scheme and `Host` of each request, which lets
    /// `/etc/hosts` play login.microsoftonline.com.
    pub base_url: Option<String>,
    /// Tenant id of Contoso, where most people live. `serve` refuses [`RESERVED_TENANT_ID`].
    pub contoso_tenant_id: String,
    /// Registered applications at the start and after [`crate::Control::reset`].
    pub clients: Vec<Client>,
    /// Serves `/_control`, which lets anybody who reaches the port steer the stand-in.
    pub control_api: bool,
    /// Gives the same person the same ID token for a minute where no nonce was sent. Under load the signature is the
    /// dear part, and it is not what a load run wants to measure.
    pub reuse_tokens: bool,
    /// Remembers every call for [`crate::Control::calls`]; off for long load runs.
    pub keep_log: bool,
    /// Told of every answer, for load runs that take the stand-in's own time off.
    pub observer: Option<Observer>,
}

/// What [`Options::observer`] is called with: the endpoint, the authorization code that was redeemed there, and how long
/// the answer took from the request's last byte.
#[derive(Clone)]
pub struct Observer(Arc<Observe>);

type Observe = dyn Fn(Endpoint, Option<&str>, Duration) + Send + Sync;

impl Observer {
    /// Runs on the stand-in's own tasks, so it has to return at once.
    pub fn new(observe: impl Fn(Endpoint, Option<&str>, Duration) + Send + Sync + 'static) -> Observer {
        Observer(Arc::new(observe))
    }

    pub(crate) fn saw(&self, endpoint: Endpoint, code: Option<&str>, took: Duration) {
        (self.0)(endpoint, code, took);
    }
}

impl std::fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Observer")
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            base_url: None,
            contoso_tenant_id: CONTOSO_TENANT_ID.to_owned(),
            clients: clients::for_tests(),
            control_api: false,
            reuse_tokens: false,
            keep_log: true,
            observer: None,
        }
    }
}

impl Options {
    /// What `bia dev` starts: the reserved tenant and the reserved client, and no other Entra application.
    pub fn dev() -> Self {
        Options { contoso_tenant_id: RESERVED_TENANT_ID.to_owned(), clients: clients::for_dev(), ..Options::default() }
    }
}

/// A certificate chain and its key, both PEM.
#[derive(Clone)]
pub struct TlsIdentity {
    pub certificate_pem: String,
    pub key_pem: String,
}

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("TlsIdentity")
    }
}

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its keys are public, so that anybody who reached it could sign in as anybody.
    #[error("the stand-in for Entra listens on loopback only, but was told to use {0}; use 127.0.0.1")]
    NotLoopback(SocketAddr),
    /// Usually another process holds the port.
    #[error("the stand-in for Entra cannot listen on {address}: {source}; choose another port, or 0 for a free one")]
    Bind { address: SocketAddr, source: std::io::Error },
    /// The PEM text holds no usable certificate or key.
    #[error("the TLS certificate or key of the stand-in for Entra cannot be used: {0}")]
    Tls(String),
}
