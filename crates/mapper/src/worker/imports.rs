//! Imports without a file system: only texts that were shipped along can be imported.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::Path;

use jrsonnet_evaluator::error::{ErrorKind, Result};
use jrsonnet_evaluator::{AsPathLike, ImportResolver, ResolvePath, SourcePath, bail};
use jrsonnet_gcmodule::Acyclic;
use jrsonnet_ir::SourcePathT;

/// What the message of a refused import begins with.
// Kratos: the text of its importer, which allows no import at all.
pub(super) const NOT_AVAILABLE: &str = "import not available";

/// The texts of one evaluation.
#[derive(Acyclic)]
pub(super) struct Shipped {
    files: Vec<(String, String)>,
}

impl Shipped {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect() }
    }

    fn has(&self, path: &str) -> bool {
        self.files.iter().any(|(known, _)| known == path)
    }
}

impl ImportResolver for Shipped {
    /// As a file system would: relative to the importing text first, then as written.
    fn resolve_from(&self, from: &SourcePath, path: &dyn AsPathLike) -> Result<SourcePath> {
        let wanted = match path.as_path() {
            ResolvePath::Str(path) => path.to_owned(),
            ResolvePath::Path(path) => path.to_string_lossy().into_owned(),
        };
        let beside = from.downcast_ref::<ShippedPath>().and_then(|ShippedPath(from)| join(from, &wanted));
        match beside.filter(|path| self.has(path)).or_else(|| join("", &wanted).filter(|path| self.has(path))) {
            Some(path) => Ok(SourcePath::new(ShippedPath(path))),
            None => bail!(ErrorKind::ImportCallbackError(format!("{NOT_AVAILABLE} {wanted}"))),
        }
    }

    fn load_file_contents(&self, resolved: &SourcePath) -> Result<Vec<u8>> {
        let found = resolved
            .downcast_ref::<ShippedPath>()
            .and_then(|ShippedPath(path)| self.files.iter().find(|(known, _)| known == path));
        match found {
            Some((_, text)) => Ok(text.as_bytes().to_vec()),
            None => bail!(ErrorKind::ImportCallbackError(format!("{NOT_AVAILABLE} {resolved}"))),
        }
    }
}

/// `path` seen from the folder of `from`, without `.` and `..`; `None` when it leads out of the shipped tree.
fn join(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The path of a shipped text, as it appears in messages and in `std.thisFile`.
#[derive(Acyclic, Debug, PartialEq, Eq, Hash)]
pub(super) struct ShippedPath(pub(super) String);

impl fmt::Display for ShippedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SourcePathT for ShippedPath {
    fn is_default(&self) -> bool {
        false
    }

    fn path(&self) -> Option<&Path> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn dyn_hash(&self, mut hasher: &mut dyn Hasher) {
        self.hash(&mut hasher);
    }

    fn dyn_eq(&self, other: &dyn SourcePathT) -> bool {
        other.as_any().downcast_ref::<Self>() == Some(self)
    }

    fn dyn_debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
