//! Where a move is: a small file, so that a cut-off move goes on instead of beginning anew. It holds no personal data.

use crate::error::MovingError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

/// A report of a large move with its failures.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The file of one move.
#[derive(Clone, Debug)]
pub struct Cursor {
    pub path: PathBuf,
    /// Forget what an earlier run left.
    pub restart: bool,
}

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saved<R> {
    /// The two ends, so that nobody continues another move by accident.
    pub(crate) ends: String,
    /// What the next page is asked with.
    pub(crate) next: String,
    pub(crate) report: R,
}

impl Cursor {
    /// What an earlier run of this very move left.
    ///
    /// # Errors
    /// When the file is of another move, or can't be read.
    pub(crate) fn read<R: DeserializeOwned>(&self, ends: &str) -> Result<Option<Saved<R>>, MovingError> {
        if self.restart {
            return Ok(None);
        }
        let text = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(&error.to_string())),
            Ok(meta) if meta.len() > FILE_BYTES_MAX => return Err(self.failed("it is too large")),
            Ok(_) => fs::read_to_string(&self.path).map_err(|error| self.failed(&error.to_string()))?,
        };
        let saved: Saved<R> = serde_json::from_str(&text)
            .map_err(|_| self.failed("it is not a cursor of this version; begin anew with --restart"))?;
        if saved.ends != ends {
            let (path, found, wanted) = (self.path.clone(), saved.ends, ends.to_owned());
            return Err(MovingError::OtherCursor { path, found, wanted });
        }
        Ok(Some(saved))
    }

    /// Written aside and renamed: a kill leaves the old cursor or the new one.
    pub(crate) fn write<R: Serialize>(&self, saved: &Saved<R>) -> Result<(), MovingError> {
        let mut aside = self.path.as_os_str().to_os_string();
        aside.push(".new");
        let aside = PathBuf::from(aside);
        let written = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
            file.write_all(&serde_json::to_vec(saved)?)?;
            file.sync_all()?;
            fs::rename(&aside, &self.path)
        };
        written().map_err(|error| self.failed(&error.to_string()))
    }

    /// The move is over.
    pub(crate) fn remove(&self) -> Result<(), MovingError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed(&error.to_string())),
            _ => Ok(()),
        }
    }

    fn failed(&self, why: &str) -> MovingError {
        MovingError::File { path: self.path.clone(), why: why.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_taken_up_by_its_own_move_alone() {
        let folder = tempfile::tempdir().expect("folder");
        let cursor = Cursor { path: folder.path().join("c"), restart: false };
        assert!(cursor.read::<u32>("a → b").expect("no file").is_none());
        cursor.write(&Saved { ends: "a → b".to_owned(), next: "page_token=x".to_owned(), report: 5 }).expect("written");
        assert_eq!(cursor.read::<u32>("a → b").expect("read").expect("saved").report, 5);
        assert!(matches!(cursor.read::<u32>("a → c"), Err(MovingError::OtherCursor { .. })));
        let anew = Cursor { restart: true, ..cursor.clone() };
        assert!(anew.read::<u32>("a → c").expect("ignored").is_none());
        fs::write(&cursor.path, "nonsense").expect("written");
        assert!(matches!(cursor.read::<u32>("a → b"), Err(MovingError::File { .. })));
        cursor.remove().expect("removed");
        cursor.remove().expect("removed twice");
    }
}
