//! What requests are served with. Replaced whole when the configuration changes; running requests keep theirs.

use crate::cookies::CookiePolicy;
use crate::cors::Cors;
use crate::dispatch::Port;
use crate::listen::TlsError;
use crate::listen::tls::{Certificates, Reloading};
use crate::public::pages as built_in;
use crate::rate_limit::RateLimits;
use crate::whoami_cache::WhoamiCache;
use arc_swap::ArcSwap;
use bia_pages::{PageError, Pages};
use bia_selfservice::Deps;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// The server's view of one configuration.
pub struct App {
    pub deps: Arc<Deps>,
    pub(crate) cookies: CookiePolicy,
    pub(crate) cors: Cors,
    pub(crate) whoami: WhoamiCache,
    /// The built-in pages; none when `bia.ui.enabled` is off.
    pub(crate) pages: Option<Pages>,
    /// Whether `bia.ui` can't be used, so that the pages are shown as they come.
    pages_are_plain: bool,
    /// What was counted outlives a reload; none when `bia.rate_limit` limits nothing.
    pub(crate) rate_limits: Option<RateLimits>,
    /// The answer of `/health/config`.
    pub(crate) revision: String,
    /// Callbacks, which go on when their visitor leaves.
    pub(crate) callbacks: TaskTracker,
}

impl App {
    fn new(
        deps: Arc<Deps>,
        pages: Option<(Pages, bool)>,
        fingerprint: &str,
        callbacks: TaskTracker,
        before: Option<&Self>,
    ) -> Self {
        let config = &deps.config;
        let rate_limits =
            RateLimits::new(&config.bia.rate_limit, before.and_then(|before| before.rate_limits.as_ref()));
        let revision = config.revision.clone().unwrap_or_else(|| fingerprint.to_owned());
        let (cookies, cors) = (CookiePolicy::new(config), Cors::new(&config.serve.public.cors));
        let (pages, plain) = pages.unzip();
        let pages_are_plain = plain.unwrap_or(false);
        let whoami = WhoamiCache::new();
        Self { cookies, cors, whoami, pages, pages_are_plain, rate_limits, revision, callbacks, deps }
    }
}

/// Why a changed configuration can't be served; meant for the operator. What was served before still is.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    #[error("{key}.tls: {why}")]
    Tls { key: &'static str, why: TlsError },
    #[error("bia.ui: {0}")]
    Pages(#[from] PageError),
}

/// Shared by both listeners; [`State::replace`] is how a configuration is reloaded without dropping a connection.
#[derive(Clone)]
pub struct State(Arc<Shared>);

struct Shared {
    app: ArcSwap<App>,
    certificates: ArcSwap<Certificates>,
    callbacks: TaskTracker,
}

impl State {
    /// `fingerprint` stands for the whole configuration at `/health/config` when it names no `revision`.
    pub fn new(deps: Arc<Deps>, fingerprint: &str) -> Self {
        // What is counted before a recorder is there is lost, and the first scrape may come late.
        crate::metrics::handle();
        let callbacks = TaskTracker::new();
        let pages = deps.config.bia.ui.enabled.then(|| built_in::of_or_plain(&deps.config));
        let app = ArcSwap::from_pointee(App::new(deps, pages, fingerprint, callbacks.clone(), None));
        Self(Arc::new(Shared { app, certificates: ArcSwap::default(), callbacks }))
    }

    /// Serves every request from now on with these, and every TLS handshake with their certificates. Connections and
    /// requests that have begun go on undisturbed, the latter with what they began with.
    ///
    /// # Errors
    /// See [`ReplaceError`]; nothing was replaced.
    pub fn replace(&self, deps: Arc<Deps>, fingerprint: &str) -> Result<(), ReplaceError> {
        let serve = &deps.config.serve;
        let certificates = self.0.certificates.load();
        let renew = |port: Port, key, settings| {
            Reloading::renewed(certificates.of(port), settings).map_err(|why| ReplaceError::Tls { key, why })
        };
        let certificates = Certificates {
            public: renew(Port::Public, "serve.public", &serve.public.tls)?,
            admin: renew(Port::Admin, "serve.admin", &serve.admin.tls)?,
        };
        let before = self.current();
        let pages = match deps.config.bia.ui.enabled {
            false => None,
            // What was broken before must not hold up the repair of something else.
            true if before.pages_are_plain => Some(built_in::of_or_plain(&deps.config)),
            true => Some((built_in::of(&deps.config)?, false)),
        };
        self.certify(certificates);
        let app = App::new(deps, pages, fingerprint, self.0.callbacks.clone(), Some(&before));
        self.0.app.store(Arc::new(app));
        Ok(())
    }

    pub(crate) fn current(&self) -> Arc<App> {
        self.0.app.load_full()
    }

    /// From now on these certificates are shown.
    pub(crate) fn certify(&self, certificates: Certificates) {
        self.0.certificates.store(Arc::new(certificates));
    }

    /// How a new connection on this port is to be secured; `None` is plain HTTP.
    pub(crate) fn certificate(&self, port: Port) -> Option<Arc<Reloading>> {
        self.0.certificates.load().of(port).cloned()
    }

    /// Waits for callbacks whose visitors have left. False when one of them still runs.
    pub(crate) async fn finish_callbacks(&self, within: Duration) -> bool {
        self.0.callbacks.close();
        tokio::time::timeout(within, self.0.callbacks.wait()).await.is_ok()
    }
}
