//! Provider ids that people are linked to but the configuration no longer has: somebody renamed one, and everybody
//! who signed up with it would be a stranger at the next sign-in.

use crate::finding::{Area, Finding};
use bia_config::Config;
use bia_store::{Result, Store};

/// More ids than any configuration has.
const PROVIDERS_MAX: usize = 1000;

/// One problem for each id with links that no provider answers to.
///
/// # Errors
/// When the database can't be read.
pub async fn cut_off(store: &Store, config: &Config) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for id in store.list_linked_providers(PROVIDERS_MAX).await? {
        if config.provider_by_id_or_alias(&id).is_some() {
            continue;
        }
        let count = store.count_links(&id).await?;
        let what =
            format!("{count} link(s) belong to the provider id `{id}`, which no provider of the configuration has");
        findings.push(
            Finding::problem(Area::Database, "renamed_provider", what)
                .key(crate::examination::PROVIDERS)
                .why("Links carry the id. Under another id the same person is unknown, and registers a second time.")
                .fix(format!(
                    "If it was renamed, add `aliases: [{id}]` to the new entry. If it is gone for good, keep the entry with `enabled: false`."
                )),
        );
    }
    Ok(findings)
}
