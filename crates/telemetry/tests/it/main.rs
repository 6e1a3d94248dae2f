//! Sources, documentation and catalogue agree; audit events go where they should.

mod audit_file;
mod documentation;
mod sources;

use std::path::{Path, PathBuf};

/// The folder of the whole project.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
