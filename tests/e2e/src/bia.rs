//! The program as a process.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Browser, Site, told};

/// A running program; killed when a test fails before it stops it.
pub struct Bia {
    child: Child,
    log: PathBuf,
    secrets: Vec<String>,
    /// Of [`Site`].
    pub public: String,
    /// Of [`Site`].
    pub admin: String,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The signal, if one ended it.
    pub signal: Option<i32>,
    /// What this run wrote.
    pub log: String,
}

/// Longer than this no start takes, even on a machine that is busy building.
const READY_WITHIN: Duration = Duration::from_secs(60);

impl Bia {
    /// Runs `<program> <args> kratos.yml` in the site's folder and waits until it says that it is ready.
    ///
    /// # Panics
    /// When it ends before, with what it wrote.
    pub async fn start(site: &Site, program: &str, args: &[&str]) -> Self {
        let mut bia = Self::spawn(site, program, args);
        let ready = format!("{}/health/ready", site.admin);
        let browser = Browser::new();
        let give_up_at = Instant::now() + READY_WITHIN;
        loop {
            if bia.has_ended() {
                panic!("it ended: {}", bia.log());
            }
            // The port may be a socket file instead; then the log has to do.
            let answers = browser.try_get(&ready).await.is_ok_and(|answer| answer.status == 200);
            if answers || (!site.config["serve"]["admin"]["port"].is_number() && bia.log().contains("serving")) {
                return bia;
            }
            assert!(Instant::now() < give_up_at, "not ready: {}", bia.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Runs it without waiting for anything.
    pub fn spawn(site: &Site, program: &str, args: &[&str]) -> Self {
        let config = site.write_config();
        let log = site.path(&format!("{}.log", uniquely(site)));
        let file = File::create(&log).expect("a log");
        let child = command(program, site.folder.path())
            .envs(&site.env)
            .args(args)
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a log"))
            .stderr(file)
            .spawn()
            .expect("the program can be started");
        let secrets = told::known(&site.config);
        Self { child, log, secrets, public: site.public.clone(), admin: site.admin.clone() }
    }

    /// What it wrote so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).expect("a log")).into_owned()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process is gone.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// SIGKILL: no chance to finish anything.
    pub fn kill(mut self) -> Ended {
        self.child.kill().expect("killed");
        self.wait()
    }

    /// SIGTERM, as a service manager asks, without waiting.
    pub fn ask_to_stop(&self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill");
        assert!(asked.success());
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(mut self) -> Ended {
        self.ask_to_stop();
        self.wait()
    }

    /// In every test, whatever it is about: what the program wrote opens nothing.
    fn tells_no_secret(&self) {
        // The folder may be gone already, and a test that fails has its own reason.
        if let Ok(log) = std::fs::read(&self.log)
            && !std::thread::panicking()
        {
            let found = told::secrets(&String::from_utf8_lossy(&log), &self.secrets);
            assert!(found.is_empty(), "the program wrote secrets down: {found:#?}");
        }
    }

    /// Waits for an end that comes by itself.
    pub fn wait(&mut self) -> Ended {
        let status = self.child.wait().expect("an end");
        self.tells_no_secret();
        Ended { code: status.code(), signal: status.signal(), log: self.log() }
    }
}

impl Drop for Bia {
    fn drop(&mut self) {
        // Both fail on a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.tells_no_secret();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            let _ = writeln!(std::io::stderr(), "--- the end of the program's log, newest first\n{}", tail.join("\n"));
        }
    }
}

/// The program with nothing of this machine's environment.
fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(executable(program));
    command.current_dir(folder).env_clear();
    // Where the trust store is may come from the environment.
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        if let Ok(value) = std::env::var(name) {
            command.env(name, value);
        }
    }
    command
}

/// Test programs are in `deps`, the programs of the package beside it.
fn executable(program: &str) -> PathBuf {
    if program == "bia-under-test"
        && let Some(path) = std::env::var_os("BIA")
    {
        return path.into();
    }
    let own = std::env::current_exe().expect("the path of this test");
    let folder = own.ancestors().nth(2).expect("the folder of the build");
    folder.join(program)
}

/// One log per run.
fn uniquely(site: &Site) -> usize {
    let files = std::fs::read_dir(site.folder.path()).expect("a folder");
    files.flatten().filter(|file| file.path().extension().is_some_and(|end| end == "log")).count()
}
