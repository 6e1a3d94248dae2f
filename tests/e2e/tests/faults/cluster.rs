//! A PostgreSQL server of one test's own, because only that one may be stopped.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use bia_e2e::free_port;
use bia_testkit::skipped;
use tempfile::TempDir;

use crate::world::can;

/// Stopped for good, and deleted, when dropped.
pub(crate) struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    /// PostgreSQL refuses to run as root.
    as_root: bool,
}

/// Where `initdb` and what it needs beside it are.
fn programs() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    // Debian keeps one folder for each version, and none of them in the path.
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort();
    let all = folders.into_iter().chain(versions.into_iter().rev());
    // Through links.
    all.map(|folder| folder.join("initdb")).find_map(|initdb| Some(initdb.canonicalize().ok()?.parent()?.to_owned()))
}

impl Cluster {
    /// Makes one and starts it; `None`, said on standard error, where that can't be.
    pub(crate) fn start_new() -> Option<Self> {
        let Some(programs) = programs() else {
            skipped("no PostgreSQL; on Debian: apt-get install postgresql");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let as_root = folder.path().metadata().expect("the folder").uid() == 0;
        if as_root && !can("runuser", &["-u", "postgres", "--", "true"]) {
            skipped("PostgreSQL does not run as root, and there is no user `postgres`");
            return None;
        }
        let own = folder.path().join("own");
        std::fs::create_dir(&own).expect("a folder");
        if as_root {
            std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("the folder");
            assert!(can("chown", &["postgres", own.to_str().expect("a path")]), "chown");
        }
        let cluster = Self { folder, programs, port: free_port(), as_root };
        let made = cluster.run("initdb", &["-U", "bia", "-A", "trust", "--no-sync"]);
        assert!(made.status.success(), "initdb: {made:?}");
        cluster.start();
        Some(cluster)
    }

    pub(crate) fn dsn(&self) -> String {
        format!("postgres://bia@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    /// Returns when it answers, after a recovery if it was stopped without one.
    pub(crate) fn start(&self) {
        // What is told to the kernel outlives the server, and the kernel outlives this test.
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c port={} -c fsync=off -c max_connections=30",
            self.port
        );
        let log = self.own().join("log");
        let log = log.to_str().expect("a path");
        let started = self.run("pg_ctl", &["start", "-w", "-t", "90", "-s", "-l", log, "-o", &options]);
        assert!(started.status.success(), "{started:?}: {}", std::fs::read_to_string(log).unwrap_or_default());
    }

    /// Returns when it is gone. `immediate` is a crash without a last word; `fast` cuts everybody off in good order.
    pub(crate) fn stop(&self, mode: &str) {
        let stopped = self.run("pg_ctl", &["stop", "-w", "-t", "90", "-s", "-m", mode]);
        assert!(stopped.status.success(), "{stopped:?}");
    }

    fn own(&self) -> PathBuf {
        self.folder.path().join("own")
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        let program = self.programs.join(program);
        let mut command = if self.as_root { Command::new("runuser") } else { Command::new(&program) };
        if self.as_root {
            command.args(["-u", "postgres", "--"]).arg(program);
        }
        command.args(args).arg("-D").arg(self.own().join("db"));
        // Not everybody may enter the folder of the tests.
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.output().expect("a program of PostgreSQL")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // One that is down already has nothing to stop.
        let _ = self.run("pg_ctl", &["stop", "-w", "-t", "30", "-s", "-m", "immediate"]);
    }
}
