//! Notices that files changed, by looking at them: works on every file system, mounted folders of containers included.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long an edit may stay unnoticed.
const PAUSE: Duration = Duration::from_millis(300);
const FILES_MAX: usize = 20_000;
const DEPTH_MAX: usize = 8;

/// Size and time of every file below some paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

impl Seen {
    /// Looks once.
    pub fn look(paths: &[PathBuf]) -> Self {
        let mut seen = Self::default();
        paths.iter().for_each(|path| seen.add(path, 0));
        seen
    }

    fn add(&mut self, path: &Path, depth: usize) {
        let Ok(meta) = path.metadata() else { return };
        if self.0.len() >= FILES_MAX || depth > DEPTH_MAX {
            return;
        }
        if !meta.is_dir() {
            self.0.insert(path.to_owned(), (meta.len(), meta.modified().ok()));
            return;
        }
        for entry in path.read_dir().into_iter().flatten().flatten() {
            self.add(&entry.path(), depth + 1);
        }
    }
}

/// Returns what is there once it is no longer what was `seen`.
pub async fn changed(paths: &[PathBuf], seen: &Seen) -> Seen {
    loop {
        let now = Seen::look(paths);
        if now != *seen {
            return now;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_written_an_added_and_a_removed_file_are_noticed() {
        let folder = tempfile::tempdir().expect("folder");
        let paths = [folder.path().to_owned()];
        let file = folder.path().join("a.json");
        let mut seen = Seen::look(&paths);
        std::fs::write(&file, "1").expect("write");
        for step in ["added", "written", "removed"] {
            let now = changed(&paths, &seen).await;
            assert_ne!(now, seen, "{step}");
            seen = now;
            match step {
                "added" => std::fs::write(&file, "22").expect("write"),
                _ => drop(std::fs::remove_file(&file)),
            }
        }
    }
}
