//! Texts that mappers may import (`bia.mapper.import_dir`): read here and shipped along, because the process
//! that evaluates a mapper can't open a file.

use bia_model::ApiError;
use bia_outbound::Stamp;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// All imports together.
const TOTAL_BYTES_MAX: u64 = 1024 * 1024;
const FILES_MAX: usize = 256;
const DEPTH_MAX: usize = 8;
/// Entries of other kinds that are passed over on the way.
const ENTRIES_MAX: usize = 4096;

/// Paths as a mapper writes them, and the texts behind them.
pub type Texts = Vec<(String, String)>;

/// The texts that were read last, kept until a file below the folder is added, changed or removed.
#[derive(Clone, Debug, Default)]
pub struct Imports {
    last: Arc<Mutex<Option<Kept>>>,
    /// Instead of looking into the folder.
    fixed: Option<Arc<Texts>>,
}

#[derive(Debug)]
struct Kept {
    files: Vec<Listed>,
    texts: Arc<Texts>,
}

/// A file that may be imported, and by what a change of it shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    name: String,
    real: PathBuf,
    stamp: Stamp,
}

impl Imports {
    /// These texts and no others, whatever becomes of the folder: an edit shows once somebody has looked at it.
    pub fn fixed(texts: Arc<Texts>) -> Self {
        Self { fixed: Some(texts), ..Self::default() }
    }

    /// What a mapper may import: nothing without a folder, and for a mapper that imports nothing.
    ///
    /// # Errors
    /// 500 without details; the log says which file.
    pub(crate) async fn of(&self, directory: Option<&Path>, mapper: &str) -> Result<Arc<Texts>, ApiError> {
        // No form of import is written without this word.
        let Some(directory) = directory.filter(|_| mapper.contains("import")).map(Path::to_owned) else {
            return Ok(Arc::default());
        };
        if let Some(texts) = &self.fixed {
            return Ok(Arc::clone(texts));
        }
        let kept = self.clone();
        let read = tokio::task::spawn_blocking(move || kept.read(&directory, SystemTime::now())).await;
        let failed = |reason: String| {
            tracing::error!(reason, "bia.mapper.import_dir can't be used");
            ApiError::plain("The claims mapper could not be loaded. Please report this to the system administrator.")
        };
        match read {
            Ok(Ok(texts)) => Ok(texts),
            Ok(Err(reason)) => Err(failed(reason)),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    fn read(&self, directory: &Path, now: SystemTime) -> Result<Arc<Texts>, String> {
        let files = list(directory)?;
        if let Some(kept) = &*self.last.lock().unwrap_or_else(PoisonError::into_inner)
            && kept.files == files
        {
            return Ok(Arc::clone(&kept.texts));
        }
        let texts = Arc::new(read_all(&files)?);
        let kept =
            files.iter().all(|file| file.stamp.is_settled(now)).then(|| Kept { files, texts: Arc::clone(&texts) });
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        Ok(texts)
    }
}

/// Every text that a mapper may import, for tools that run mappers without a server.
///
/// # Errors
/// What is wrong, in a sentence that names the file.
pub fn read_folder(directory: &Path) -> Result<Texts, String> {
    read_all(&list(directory)?)
}

/// Every `.libsonnet` and `.jsonnet` file below the folder, by its path relative to it. Links that lead out of it are
/// refused, and so are more than 1 MiB in total and what is no file.
fn list(directory: &Path) -> Result<Vec<Listed>, String> {
    let root = directory.canonicalize().map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut files = Vec::new();
    let (mut total, mut seen) = (0_u64, 0);
    let mut folders: Vec<(PathBuf, usize)> = vec![(root.clone(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| error.to_string())?.path();
            let failed = |error: std::io::Error| format!("{}: {error}", path.display());
            seen += 1;
            if seen > ENTRIES_MAX {
                return Err(format!("the import directory holds more than {ENTRIES_MAX} entries"));
            }
            // Path traversal: what a link points at counts, not where the link stands.
            let real = path.canonicalize().map_err(failed)?;
            if !real.starts_with(&root) {
                return Err(format!("{} leads out of the import directory", path.display()));
            }
            let meta = fs::metadata(&real).map_err(failed)?;
            if meta.is_dir() {
                if depth < DEPTH_MAX {
                    folders.push((path, depth + 1));
                }
                continue;
            }
            if !path.extension().is_some_and(|extension| extension == "libsonnet" || extension == "jsonnet") {
                continue;
            }
            if !meta.is_file() {
                // A pipe would hold every sign-in up, a device never ends.
                return Err(format!("{} is no regular file", path.display()));
            }
            total = total.saturating_add(meta.len());
            if total > TOTAL_BYTES_MAX || files.len() >= FILES_MAX {
                return Err(too_much());
            }
            files.push(Listed {
                name: path.strip_prefix(&root).unwrap_or(&path).display().to_string(),
                real,
                stamp: Stamp::of(&meta),
            });
        }
    }
    files.sort();
    Ok(files)
}

fn read_all(files: &[Listed]) -> Result<Texts, String> {
    let mut left = TOTAL_BYTES_MAX;
    let mut texts = Vec::with_capacity(files.len());
    for Listed { name, real, .. } in files {
        let failed = |error: std::io::Error| format!("{}: {error}", real.display());
        let mut text = String::new();
        // It may have grown since it was listed.
        File::open(real).and_then(|file| file.take(left + 1).read_to_string(&mut text)).map_err(failed)?;
        left = left.checked_sub(text.len() as u64).ok_or_else(too_much)?;
        texts.push((name.clone(), text));
    }
    Ok(texts)
}

fn too_much() -> String {
    format!("the import directory holds more than {TOTAL_BYTES_MAX} bytes or {FILES_MAX} files")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    fn write(folder: &tempfile::TempDir, name: &str, text: &str) {
        fs::write(folder.path().join(name), text).expect("written");
    }

    #[test]
    fn files_are_named_by_their_path_below_the_directory() {
        let root = folder();
        fs::create_dir(root.path().join("lib")).expect("a folder");
        write(&root, "lib/names.libsonnet", "{}");
        write(&root, "notes.txt", "no");
        assert_eq!(read_folder(root.path()), Ok(vec![("lib/names.libsonnet".to_owned(), "{}".to_owned())]));
    }

    #[test]
    fn a_link_that_leads_out_is_refused_and_one_that_stays_is_followed() {
        let (root, outside) = (folder(), folder());
        write(&root, "a.libsonnet", "1");
        symlink("a.libsonnet", root.path().join("b.libsonnet")).expect("a link");
        assert_eq!(read_folder(root.path()).expect("texts").len(), 2);
        write(&outside, "secret.jsonnet", "{}");
        let link = root.path().join("x.jsonnet");
        for target in [outside.path().join("secret.jsonnet"), outside.path().to_owned(), "/dev/zero".into()] {
            symlink(&target, &link).expect("a link");
            let refusal = read_folder(root.path()).expect_err("refused");
            assert!(refusal.contains("x.jsonnet leads out of the import directory"), "{refusal}");
            fs::remove_file(&link).expect("removed");
        }
    }

    #[test]
    fn more_than_a_mebibyte_in_total_is_refused() {
        let root = folder();
        write(&root, "a.jsonnet", &" ".repeat(1024 * 1024));
        assert!(read_folder(root.path()).is_ok());
        write(&root, "b.jsonnet", " ");
        assert!(read_folder(root.path()).expect_err("refused").contains("1048576 bytes"));
    }

    #[test]
    fn what_is_no_file_or_no_text_is_refused_by_name() {
        let root = folder();
        let socket = root.path().join("s.jsonnet");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        assert!(read_folder(root.path()).expect_err("refused").contains("s.jsonnet is no regular file"));
        fs::remove_file(&socket).expect("removed");
        fs::write(root.path().join("bytes.libsonnet"), [0xff, 0xfe]).expect("written");
        assert!(read_folder(root.path()).expect_err("refused").contains("bytes.libsonnet"));
    }

    #[test]
    fn texts_are_kept_until_a_file_changes() {
        let root = folder();
        write(&root, "a.libsonnet", "1");
        let imports = Imports::default();
        let later = SystemTime::now() + Duration::from_secs(60);
        let first = imports.read(root.path(), later).expect("texts");
        assert!(Arc::ptr_eq(&first, &imports.read(root.path(), later).expect("texts")), "not read again");
        // Of the same length: only the times tell.
        write(&root, "a.libsonnet", "2");
        assert_eq!(imports.read(root.path(), later).expect("texts")[0].1, "2");
        write(&root, "b.libsonnet", "3");
        assert_eq!(imports.read(root.path(), later).expect("texts").len(), 2);
        fs::remove_file(root.path().join("a.libsonnet")).expect("removed");
        assert_eq!(imports.read(root.path(), later).expect("texts").len(), 1);
    }

    #[test]
    fn a_file_written_just_now_is_read_again() {
        let root = folder();
        write(&root, "a.libsonnet", "1");
        let imports = Imports::default();
        let first = imports.read(root.path(), SystemTime::now()).expect("texts");
        assert!(!Arc::ptr_eq(&first, &imports.read(root.path(), SystemTime::now()).expect("texts")));
    }

    #[tokio::test]
    async fn a_mapper_that_imports_nothing_does_not_depend_on_the_folder() {
        let imports = Imports::default();
        let missing = Some(Path::new("/nonexistent"));
        assert!(imports.of(missing, "{ identity: {} }").await.is_ok_and(|texts| texts.is_empty()));
        assert!(imports.of(missing, "import 'a.libsonnet'").await.is_err());
        assert!(imports.of(None, "import 'a.libsonnet'").await.is_ok_and(|texts| texts.is_empty()));
    }
}
