//! Listening on a unix socket: owner, group and mode as configured, left-overs of a crash removed.

use bia_config::Socket;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;

/// Why a socket can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("can't listen on unix:{path}: {why}")]
    Bind { path: String, why: io::Error },
    #[error("{path} exists and is no socket; remove it or choose another path")]
    NotASocket { path: String },
    #[error("another process listens on {path}")]
    InUse { path: String },
    #[error("there is no {kind} named {name:?} on this machine")]
    NoSuchName { kind: &'static str, name: String },
    #[error("owner or mode of {path} can't be set: {why}")]
    Owner { path: String, why: io::Error },
}

/// Removes the socket's file when the listener ends.
pub(super) struct Guard(PathBuf);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Opens the socket.
pub(super) fn bind(path: &Path, socket: &Socket) -> Result<(UnixListener, Guard), SocketError> {
    let text = path.display().to_string();
    remove_left_over(path, &text)?;
    let uid = id_of("/etc/passwd", "user", &socket.owner)?;
    let gid = id_of("/etc/group", "group", &socket.group)?;
    let listener = UnixListener::bind(path).map_err(|why| SocketError::Bind { path: text.clone(), why })?;
    let guard = Guard(path.to_owned());
    let failed = |why| SocketError::Owner { path: text.clone(), why };
    std::fs::set_permissions(path, Permissions::from_mode(socket.mode & 0o777)).map_err(failed)?;
    if uid.is_some() || gid.is_some() {
        std::os::unix::fs::chown(path, uid, gid).map_err(failed)?;
    }
    Ok((listener, guard))
}

/// A socket that nobody listens on any more is removed; anything else is somebody's.
fn remove_left_over(path: &Path, text: &str) -> Result<(), SocketError> {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(SocketError::NotASocket { path: text.to_owned() });
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(SocketError::InUse { path: text.to_owned() });
    }
    std::fs::remove_file(path).map_err(|why| SocketError::Bind { path: text.to_owned(), why })
}

/// The number behind a name in `/etc/passwd` or `/etc/group`; an empty name changes nothing.
fn id_of(file: &str, kind: &'static str, name: &str) -> Result<Option<u32>, SocketError> {
    if name.is_empty() {
        return Ok(None);
    }
    if let Ok(id) = name.parse() {
        return Ok(Some(id));
    }
    let table = std::fs::read_to_string(file).unwrap_or_default();
    let found = table.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    });
    found.map(Some).ok_or_else(|| SocketError::NoSuchName { kind, name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_left_over_is_replaced_but_nothing_that_is_in_use() {
        let folder = std::env::temp_dir().join(format!("bia-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("s");
        let socket = Socket { mode: 0o600, ..Socket::default() };
        let (listener, guard) = bind(&path, &socket).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(bind(&path, &socket), Err(SocketError::InUse { .. })));
        drop(listener);
        std::mem::forget(guard);
        let (_, guard) = bind(&path, &socket).unwrap();
        drop(guard);
        assert!(!path.exists());
        std::fs::write(&path, "precious").unwrap();
        assert!(matches!(bind(&path, &socket), Err(SocketError::NotASocket { .. })));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn names_are_looked_up() {
        assert_eq!(id_of("/etc/passwd", "user", "root").unwrap(), Some(0));
        assert_eq!(id_of("/etc/passwd", "user", "").unwrap(), None);
        assert!(id_of("/etc/group", "group", "no-such-group").is_err());
    }
}
