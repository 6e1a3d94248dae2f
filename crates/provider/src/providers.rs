//! The table of configured providers.

use crate::Provider;
use crate::apple::Apple;
use crate::client_auth::ClientAuth;
use crate::connection::Connection;
use crate::discovery::Caches;
use crate::generic::{Generic, Plain};
use crate::github::Github;
use crate::gitlab::Gitlab;
use crate::google::Google;
use crate::microsoft::Microsoft;
use crate::oauth::OAuth;
use bia_config::{OidcConfig, OidcProvider, ProviderKind};
use bia_model::Timestamp;
use bia_outbound::Outbound;
use std::sync::Arc;
use url::Url;

/// The configured and enabled providers, in the order of the configuration.
pub struct Providers {
    list: Vec<Arc<dyn Provider>>,
    caches: Arc<Caches>,
}

/// Addresses that are remembered across changes of the configuration. Each one has as many as it has providers, or a
/// few more; somebody who edits it all day must not fill the memory.
const CACHED_MAX: usize = 256;

impl Providers {
    /// Builds the table; touches no network. `public_url` is `serve.public.base_url`, the base of callbacks unless
    /// `base_redirect_uri` names another.
    pub fn new(config: &OidcConfig, public_url: &Url, outbound: &Outbound) -> Self {
        Self::build(config, public_url, outbound, false, Arc::new(Caches::new(outbound.clone())))
    }

    /// As [`Providers::new`], and believes the stand-in's reserved client and tenant: for `bia dev` and tests alone.
    pub fn with_stand_in(config: &OidcConfig, public_url: &Url, outbound: &Outbound) -> Self {
        Self::build(config, public_url, outbound, true, Arc::new(Caches::new(outbound.clone())))
    }

    /// The table of a changed configuration, with the metadata and keys that this one has fetched. `outbound` is the
    /// one that this table was built with, and the stand-in is believed or not as before.
    pub fn renewed(&self, config: &OidcConfig, public_url: &Url, outbound: &Outbound, stand_in_allowed: bool) -> Self {
        let caches = if self.caches.len() > CACHED_MAX {
            Arc::new(Caches::new(outbound.clone()))
        } else {
            Arc::clone(&self.caches)
        };
        Self::build(config, public_url, outbound, stand_in_allowed, caches)
    }

    fn build(
        config: &OidcConfig,
        public_url: &Url,
        outbound: &Outbound,
        stand_in_allowed: bool,
        caches: Arc<Caches>,
    ) -> Self {
        let callback_base = callback_base(config, public_url);
        let enabled = config.providers.iter().filter(|provider| provider.enabled);
        let list = enabled.map(|provider| {
            let source = credentials_source(config, provider);
            connect(Connection {
                config: provider.clone(),
                auth: Arc::new(ClientAuth::new(source)),
                caches: caches.clone(),
                outbound: outbound.clone(),
                callback_base: callback_base.clone(),
                stand_in_allowed,
            })
        });
        Self { list: list.collect(), caches }
    }

    /// The provider with that id; else the one that lists it among its `aliases`.
    pub fn get(&self, id_or_alias: &str) -> Option<Arc<dyn Provider>> {
        let by_id = self.list.iter().find(|p| p.id() == id_or_alias);
        by_id.or_else(|| self.list.iter().find(|p| p.config().answers_to(id_or_alias))).cloned()
    }

    /// In configured order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.list.iter()
    }

    /// Fetches metadata and keys ahead of the first sign-in; for a background task at start. Failures are logged
    /// and forgotten: the first sign-in tries again.
    pub async fn warm(&self, now: Timestamp) {
        for provider in &self.list {
            if let Err(error) = provider.warm(now).await {
                tracing::warn!(provider = provider.id(), %error, "the provider could not be asked ahead");
            }
        }
    }
}

/// Where callbacks live: `base_redirect_uri`, else the public URL.
pub fn callback_base(config: &OidcConfig, public_url: &Url) -> Url {
    config.base_redirect_uri.as_ref().map_or_else(|| public_url.clone(), |base| base.url().clone())
}

/// One registration may serve several connections; a chain of references is not followed further.
fn credentials_source<'a>(config: &'a OidcConfig, provider: &'a OidcProvider) -> &'a OidcProvider {
    let named = provider.credentials_from.as_deref();
    named.and_then(|id| config.providers.iter().find(|p| p.id == id)).unwrap_or(provider)
}

fn connect(connection: Connection) -> Arc<dyn Provider> {
    match connection.config.provider {
        ProviderKind::Microsoft => Arc::new(Microsoft::new(connection)),
        ProviderKind::Generic => Arc::new(Generic::new(connection, Plain)),
        ProviderKind::Google => Arc::new(Generic::new(connection, Google)),
        ProviderKind::Apple => Arc::new(Generic::new(connection, Apple)),
        ProviderKind::Github => Arc::new(OAuth::new(connection, Github)),
        ProviderKind::Gitlab => Arc::new(OAuth::new(connection, Gitlab)),
    }
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.list.iter().map(|p| p.id())).finish()
    }
}
