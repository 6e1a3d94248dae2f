//! A process that is killed in the middle of writing loses nothing that it had told anybody of.

use bia_store::{ConnectOptions, Store, TokenHash};
use bia_testkit::sample::{insert_session, person, session};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

/// Set for the child alone: the DSN to write to.
const DSN: &str = "BIA_TESTKIT_CHILD_DSN";

/// The child: signs people in as fast as it can and prints each session once it is committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_writes_until_it_is_killed() {
    let Ok(dsn) = std::env::var(DSN) else {
        return;
    };
    let store = Store::connect(&dsn, &ConnectOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let store = store.clone();
        tasks.spawn(async move {
            for round in 0.. {
                let identity = person(&format!("{}-{task}-{round}", std::process::id()));
                let session = session(&identity);
                let mut unit = store.begin().await.unwrap();
                unit.insert_identity(&identity).await.unwrap();
                let hash = TokenHash::of(&session.id.to_string());
                unit.insert_session(&session, &hash).await.unwrap();
                unit.commit().await.unwrap();
                writeln!(std::io::stdout(), "told {}", session.id).unwrap();
            }
        });
    }
    tasks.join_all().await;
}

fn tell_until_killed(dsn: &str, enough: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sudden_death::child_that_writes_until_it_is_killed", "--nocapture"])
        .env(DSN, dsn)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = Vec::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while told.len() < enough {
        let line = lines.next().expect("the child ended by itself").unwrap();
        told.extend(line.split_once("told ").map(|(_, id)| id.to_owned()));
    }
    // SIGKILL on Unix: nothing of it runs any more.
    child.kill().unwrap();
    child.wait().unwrap();
    // What it still printed before dying counts, too; the last line may be cut off.
    let rest = lines.map_while(Result::ok);
    told.extend(rest.filter_map(|line| {
        let id = line.split_once("told ")?.1;
        (id.len() == 36).then(|| id.to_owned())
    }));
    told
}

#[tokio::test]
async fn everything_that_was_told_is_there_after_a_kill_and_nothing_needs_repair() {
    let folder = tempfile::tempdir().unwrap();
    let dsn = format!("sqlite://{}/db.sqlite", folder.path().display());
    let mut told = Vec::new();
    for enough in [30, 80, 150] {
        told.extend(tell_until_killed(&dsn, enough));
        let store = Store::connect(&dsn, &ConnectOptions::default()).await.unwrap();
        assert!(store.is_ready().await.unwrap());
        for id in &told {
            let found = store.find_session_by_token_hash(&TokenHash::of(id)).await.unwrap();
            assert!(found.is_some_and(|session| session.identity.is_some()), "{id} is lost");
        }
        assert_eq!(store.check_integrity().await.unwrap(), []);
        // And it can be written to at once.
        let identity = bia_testkit::sample::insert_person(&store, &format!("after-{enough}")).await;
        insert_session(&store, &session(&identity)).await;
        store.close().await;
    }
}
