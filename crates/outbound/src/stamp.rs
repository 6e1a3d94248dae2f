//! By what a change of a file shows without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// A file that is younger may be written again without a new time, as file systems keep time in steps.
const SETTLED_SECONDS: i64 = 2;

/// A file as it was at one moment. Tools that keep time and size of a file when they replace it (`cp --preserve`, `touch
/// --date`, a renewal that is renamed into place) still change its inode or the time of the change itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Taken before the file is read, so that what is written in between shows at the next look.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether any later change gets another stamp. `false` for a file that was written just now.
    pub fn is_settled(self, now: SystemTime) -> bool {
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(self.modified.0.max(self.changed.0)) > SETTLED_SECONDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, metadata, rename, write};
    use std::time::Duration;

    #[test]
    fn a_file_that_is_replaced_shows_though_its_time_and_size_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (path, aside) = (folder.path().join("file"), folder.path().join("aside"));
        write(&path, "one").unwrap();
        let before = metadata(&path).unwrap();
        assert_eq!(Stamp::of(&before), Stamp::of(&metadata(&path).unwrap()));
        write(&aside, "two").unwrap();
        File::options().write(true).open(&aside).unwrap().set_modified(before.modified().unwrap()).unwrap();
        rename(&aside, &path).unwrap();
        let after = metadata(&path).unwrap();
        assert_eq!((after.len(), after.modified().unwrap()), (before.len(), before.modified().unwrap()));
        assert_ne!(Stamp::of(&before), Stamp::of(&after));
    }

    #[test]
    fn a_file_is_settled_once_its_times_are_past_also_when_one_of_them_was_set_back() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_modified(UNIX_EPOCH).unwrap();
        let (stamp, now) = (Stamp::of(&file.path().metadata().unwrap()), SystemTime::now());
        assert!(!stamp.is_settled(now) && !stamp.is_settled(UNIX_EPOCH));
        assert!(stamp.is_settled(now + Duration::from_secs(10)));
    }
}
