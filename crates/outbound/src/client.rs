//! The pooled client and the rules that hold for every call.

use crate::address::{self, PublicOnly};
use crate::call::Call;
use crate::error::{OutboundError, SetupError, place};
use arc_swap::ArcSwap;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Client, ClientBuilder, Method, redirect};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Rules for every call, from `clients.http` and our own defaults.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Refuse addresses of this machine and of local networks (server-side request forgery).
    pub disallow_private_ip_ranges: bool,
    /// URLs that may be private all the same; `*` within a path segment, `**` across.
    pub private_ip_exception_urls: Vec<String>,
    /// For a whole call, body included, unless the call sets its own.
    pub timeout: Duration,
    pub connect_timeout: Duration,
    /// Largest answer in bytes, unless the call sets its own.
    pub body_max: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            disallow_private_ip_ranges: false,
            private_ip_exception_urls: Vec::new(),
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            body_max: 1024 * 1024,
        }
    }
}

/// The HTTP client of the whole process; cloning shares its connections.
#[derive(Clone, Debug)]
pub struct Outbound {
    inner: Arc<ArcSwap<Inner>>,
}

/// Rules and trust store that are ready to take the place of those in use.
pub struct Prepared(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) policy: Policy,
    /// Goes anywhere, by the proxy of the environment if there is one.
    open: Client,
    /// Connects by itself and to public addresses alone. It knows no proxy, so that a proxy's private host needs no
    /// exemption, which would hold for everything else on that host, too.
    public_only: Client,
    /// For this machine itself, which no proxy elsewhere could reach in our place.
    direct: Client,
    /// Which URLs `open` gives to a proxy.
    proxies: Matcher,
}

impl Outbound {
    /// Reads the trust store and builds the client; touches no network.
    ///
    /// # Errors
    /// When no certificate authority can be read or TLS can't be set up.
    pub fn new(policy: Policy) -> Result<Self, SetupError> {
        Ok(Self { inner: Arc::new(ArcSwap::new(Self::prepare(policy)?.0)) })
    }

    /// Reads the trust store anew and builds clients with these rules; [`Outbound::replace`] puts them to use.
    ///
    /// # Errors
    /// As [`Outbound::new`].
    pub fn prepare(policy: Policy) -> Result<Prepared, SetupError> {
        let tls = tls()?;
        let build = |builder: ClientBuilder| builder.build().map_err(|e| SetupError::Client(e.to_string()));
        let base = || {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(concat!("bia/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(policy.connect_timeout)
                .pool_idle_timeout(Duration::from_secs(90))
                .tcp_keepalive(Duration::from_secs(60))
                // Followed by hand, so that each hop is judged like a first call.
                .redirect(redirect::Policy::none())
        };
        let open = build(base())?;
        let public_only = build(base().no_proxy().dns_resolver(PublicOnly))?;
        let direct = build(base().no_proxy())?;
        // What reqwest itself reads for `open`.
        let proxies = Matcher::from_system();
        Ok(Prepared(Arc::new(Inner { policy, open, public_only, direct, proxies })))
    }

    /// Every call from now on, of every clone, goes by these rules; calls that are under way end by the old ones.
    pub fn replace(&self, prepared: Prepared) {
        self.inner.store(prepared.0);
    }

    pub(crate) fn current(&self) -> Arc<Inner> {
        self.inner.load_full()
    }

    /// A GET; nothing is sent before [`Call::send`].
    pub fn get(&self, url: impl AsRef<str>) -> Call {
        Call::new(self.clone(), Method::GET, url.as_ref())
    }

    /// A POST; give it a body with [`Call::form`], [`Call::json`] or [`Call::body`].
    pub fn post(&self, url: impl AsRef<str>) -> Call {
        Call::new(self.clone(), Method::POST, url.as_ref())
    }

    /// Any method, for web hooks whose method is configured.
    pub fn call(&self, method: Method, url: impl AsRef<str>) -> Call {
        Call::new(self.clone(), method, url.as_ref())
    }

    /// The client for this very URL.
    ///
    /// # Errors
    /// When the URL leads to a private address, as far as that shows before connecting.
    pub(crate) async fn client_for(&self, url: &Url) -> Result<Client, OutboundError> {
        let rules = self.current();
        let policy = &rules.policy;
        if !policy.disallow_private_ip_ranges || address::is_exception(&policy.private_ip_exception_urls, url) {
            // Kratos: Go never gives these to a proxy either.
            return Ok(if address::is_loopback(url) { rules.direct.clone() } else { rules.open.clone() });
        }
        if address::literal_is_private(url) {
            return Err(OutboundError::PrivateAddress { place: place(url) });
        }
        if !rules.is_proxied(url) {
            return Ok(rules.public_only.clone());
        }
        address::judge_for_proxy(url, policy.connect_timeout).await?;
        Ok(rules.open.clone())
    }
}

impl Inner {
    fn is_proxied(&self, url: &Url) -> bool {
        url.as_str().parse().is_ok_and(|uri| self.proxies.intercept(&uri).is_some())
    }
}

/// TLS by ring with the system's certificate authorities; `SSL_CERT_FILE` and `SSL_CERT_DIR` replace them.
fn tls() -> Result<rustls::ClientConfig, SetupError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = rustls::RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let detail = match found.errors.first() {
            Some(error) => error.to_string(),
            None => "the trust store is empty".to_owned(),
        };
        return Err(SetupError::NoTrustAnchors { detail });
    }
    for error in &found.errors {
        tracing::warn!(%error, "part of the certificate store could not be read");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| SetupError::Tls(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
