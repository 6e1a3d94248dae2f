//! `bia.audit`: the record of who signed in, who was refused, and what administrators changed.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// Audit events, one JSON object a line; docs/observability.md lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// A file that events are appended to, for example `/var/log/bia/audit.jsonl`, or `-` for standard output. After a
    /// tool moved the file away, SIGHUP opens it anew. Default: none, events are lines of the log.
    pub file: Option<PathBuf>,
    /// Write the client's address and user agent and the account's e-mail address, too. Default: false.
    pub personal_data: bool,
}
