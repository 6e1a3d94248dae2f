//! Texts that mappers may import (`bia.mapper.import_dir`): read here and shipped along, because the process
//! that evaluates a mapper can't open a file.

use crate::deps::Deps;
use bia_model::ApiError;
use std::path::{Path, PathBuf};

/// All imports together.
const TOTAL_BYTES_MAX: u64 = 1024 * 1024;
const FILES_MAX: usize = 256;
const DEPTH_MAX: usize = 8;

/// Every `.libsonnet` and `.jsonnet` file below the import directory, by its path relative to it. Links that
/// lead out of it are refused, and so is more than 1 MiB in total.
///
/// # Errors
/// 500 without details; the log says which file.
pub(crate) async fn read(deps: &Deps) -> Result<Vec<(String, String)>, ApiError> {
    let Some(directory) = deps.config.bia.mapper.import_dir.clone() else {
        return Ok(Vec::new());
    };
    let read = tokio::task::spawn_blocking(move || read_folder(&directory)).await;
    let failed = |reason: String| {
        tracing::error!(reason, "bia.mapper.import_dir can't be used");
        ApiError::plain("The claims mapper could not be loaded. Please report this to the system administrator.")
    };
    match read {
        Ok(Ok(files)) => Ok(files),
        Ok(Err(reason)) => Err(failed(reason)),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Every text that a mapper may import, for tools that run mappers without a server. See [`read`].
///
/// # Errors
/// What is wrong, in a sentence that names the file.
pub fn read_folder(directory: &Path) -> Result<Vec<(String, String)>, String> {
    let root = directory.canonicalize().map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut files = Vec::new();
    let mut total = 0;
    let mut folders: Vec<(PathBuf, usize)> = vec![(root.clone(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| error.to_string())?.path();
            // Path traversal: what a link points at counts, not where the link stands.
            let real = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
            if !real.starts_with(&root) {
                return Err(format!("{} leads out of the import directory", path.display()));
            }
            if real.is_dir() {
                if depth < DEPTH_MAX {
                    folders.push((path, depth + 1));
                }
                continue;
            }
            if !path.extension().is_some_and(|extension| extension == "libsonnet" || extension == "jsonnet") {
                continue;
            }
            total += real.metadata().map_err(|error| format!("{}: {error}", path.display()))?.len();
            if total > TOTAL_BYTES_MAX || files.len() >= FILES_MAX {
                return Err(format!(
                    "the import directory holds more than {TOTAL_BYTES_MAX} bytes or {FILES_MAX} files"
                ));
            }
            let text = std::fs::read_to_string(&real).map_err(|error| format!("{}: {error}", path.display()))?;
            let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
            files.push((name, text));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::read_folder;

    #[test]
    fn files_are_named_by_their_path_below_the_directory() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("lib")).unwrap();
        std::fs::write(root.path().join("lib/names.libsonnet"), "{}").unwrap();
        std::fs::write(root.path().join("notes.txt"), "no").unwrap();
        assert_eq!(read_folder(root.path()).unwrap(), [("lib/names.libsonnet".to_owned(), "{}".to_owned())]);
    }

    #[test]
    fn a_link_that_leads_out_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret.jsonnet"), "{}").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.jsonnet"), root.path().join("x.jsonnet")).unwrap();
        assert!(read_folder(root.path()).unwrap_err().contains("leads out"));
    }

    #[test]
    fn more_than_a_mebibyte_is_refused() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("big.jsonnet"), " ".repeat(1024 * 1024 + 1)).unwrap();
        assert!(read_folder(root.path()).is_err());
    }
}
