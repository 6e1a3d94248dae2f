//! Processes as the kernel shows them.

use std::fs::{read_dir, read_to_string};
use std::process::Command;

/// A process that another one started.
#[derive(Clone, Copy, Debug)]
pub struct Child {
    /// Its process id.
    pub id: u32,
    /// Whether it has ended and its parent hasn't asked how.
    pub is_zombie: bool,
}

/// What a process started and has not waited for.
///
/// # Panics
/// Without `/proc`.
pub fn children(parent: u32) -> Vec<Child> {
    let all = read_dir("/proc").expect("processes").flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let child = |id: u32| {
        let stat = read_to_string(format!("/proc/{id}/stat")).ok()?;
        // After the name, which may hold anything: the state, then the parent.
        let mut rest = stat.rsplit_once(") ")?.1.split(' ');
        let is_zombie = rest.next()? == "Z";
        (rest.next()? == parent.to_string()).then_some(Child { id, is_zombie })
    };
    ids.filter_map(child).collect()
}

/// Open files of a process.
///
/// # Panics
/// When it is gone.
pub fn open_files(id: u32) -> usize {
    read_dir(format!("/proc/{id}/fd")).expect("the process").count()
}

/// Threads of a process.
///
/// # Panics
/// When it is gone.
pub fn threads(id: u32) -> usize {
    read_dir(format!("/proc/{id}/task")).expect("the process").count()
}

/// A signal, delivered when this returns; whether there was somebody to get it. SIGKILL and SIGSTOP take effect a moment
/// later: wait for that.
///
/// # Panics
/// When there is no `kill`.
pub fn signal(name: &str, id: u32) -> bool {
    Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status().expect("kill").success()
}
