//! `database`: settings of `bia cleanup sql`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// Housekeeping of the database.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// What `bia cleanup sql` removes and how fast.
    pub cleanup: Cleanup,
}

/// `database.cleanup`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Cleanup {
    /// Rows removed at a time. Default: 100.
    #[schemars(range(min = 1))]
    pub batch_size: u64,
    /// Pauses in between.
    pub sleep: CleanupSleep,
    /// Keep rows that expired less than this long ago. Default: `0s`.
    #[serde(with = "crate::duration")]
    #[schemars(schema_with = "single_unit")]
    pub older_than: Duration,
}

impl Default for Cleanup {
    fn default() -> Self {
        Self { batch_size: 100, sleep: CleanupSleep::default(), older_than: Duration::ZERO }
    }
}

/// `database.cleanup.sleep`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CleanupSleep {
    /// Accepted for Kratos' sake and without effect: batches are small, and each is followed by a rest. Default: `1m`.
    #[serde(with = "crate::duration")]
    #[schemars(schema_with = "single_unit")]
    pub tables: Duration,
}

impl Default for CleanupSleep {
    fn default() -> Self {
        Self { tables: Duration::from_secs(60) }
    }
}

/// Kratos: these two take one number and one unit, `90m` but not `1h30m`.
fn single_unit(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "pattern": "^[0-9]+(ns|us|ms|s|m|h)$" })
}
