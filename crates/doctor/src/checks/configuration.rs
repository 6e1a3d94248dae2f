//! What the configuration's own checks found, and that it loads.

use crate::finding::{Area, Finding};
use bia_config::Loaded;

pub(crate) fn check(loaded: &Loaded) -> Vec<Finding> {
    let mut findings: Vec<Finding> = loaded.findings().map(Finding::of_config).collect();
    let providers = loaded.config.providers();
    let on = providers.iter().filter(|provider| provider.enabled).count();
    findings.push(Finding::good(Area::Configuration, "loads", format!("it loads, with {on} provider(s) switched on")));
    if on == 0 {
        findings.push(
            Finding::problem(Area::Configuration, "no_providers", "no provider is switched on")
                .key(crate::examination::PROVIDERS)
                .why("Nobody can sign in or sign up.")
                .fix("Add one; `bia setup microsoft` prints what Entra has to know about it."),
        );
    }
    findings
}
