//! The file of an export. Traits and metadata are nobody else's business, so it is its owner's alone, whatever the
//! rights of a file of that name were; and it is whole or as it was.

use anyhow::{Context as _, bail};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Written beside the file and renamed in the end; removed when it does not come to that.
pub(super) struct Aside {
    file: File,
    path: PathBuf,
    /// None for what is no file and can't be replaced, such as `/dev/stdout` or a pipe.
    aside: Option<PathBuf>,
    force: bool,
}

impl Aside {
    pub(super) fn create(path: &Path, force: bool) -> anyhow::Result<Self> {
        let unwritable = || format!("{} can't be written", path.display());
        refuse_existing(path, force)?;
        if is_device(path) {
            let file = OpenOptions::new().write(true).open(path).with_context(unwritable)?;
            return Ok(Self { file, path: path.to_owned(), aside: None, force });
        }
        let mut aside = path.as_os_str().to_os_string();
        aside.push(format!(".{}", std::process::id()));
        let aside = PathBuf::from(aside);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).with_context(unwritable)?;
        Ok(Self { file, path: path.to_owned(), aside: Some(aside), force })
    }

    /// What is written to.
    pub(super) fn out(&self) -> anyhow::Result<File> {
        self.file.try_clone().with_context(|| format!("{} can't be written", self.path.display()))
    }

    /// Everything is written: from now on it is the file.
    pub(super) fn put_in_place(mut self) -> anyhow::Result<()> {
        let Some(aside) = &self.aside else { return Ok(()) };
        let unwritable = || format!("{} can't be written", self.path.display());
        self.file.sync_all().with_context(unwritable)?;
        // Somebody else may have made one while people were read.
        refuse_existing(&self.path, self.force)?;
        fs::rename(aside, &self.path).with_context(unwritable)?;
        self.aside = None;
        Ok(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Some(aside) = &self.aside {
            // The failure that led here is the one to tell of.
            let _ = fs::remove_file(aside);
        }
    }
}

fn refuse_existing(path: &Path, force: bool) -> anyhow::Result<()> {
    if !force && path.symlink_metadata().is_ok() {
        bail!("{} exists; name another file, or add --force", path.display());
    }
    Ok(())
}

/// Renaming over a device would put a file in its place for everybody.
fn is_device(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc") || fs::metadata(path).is_ok_and(|meta| !meta.is_file())
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
        assert!(Aside::create(&path, false).is_err());
        let aside = Aside::create(&path, true).expect("aside");
        aside.out().expect("out").write_all(b"half").expect("written");
        drop(aside);
        assert_eq!(fs::read_to_string(&path).expect("read"), "earlier", "cut off, it is as it was");
        let aside = Aside::create(&path, true).expect("aside");
        aside.out().expect("out").write_all(b"whole").expect("written");
        aside.put_in_place().expect("in place");
        assert_eq!(fs::read_to_string(&path).expect("read"), "whole");
        assert_eq!(fs::metadata(&path).expect("meta").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("folder").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_device_is_written_to_and_stays_one() {
        let aside = Aside::create(Path::new("/dev/null"), true).expect("opened");
        aside.out().expect("out").write_all(b"x").expect("written");
        aside.put_in_place().expect("nothing to do");
        assert!(!fs::metadata("/dev/null").expect("meta").is_file());
    }
}
