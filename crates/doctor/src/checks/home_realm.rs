//! Where home-realm discovery sends each domain.

use crate::examination::PROVIDERS;
use crate::finding::{Area, Finding};
use bia_config::Config;

pub(crate) fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, provider) in config.providers().iter().enumerate() {
        let key = format!("{PROVIDERS}.{index}.microsoft.home_realm_domains");
        for domain in &provider.microsoft.home_realm_domains {
            if !provider.enabled {
                findings.push(
                    Finding::warning(
                        Area::Provider,
                        "home_realm_off",
                        format!("{domain} leads nowhere: `{}` is switched off", provider.id),
                    )
                    .key(key.clone())
                    .why("People of this domain see the form again, as if nobody knew their organisation.")
                    .fix("Switch the provider on, or give the domain to another one."),
                );
                continue;
            }
            let button =
                if provider.microsoft.always_show_button { "its button shows as well" } else { "it has no button" };
            findings.push(
                Finding::note(
                    Area::Provider,
                    "home_realm",
                    format!("addresses at {} go to `{}`; {button}", domain.to_lowercase(), provider.id),
                )
                .key(key.clone())
                .why("The domain alone decides; whether somebody exists never does.")
                .fix("Type such an address into the login page: the next answer is a redirect to the provider."),
            );
        }
    }
    findings
}
