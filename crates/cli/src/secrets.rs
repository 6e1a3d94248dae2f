//! Secrets that the operator left out: generated once and kept beside the SQLite file.
//!
//! Kratos makes up new ones at every start, so that a restart signs everybody out. Here they survive; where no
//! place for them exists, `serve` refuses instead of quietly doing what Kratos does.

use bia_config::{Config, Dsn, SecretString};
use rand::RngCore as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A file larger than this was not written by us.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Kratos: the shortest secret that `secrets.default` takes.
const SECRET_CHARS_MIN: usize = 16;

/// Why there are no secrets to serve with.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// Nothing would keep a generated secret.
    #[error(
        "secrets.default is not set, and with {database} there is no file beside which a generated secret could be kept. \
         Set it, for example SECRETS_DEFAULT='[\"…at least 16 random characters…\"]' (`openssl rand -hex 32` makes one)"
    )]
    NoPlace {
        /// The kind of database.
        database: &'static str,
    },
    /// The folder or file can't be used.
    #[error(
        "secrets.default is not set, and the generated secret can't be kept in {}: {why}. \
         Make the folder writable, or set secrets.default", path.display()
    )]
    Unwritable {
        /// The file with the generated secret.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// Somebody edited it.
    #[error(
        "{} holds no secret of at least {SECRET_CHARS_MIN} characters. \
         Restore the file from a backup; without it everybody is signed out and stored tokens are lost", path.display()
    )]
    Unusable {
        /// The file with the generated secret.
        path: PathBuf,
    },
}

/// Where the generated secret of a SQLite file is kept.
pub fn path_beside(database: &Path) -> PathBuf {
    let mut name = database.file_name().unwrap_or_default().to_os_string();
    name.push(".secrets");
    database.with_file_name(name)
}

/// The file that [`complete`] reads for this configuration, or makes.
pub(crate) fn file(config: &Config) -> Option<PathBuf> {
    match &config.dsn {
        Dsn::Sqlite { path, .. } if config.secrets.need_default() => Some(path_beside(path)),
        _ => None,
    }
}

/// Makes that file if it is missing, and says which it is: who follows files has to know that this is nobody's edit.
/// What goes wrong goes wrong in [`complete`], too, which tells.
pub(crate) fn make_missing(config: &Config) -> Option<PathBuf> {
    let path = file(config).filter(|path| matches!(path.try_exists(), Ok(false)))?;
    keep(&path).is_ok().then_some(path)
}

/// Fills `secrets.default` when something would be left without a key.
///
/// # Errors
/// See [`SecretsError`]. Under `--dev` there are none: the secret then lives as long as the process, which keeps it in
/// `of_process`, so that a reload signs nobody out.
pub fn complete(config: &mut Config, of_process: &OnceLock<SecretString>) -> Result<(), SecretsError> {
    if !config.secrets.need_default() {
        return Ok(());
    }
    let kept = match &config.dsn {
        Dsn::Sqlite { path, .. } => keep(&path_beside(path)),
        Dsn::Memory => Err(SecretsError::NoPlace { database: "a database in memory" }),
        Dsn::Postgres { .. } => Err(SecretsError::NoPlace { database: "PostgreSQL" }),
    };
    config.secrets.default = match kept {
        Err(SecretsError::NoPlace { .. } | SecretsError::Unwritable { .. }) if config.dev => {
            let secret = of_process.get_or_init(|| {
                tracing::warn!("secrets.default is not set: everybody is signed out when this process ends");
                SecretString::from(generate())
            });
            vec![secret.clone()]
        }
        kept => kept?,
    };
    Ok(())
}

/// Reads the file; makes it first when it is missing. Its first line is in use, further lines still open old seals.
fn keep(path: &Path) -> Result<Vec<SecretString>, SecretsError> {
    let unwritable = |why| SecretsError::Unwritable { path: path.to_owned(), why };
    let text = match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path).map_err(unwritable)?;
            tracing::info!(file = %path.display(), "secrets.default is not set: generated and kept in a file; include it in backups");
            read(path).map_err(unwritable)?
        }
        read => read.map_err(unwritable)?,
    };
    let secrets: Vec<_> = lines(&text).map(SecretString::from).collect();
    let long_enough = |text: &str| text.chars().count() >= SECRET_CHARS_MIN;
    let usable = lines(&text).all(long_enough);
    if secrets.is_empty() || !usable {
        return Err(SecretsError::Unusable { path: path.to_owned() });
    }
    Ok(secrets)
}

/// The secrets in such a file.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn read(path: &Path) -> io::Result<String> {
    let meta = fs::metadata(path)?;
    if meta.len() > FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is too large"));
    }
    if meta.permissions().mode() & 0o077 != 0 {
        tracing::warn!(file = %path.display(), "others than its owner can read this secret; `chmod 600` it");
    }
    fs::read_to_string(path)
}

/// Written aside and linked into place: two processes that start together end with one and the same secret, and a
/// crash leaves a whole file or none.
fn create(path: &Path) -> io::Result<()> {
    let mut aside = path.as_os_str().to_os_string();
    aside.push(format!(".{}", std::process::id()));
    let aside = PathBuf::from(aside);
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    let comment = "# Signs and seals what this database belongs to. Back it up, and keep it from others.";
    let written = writeln!(file, "{comment}\n{}", generate()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| fs::hard_link(&aside, path));
    let _ = fs::remove_file(&aside);
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            fs::File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
        }
    }
}

/// 256 bits, in hexadecimal.
pub(crate) fn generate() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bia_config::ExposeSecret as _;

    fn first(path: &Path) -> String {
        keep(path).expect("secret")[0].expose_secret().to_owned()
    }

    #[test]
    fn a_generated_secret_stays_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().expect("folder");
        let path = path_beside(&folder.path().join("bia.sqlite"));
        let secret = first(&path);
        assert_eq!(secret.len(), 64);
        assert_eq!(first(&path), secret);
        assert_eq!(fs::metadata(&path).expect("file").permissions().mode() & 0o777, 0o600);
        let files = fs::read_dir(folder.path()).expect("folder").count();
        assert_eq!(files, 1, "nothing is left beside it");
    }

    #[test]
    fn two_processes_that_start_together_end_with_one_secret() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("x.secrets");
        create(&path).expect("first");
        let secret = first(&path);
        create(&path).expect("second");
        assert_eq!(first(&path), secret);
    }

    #[test]
    fn an_emptied_or_shortened_file_is_an_error_instead_of_a_new_secret() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("x.secrets");
        for text in ["", "# nothing\n", "short\n"] {
            fs::write(&path, text).expect("write");
            assert!(matches!(keep(&path), Err(SecretsError::Unusable { .. })), "{text:?}");
        }
    }

    #[test]
    fn a_folder_that_is_missing_is_named_in_the_error() {
        let error = keep(Path::new("no-such-folder/x.secrets")).expect_err("no folder");
        assert!(error.to_string().contains("no-such-folder/x.secrets"), "{error}");
    }
}
