//! The stand-in, with a clock on what it does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bia_fake_entra::{Control, Endpoint, FakeEntra, Observer, Options};
use serde::Serialize;

/// A stand-in on loopback and what was asked of it.
pub(crate) struct Provider {
    entra: FakeEntra,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    discovery: AtomicU64,
    keys: AtomicU64,
    token: AtomicU64,
    graph: AtomicU64,
    /// By authorization code, until the callback asks.
    token_times: Mutex<HashMap<String, Duration>>,
}

/// How often the server called its provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Calls {
    pub(crate) discovery: u64,
    pub(crate) keys: u64,
    pub(crate) token: u64,
    /// Graph and userinfo.
    pub(crate) graph: u64,
}

impl Provider {
    pub(crate) async fn start() -> anyhow::Result<Provider> {
        let seen = Arc::new(Seen::default());
        let told = Arc::clone(&seen);
        let observer = Observer::new(move |endpoint, code, took| told.note(endpoint, code, took));
        let options = Options { reuse_tokens: true, keep_log: false, observer: Some(observer), ..Options::default() };
        Ok(Provider { entra: bia_fake_entra::start(options).await?, seen })
    }

    pub(crate) fn base_url(&self) -> &str {
        self.entra.base_url()
    }

    pub(crate) fn issuer(&self) -> String {
        self.entra.plain_issuer("plain")
    }

    pub(crate) fn control(&self) -> Control {
        self.entra.control()
    }

    pub(crate) fn calls(&self) -> Calls {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let seen = &self.seen;
        Calls {
            discovery: load(&seen.discovery),
            keys: load(&seen.keys),
            token: load(&seen.token),
            graph: load(&seen.graph),
        }
    }

    /// How long the stand-in itself took to redeem this code.
    pub(crate) fn take_token_time(&self, code: &str) -> Duration {
        self.seen.times().remove(code).unwrap_or_default()
    }
}

impl Calls {
    pub(crate) fn since(self, before: Calls) -> Calls {
        Calls {
            discovery: self.discovery - before.discovery,
            keys: self.keys - before.keys,
            token: self.token - before.token,
            graph: self.graph - before.graph,
        }
    }
}

impl Seen {
    fn note(&self, endpoint: Endpoint, code: Option<&str>, took: Duration) {
        let counter = match endpoint {
            Endpoint::Discovery => &self.discovery,
            Endpoint::Keys => &self.keys,
            Endpoint::Token => &self.token,
            Endpoint::Graph | Endpoint::Userinfo => &self.graph,
            _ => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if let Some(code) = code {
            self.times().insert(code.to_owned(), took);
        }
    }

    fn times(&self) -> std::sync::MutexGuard<'_, HashMap<String, Duration>> {
        self.token_times.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
