//! A file that is whole or as it was: written beside its place, and renamed over it in the end. A link in its place is
//! replaced and not followed, and the rights are those of the new file, whatever those of an earlier one were.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Removed when it does not come to [`Aside::put_in_place`].
pub(super) struct Aside {
    file: File,
    path: PathBuf,
    aside: PathBuf,
}

impl Aside {
    pub(super) fn create(path: &Path, mode: u32) -> io::Result<Self> {
        let mut aside = path.as_os_str().to_os_string();
        aside.push(format!(".{}", std::process::id()));
        let aside = PathBuf::from(aside);
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&aside)?;
        Ok(Self { file, path: path.to_owned(), aside })
    }

    /// What is written to.
    pub(super) fn out(&self) -> &File {
        &self.file
    }

    /// Everything is written: from now on it is the file.
    pub(super) fn put_in_place(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.aside, &self.path)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // Nothing is there any more when it was renamed; else the failure that led here is the one to tell of.
        let _ = fs::remove_file(&self.aside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_that_is_overwritten_keeps_neither_its_rights_nor_its_loss() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("people.json");
        fs::write(&path, "earlier").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("rights");
        let aside = Aside::create(&path, 0o600).expect("aside");
        aside.out().write_all(b"half").expect("written");
        drop(aside);
        assert_eq!(fs::read_to_string(&path).expect("read"), "earlier", "cut off, it is as it was");
        let aside = Aside::create(&path, 0o600).expect("aside");
        aside.out().write_all(b"whole").expect("written");
        aside.put_in_place().expect("in place");
        assert_eq!(fs::read_to_string(&path).expect("read"), "whole");
        assert_eq!(fs::metadata(&path).expect("meta").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("folder").count(), 1, "nothing is left beside it");
    }
}
