//! Runs the checks.

use crate::checks::{
    configuration, cookies, credentials, database, files, home_realm, hooks, listener_tls, mappers, network, providers,
    public, serving, stand_in,
};
use crate::finding::Finding;
use crate::report::Report;
use bia_config::{Config, Loaded};
use bia_mapper::Mapper;
use bia_model::Timestamp;
use bia_outbound::{Outbound, Sources};
use bia_provider::Providers;
use std::sync::Arc;
use url::Url;

/// Where a provider stands in the configuration.
pub(crate) const PROVIDERS: &str = "selfservice.methods.oidc.config.providers";

/// How thoroughly to look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Ask nobody on the network.
    pub offline: bool,
    /// Let the database check itself, which reads all of it.
    pub database: bool,
}

/// What is examined, and the tools for it.
pub struct Patient<'a> {
    pub loaded: &'a Loaded,
    pub outbound: &'a Outbound,
    pub sources: Arc<Sources>,
    pub mapper: &'a Mapper,
    pub database: database::Database,
    /// What mappers may import (`bia.mapper.import_dir`), or why it can't be read.
    pub imports: Result<Vec<(String, String)>, String>,
    /// Stands for the configuration as `GET /health/config` of a running server does; none when it can't be made.
    pub fingerprint: Option<String>,
    /// The proxy that `https` calls go through, and the hosts that they don't: the TLS check goes the same way.
    pub https_proxy: Option<Url>,
    pub no_proxy: String,
    pub now: Timestamp,
}

impl Patient<'_> {
    pub(crate) fn config(&self) -> &Config {
        &self.loaded.config
    }
}

/// Every check; what depends on the network is left out when `offline`.
pub async fn examine(patient: &Patient<'_>, options: Options) -> Report {
    let config = patient.config();
    let mut findings: Vec<Finding> = configuration::check(patient.loaded);
    findings.extend(files::secrets(config));
    findings.extend(providers::check(config));
    findings.extend(stand_in::check(config));
    findings.extend(home_realm::check(config));
    findings.extend(cookies::check(config));
    let ports = serving::check(config, patient.fingerprint.as_deref()).await;
    findings.extend(ports.findings);
    findings.extend(listener_tls::check(config, patient.now).await);
    findings.extend(credentials::check(config, patient.now).await);
    findings.extend(files::schemas(config, &patient.sources).await);
    findings.extend(mappers::check(patient).await);
    findings.extend(hooks::check(config, &patient.sources, patient.mapper).await);
    findings.extend(database::check(config, &patient.database, options.database, patient.now).await);
    if !options.offline {
        let base = config.public_url().url();
        let connections = Providers::new(&config.selfservice.methods.oidc.config, base, patient.outbound);
        findings.extend(network::check(patient, &connections).await);
        if ports.public_serves {
            findings.extend(public::check(patient).await);
        }
    }
    for finding in &mut findings {
        finding.place_in(patient.loaded);
    }
    Report::new(findings)
}
