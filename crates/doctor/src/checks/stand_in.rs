//! The try-out's identifiers in a configuration that is not the try-out's.

use crate::examination::PROVIDERS;
use crate::finding::{Area, Finding};
use bia_config::Config;
use bia_provider::{STAND_IN_CLIENT_ID, STAND_IN_TENANT_ID};

pub(crate) fn check(config: &Config) -> Vec<Finding> {
    let tenant = STAND_IN_TENANT_ID.to_string();
    let mut findings = Vec::new();
    for (index, provider) in config.providers().iter().enumerate() {
        let is_tenant = |text: &str| text.eq_ignore_ascii_case(&tenant);
        let marks = [
            ("client_id", provider.client_id.eq_ignore_ascii_case(STAND_IN_CLIENT_ID)),
            ("microsoft_tenant", provider.microsoft_tenant.as_deref().is_some_and(is_tenant)),
            ("microsoft.allowed_tenants", provider.microsoft.allowed_tenants.iter().any(|text| is_tenant(text))),
        ];
        for (name, _) in marks.into_iter().filter(|(_, found)| *found) {
            findings.push(
                Finding::problem(
                    Area::Provider,
                    "stand_in",
                    format!("`{}` uses an identifier of the stand-in behind `bia dev`", provider.id),
                )
                .key(format!("{PROVIDERS}.{index}.{name}"))
                .why("Its signing keys are public, so anybody could sign in as anybody: `serve` refuses it.")
                .fix("Use the ids of your own app registration; `bia setup microsoft --new <name>` makes one."),
            );
        }
    }
    findings
}
