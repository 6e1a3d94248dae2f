//! What every flow works with, built once and shared.

use crate::imports::Imports;
use crate::return_to::Allowed;
use bia_config::Config;
use bia_hooks::Hooks;
use bia_identity::{Schemas, Sealer, Sessions};
use bia_mapper::Mapper;
use bia_model::FlowKind;
use bia_outbound::{Outbound, Sources};
use bia_provider::Providers;
use bia_store::Store;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Everything a flow needs. Replaced whole when the configuration is reloaded.
pub struct Deps {
    pub config: Arc<Config>,
    pub store: Store,
    pub schemas: Schemas,
    pub sessions: Sessions,
    pub sealer: Arc<Sealer>,
    pub providers: Providers,
    pub mapper: Mapper,
    pub hooks: Hooks,
    pub sources: Arc<Sources>,
    /// What mappers import.
    pub imports: Imports,
    pub outbound: Outbound,
    /// `selfservice.allowed_return_urls` and `{public}/self-service`, parsed.
    pub allowed_return_urls: Vec<Allowed>,
}

/// Parses the allow-list; an entry that can't be one is left out (the configuration check names it).
pub fn allowed_return_urls(config: &Config) -> Vec<Allowed> {
    let insecure = config.feature_flags.legacy_allow_insecure_origins;
    let public = config.public_url().url().clone();
    let default = Url::parse(&config.selfservice.default_browser_return_url).unwrap_or_else(|_| public.clone());
    let entries = config.selfservice.allowed_return_urls.iter();
    let mut list: Vec<Allowed> = entries.filter_map(|entry| Allowed::parse(entry, &default, insecure)).collect();
    list.push(Allowed::self_service(&public));
    list
}

impl Deps {
    /// `{public}` followed by a path.
    pub fn public(&self, path: &str) -> String {
        self.config.public_url().join_path(path)
    }

    /// The page that shows a flow of this kind.
    pub fn ui_url(&self, kind: FlowKind) -> &str {
        let flows = &self.config.selfservice.flows;
        match kind {
            FlowKind::Login => &flows.login.ui_url,
            FlowKind::Registration => &flows.registration.ui_url,
            FlowKind::Settings => &flows.settings.ui_url,
        }
    }

    pub fn lifespan(&self, kind: FlowKind) -> Duration {
        let flows = &self.config.selfservice.flows;
        match kind {
            FlowKind::Login => flows.login.lifespan,
            FlowKind::Registration => flows.registration.lifespan,
            FlowKind::Settings => flows.settings.lifespan,
        }
    }

    /// `selfservice.default_browser_return_url`.
    pub fn default_return_url(&self) -> &str {
        &self.config.selfservice.default_browser_return_url
    }
}

/// Adds query parameters to a URL or a relative reference, keeping a fragment at the end.
pub fn with_query(url: &str, pairs: &[(&str, &str)]) -> String {
    let (base, fragment) = url.split_once('#').map_or((url, None), |(base, fragment)| (base, Some(fragment)));
    let (path, query) = base.split_once('?').unwrap_or((base, ""));
    let mut serializer = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if !pairs.iter().any(|(name, _)| *name == key) {
            serializer.append_pair(&key, &value);
        }
    }
    serializer.extend_pairs(pairs);
    let query = serializer.finish();
    match fragment {
        Some(fragment) => format!("{path}?{query}#{fragment}"),
        None => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::with_query;

    #[test]
    fn query_goes_before_a_fragment_and_replaces_what_was_there() {
        assert_eq!(with_query("https://ui/login#/x", &[("flow", "1")]), "https://ui/login?flow=1#/x");
        assert_eq!(with_query("https://ui/login?flow=0&a=b", &[("flow", "1")]), "https://ui/login?a=b&flow=1");
        assert_eq!(with_query("/login", &[("flow", "a b")]), "/login?flow=a+b");
    }
}
