//! Identity schemas, and the keys that everything is sealed with.

use crate::finding::{Area, Finding};
use bia_config::{Config, Dsn};
use bia_identity::Schemas;
use bia_outbound::Sources;
use std::sync::Arc;

pub(crate) async fn schemas(config: &Config, sources: &Arc<Sources>) -> Vec<Finding> {
    match Schemas::load(Arc::new(config.clone()), sources.clone()).await {
        Ok(_) => vec![Finding::good(
            Area::Schema,
            "schemas",
            format!("{} identity schema(s) can be used", config.identity.schemas.len()),
        )],
        Err(errors) => errors
            .iter()
            .map(|error| {
                Finding::problem(Area::Schema, "identity_schema", error.to_string())
                    .key("identity.schemas")
                    .why("Bia does not start without its identity schemas.")
                    .fix("A relative path counts from the working directory.")
            })
            .collect(),
    }
}

/// Without secrets of one's own they are generated and kept in a file, where there is a place for one.
pub(crate) fn secrets(config: &Config) -> Option<Finding> {
    if !config.secrets.need_default() || config.dev {
        return None;
    }
    let database = match &config.dsn {
        Dsn::Sqlite { .. } => return None,
        Dsn::Postgres { .. } => "PostgreSQL",
        Dsn::Memory => "a database in memory",
    };
    Some(
        Finding::problem(
            Area::Configuration,
            "secrets_missing",
            format!("no secrets are set, and with {database} none can be kept"),
        )
        .key("secrets.default")
        .why("Bia does not start: new secrets at every start would sign everybody out.")
        .fix("Set secrets.default, or SECRETS_DEFAULT='[\"…\"]'; `openssl rand -hex 32` makes one."),
    )
}
