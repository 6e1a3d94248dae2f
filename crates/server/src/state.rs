//! What requests are served with. Replaced whole when the configuration changes; running requests keep theirs.

use crate::cookies::CookiePolicy;
use crate::cors::Cors;
use crate::public::pages as built_in;
use arc_swap::ArcSwap;
use bia_pages::Pages;
use bia_selfservice::Deps;
use std::sync::Arc;

/// The server's view of one configuration.
pub struct App {
    pub deps: Arc<Deps>,
    pub(crate) cookies: CookiePolicy,
    pub(crate) cors: Cors,
    /// The built-in pages; none when `bia.ui.enabled` is off.
    pub(crate) pages: Option<Pages>,
    /// The answer of `/health/config`.
    pub(crate) revision: String,
}

impl App {
    fn new(deps: Arc<Deps>, revision: String) -> Self {
        let config = &deps.config;
        let pages = config.bia.ui.enabled.then(|| built_in::of(config));
        Self { cookies: CookiePolicy::new(config), cors: Cors::new(&config.serve.public.cors), pages, revision, deps }
    }
}

/// Shared by both listeners; [`State::replace`] is how a configuration is reloaded without dropping a connection.
#[derive(Clone)]
pub struct State(Arc<ArcSwap<App>>);

impl State {
    /// `fingerprint` stands for the whole configuration at `/health/config` when it names no `revision`.
    pub fn new(deps: Arc<Deps>, fingerprint: &str) -> Self {
        // What is counted before a recorder is there is lost, and the first scrape may come late.
        crate::metrics::handle();
        Self(Arc::new(ArcSwap::from_pointee(Self::app(deps, fingerprint))))
    }

    /// Serves every request from now on with these.
    pub fn replace(&self, deps: Arc<Deps>, fingerprint: &str) {
        self.0.store(Arc::new(Self::app(deps, fingerprint)));
    }

    pub(crate) fn current(&self) -> Arc<App> {
        self.0.load_full()
    }

    fn app(deps: Arc<Deps>, fingerprint: &str) -> App {
        let revision = deps.config.revision.clone().unwrap_or_else(|| fingerprint.to_owned());
        App::new(deps, revision)
    }
}
