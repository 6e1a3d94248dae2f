//! What files held at one moment.
//!
//! A file counts as changed when its content has, so that `touch`, a checkout of the same revision and a swapped
//! symbolic link to equal text reload nothing.

use bia_outbound::Stamp;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// No file of a configuration is larger; what is, shows by its size and times alone.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// Entries below one folder, and how deep.
const ENTRIES_MAX: usize = 4096;
const DEPTH_MAX: usize = 8;

/// Files and folders whose content is part of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Followed {
    pub(crate) files: BTreeSet<PathBuf>,
    /// With everything below them.
    pub(crate) folders: BTreeSet<PathBuf>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot(BTreeMap<PathBuf, Seen>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    stamp: Option<Stamp>,
    /// None when there is no regular file that can be read.
    content: Option<[u8; 32]>,
}

impl Snapshot {
    /// Looks at everything; what has the same size and times as in `before` is not read again.
    pub(crate) fn take(followed: &Followed, before: &Self, now: SystemTime) -> Self {
        let mut paths = followed.files.clone();
        for folder in &followed.folders {
            files_below(folder, &mut paths);
        }
        let look = |path: PathBuf| {
            let seen = see(&path, before.0.get(&path), now);
            (path, seen)
        };
        Self(paths.into_iter().map(look).collect())
    }

    /// This one, with what `before` says about the files that both know.
    pub(crate) fn keeping(mut self, before: &Self) -> Self {
        for (path, seen) in &mut self.0 {
            if let Some(known) = before.0.get(path) {
                seen.clone_from(known);
            }
        }
        self
    }

    /// What `newer` says about its files, in place of what this one says about those it knows.
    pub(crate) fn renew(&mut self, newer: Self) {
        for (path, seen) in newer.0 {
            if let Some(known) = self.0.get_mut(&path) {
                *known = seen;
            }
        }
    }

    /// Files that are new, gone, or hold something else than before.
    pub(crate) fn differences<'a>(&'a self, before: &'a Self) -> Vec<&'a Path> {
        let content = |snapshot: &Self, path: &Path| snapshot.0.get(path).map(|seen| seen.content);
        let paths: BTreeSet<&PathBuf> = self.0.keys().chain(before.0.keys()).collect();
        paths.into_iter().filter(|path| content(self, path) != content(before, path)).map(PathBuf::as_path).collect()
    }
}

fn see(path: &Path, before: Option<&Seen>, now: SystemTime) -> Seen {
    let Ok(metadata) = fs::metadata(path) else { return Seen { stamp: None, content: None } };
    let stamp = Stamp::of(&metadata);
    if let Some(before) = before.filter(|before| before.stamp == Some(stamp) && stamp.is_settled(now)) {
        return before.clone();
    }
    // A pipe would hold the look up for ever, a device has no end.
    let content = metadata.is_file().then(|| digest(path, stamp)).and_then(Result::ok);
    Seen { stamp: Some(stamp), content }
}

fn digest(path: &Path, stamp: Stamp) -> io::Result<[u8; 32]> {
    let mut content = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
    if content.len() as u64 > FILE_BYTES_MAX {
        content = format!("{stamp:?}").into_bytes();
    }
    Ok(Sha256::digest(&content).into())
}

fn files_below(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    let mut left = ENTRIES_MAX;
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            left -= 1;
            if left == 0 {
                return;
            }
            let path = entry.path();
            if path.is_dir() {
                if depth < DEPTH_MAX {
                    folders.push((path, depth + 1));
                }
            } else {
                found.insert(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn following(file: &Path) -> Followed {
        Followed { files: [file.to_owned()].into(), ..Followed::default() }
    }

    fn take(followed: &Followed, before: &Snapshot) -> Snapshot {
        Snapshot::take(followed, before, SystemTime::now() + Duration::from_secs(60))
    }

    #[test]
    fn content_decides_and_not_times_or_links() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("kratos.yml");
        let followed = following(&path);
        let missing = take(&followed, &Snapshot::default());
        fs::write(&path, "one").expect("file");
        let one = take(&followed, &missing);
        assert_eq!(one.differences(&missing), [path.as_path()]);
        // Written anew and renamed into place, as editors do.
        fs::write(folder.path().join("aside"), "one").expect("file");
        fs::rename(folder.path().join("aside"), &path).expect("renamed");
        let again = take(&followed, &one);
        assert!(again.differences(&one).is_empty());
        fs::write(&path, "two").expect("file");
        assert_eq!(take(&followed, &again).differences(&again), [path.as_path()]);
        fs::remove_file(&path).expect("removed");
        assert_eq!(take(&followed, &again).differences(&again), [path.as_path()]);
    }

    #[test]
    fn files_of_a_folder_come_and_go() {
        let folder = tempfile::tempdir().expect("folder");
        let followed = Followed { folders: [folder.path().to_owned()].into(), ..Followed::default() };
        let empty = take(&followed, &Snapshot::default());
        fs::create_dir(folder.path().join("lib")).expect("folder");
        let path = folder.path().join("lib/names.libsonnet");
        fs::write(&path, "{}").expect("file");
        let one = take(&followed, &empty);
        assert_eq!(one.differences(&empty), [path.as_path()]);
        fs::remove_file(&path).expect("removed");
        assert_eq!(take(&followed, &one).differences(&one), [path.as_path()]);
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        assert_eq!(take(&following(&path), &Snapshot::default()).0[&path].content, None);
    }
}
