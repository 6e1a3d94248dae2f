//! What the service manager is told, as `sd_notify(3)` says it: ready, reloading, stopping.
//!
//! One datagram each to the socket named by `NOTIFY_SOCKET`. Without that variable — in a terminal, in a container —
//! nothing happens; when the socket is gone, serving people matters more than telling of it.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The port is open and the database answers; `status` is the line that `systemctl status` shows.
/// Ends what [`reloading`] began, too.
pub(crate) fn ready(status: &str) {
    tell(&format!("READY=1\nSTATUS={}", one_line(status)));
}

/// A reload has begun; [`ready`] must follow, whether it succeeded or not.
pub(crate) fn reloading() {
    // `Type=notify-reload` wants the time, to tell this reload from an earlier one.
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000);
    tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
}

/// Answers in progress are being finished.
pub(crate) fn stopping() {
    tell("STOPPING=1\nSTATUS=finishing what runs");
}

fn tell(message: &str) {
    let Some(address) = env::var_os("NOTIFY_SOCKET").filter(|address| !address.is_empty()) else { return };
    if let Err(error) = send(&address, message) {
        tracing::warn!(%error, "the service manager cannot be told how things are; NOTIFY_SOCKET names its socket");
    }
}

/// An address that begins with `@` is in the abstract namespace, any other is a path.
fn send(address: &OsStr, message: &str) -> io::Result<()> {
    let address = match address.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    let socket = UnixDatagram::unbound()?;
    // A manager that reads nothing must not stop the start.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(message.as_bytes(), &address).map(drop)
}

/// A line break would begin another assignment.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).expect("a datagram");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[test]
    fn a_message_reaches_a_socket_by_path_and_by_abstract_name() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("notify");
        let by_path = UnixDatagram::bind(&path).expect("socket");
        send(path.as_os_str(), "READY=1").expect("sent");
        assert_eq!(received(&by_path), "READY=1");

        let name = format!("bia-notify-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("address");
        let abstract_socket = UnixDatagram::bind_addr(&address).expect("socket");
        send(OsStr::new(&format!("@{name}")), "STOPPING=1").expect("sent");
        assert_eq!(received(&abstract_socket), "STOPPING=1");
    }

    #[test]
    fn a_socket_that_is_gone_is_an_error_and_no_hang() {
        let folder = tempfile::tempdir().expect("folder");
        assert!(send(folder.path().join("none").as_os_str(), "READY=1").is_err());
    }

    #[test]
    fn a_status_cannot_add_assignments() {
        assert_eq!(one_line("serving\nMAINPID=1"), "serving MAINPID=1");
    }
}
