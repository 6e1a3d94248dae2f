//! What the faults share: a cable that can be cut, and what a visitor may meet.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bia_e2e::{Answer, Bia, Browser, Site};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// No answer may take longer, whatever is broken: the public port gives up after 60 seconds.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(65);

/// The program under test.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("BIA").map_or_else(|| env!("CARGO_BIN_EXE_bia-under-test").into(), PathBuf::from)
}

/// Starts the program from a shell that prepares its process: `script` ends with `exec "$0" serve -c "$1"`.
pub(crate) async fn start_from_shell(site: &Site, script: &str) -> Bia {
    let program = program();
    Bia::start(site, "/bin/bash", &["-c", script, program.to_str().expect("a path")]).await
}

/// A sign-in while something is broken.
#[derive(Debug)]
pub(crate) enum Met {
    /// Signed in; what whoami said.
    In(Value),
    /// The answer that ended it.
    Refused(Box<Answer>),
    /// The server was gone.
    Nobody,
}

/// From the form to whoami, wherever it breaks off. No step may take longer than [`ANSWER_MAX`].
pub(crate) async fn attempt(browser: &Browser, bia: &Bia, provider: &str) -> Met {
    match steps(browser, bia, provider).await {
        Ok(Ok(session)) => Met::In(session),
        Ok(Err(answer)) => Met::Refused(Box::new(answer)),
        // reqwest's errors hold no answer; a timeout would be the fault that is looked for.
        Err(error) => {
            assert!(!error.is_timeout(), "no answer in time: {error}");
            Met::Nobody
        }
    }
}

async fn steps(browser: &Browser, bia: &Bia, provider: &str) -> reqwest::Result<Result<Value, Answer>> {
    let flow = browser.try_get_json(format!("{}/self-service/login/browser", bia.public)).await?;
    if flow.status != 200 {
        return Ok(Err(flow));
    }
    let flow = flow.json();
    let action = flow["ui"]["action"].as_str().expect("an action");
    let pressed = browser.try_post_form(action, &[("provider", provider)]).await?;
    if !pressed.header("location").contains("/authorize") {
        return Ok(Err(pressed));
    }
    let back = browser.authorize(&pressed.location()).await;
    let done = browser.try_get(back).await?;
    if done.header("location") != "http://app.example/home" {
        return Ok(Err(done));
    }
    let whoami = browser.try_get_json(format!("{}/sessions/whoami", bia.public)).await?;
    Ok(if whoami.status == 200 { Ok(whoami.json()) } else { Err(whoami) })
}

impl Met {
    /// The refusal, which has to be one that a visitor understands and that names nothing inside.
    #[track_caller]
    pub(crate) fn refused(self, status: u16) -> Answer {
        let Met::Refused(answer) = self else { panic!("not refused: {self:?}") };
        assert_eq!(answer.status, status, "{answer:?}");
        let text = answer.body.to_lowercase();
        for inside in ["sqlite", "postgres", "sql", "panicked", "/tmp"] {
            assert!(!text.contains(inside), "{inside}: {answer:?}");
        }
        *answer
    }

    #[track_caller]
    pub(crate) fn session(self) -> Value {
        let Met::In(session) = self else { panic!("not signed in: {self:?}") };
        session
    }
}

/// The answer that the database is away, in the words that everybody gets.
#[track_caller]
pub(crate) fn says_that_the_database_is_away(answer: &Answer) {
    assert!(answer.body.contains("The database is not available right now. Please try again."), "{answer:?}");
}

/// The session of somebody who was signed in before, asked for in bounded time.
pub(crate) async fn whoami(browser: &Browser, bia: &Bia) -> Answer {
    browser.get_json(format!("{}/sessions/whoami", bia.public)).await
}

/// `bia doctor --db` finds nothing wrong with the database.
#[track_caller]
pub(crate) fn check_database(site: &Site) {
    let found = examine_database(site);
    let level = |level: &str| found.iter().filter(|finding| finding["level"] == level).count();
    assert!(level("problem") == 0 && found.iter().any(|finding| finding["code"] == "integrity"), "{found:#?}");
}

/// What `bia doctor --db` says about the database, run as the operator does beside the server.
pub(crate) fn examine_database(site: &Site) -> Vec<Value> {
    let mut command = Command::new(program());
    command.current_dir(site.folder.path()).env_clear();
    command.args(["doctor", "--db", "--offline", "--json", "-c", "kratos.yml"]);
    let output = command.output().expect("the doctor");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let all = report["findings"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|finding| finding["area"] == "database").collect()
}

/// Whether `program` can do its work here.
pub(crate) fn can(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

/// Keys for a site on that database. PostgreSQL has no place for secrets beside it, so the site's own stay.
pub(crate) fn on_postgres(dsn: &str) -> Value {
    json!({ "dsn": dsn })
}

/// A TCP connection that can be cut, be slow, go silent, or lose the other end.
pub(crate) struct Cable {
    to: String,
    pub(crate) port: u16,
    silent: watch::Sender<bool>,
    late: watch::Sender<Duration>,
    plug: Option<JoinHandle<()>>,
}

impl Cable {
    pub(crate) async fn to(address: &str) -> Self {
        let port = bia_e2e::free_port();
        let (silent, late) = (watch::Sender::new(false), watch::Sender::new(Duration::ZERO));
        let mut cable = Self { to: address.to_owned(), port, silent, late, plug: None };
        cable.plug_in().await;
        cable
    }

    /// Every connection ends now; new ones are carried.
    pub(crate) async fn cut(&mut self) {
        self.pull_out().await;
        self.plug_in().await;
    }

    /// Every connection ends now, and nobody listens any more.
    pub(crate) async fn pull_out(&mut self) {
        if let Some(plug) = self.plug.take() {
            plug.abort();
            // Until the listener and the connections are gone.
            let _ = plug.await;
        }
    }

    pub(crate) async fn plug_in(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("the port");
        let (to, silent, late) = (self.to.clone(), self.silent.clone(), self.late.clone());
        self.plug = Some(tokio::spawn(async move {
            let mut carried = JoinSet::new();
            while let Ok((here, _)) = listener.accept().await {
                carried.spawn(carry(here, to.clone(), silent.subscribe(), late.subscribe()));
            }
        }));
    }

    /// From now on bytes are taken and go nowhere, or flow again.
    pub(crate) fn silent(&self, silent: bool) {
        self.silent.send_replace(silent);
    }

    /// From now on every packet from the other end comes so much later.
    pub(crate) fn late(&self, late: Duration) {
        self.late.send_replace(late);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        if let Some(plug) = &self.plug {
            plug.abort();
        }
    }
}

async fn carry(here: TcpStream, to: String, silent: watch::Receiver<bool>, late: watch::Receiver<Duration>) {
    let Ok(there) = TcpStream::connect(to).await else { return };
    let ((from_here, to_here), (from_there, to_there)) = (here.into_split(), there.into_split());
    tokio::select! {
        () = pump(from_here, to_there, silent.clone(), None) => {}
        () = pump(from_there, to_here, silent, Some(late)) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut silent: watch::Receiver<bool>,
    late: Option<watch::Receiver<Duration>>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
        let wait = late.as_ref().map_or(Duration::ZERO, |late| *late.borrow());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        if silent.wait_for(|silent| !*silent).await.is_err() || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// A file of a process, as that process sees it.
pub(crate) fn inside(bia: &Bia, path: &Path) -> PathBuf {
    PathBuf::from(format!("/proc/{}/root{}", bia.id(), path.display()))
}
