//! Audit events in a file: one test, because where they go is decided once for the whole process.

use bia_telemetry::audit::{self, Event, Output, Settings};
use bia_telemetry::request::{Request, scope};
use std::path::Path;
use std::time::Duration;

fn lines(path: &Path) -> Vec<serde_json::Value> {
    audit::flush(Duration::from_secs(10));
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

fn to(file: &Path, personal_data: bool) {
    let settings = Settings { output: Output::File(file.to_owned()), personal_data };
    audit::start(&settings).expect("the file can be written");
}

fn sign_in() {
    audit::event(Event::SignIn).identity("one").email("alice@contoso.example").record();
}

#[tokio::test]
async fn events_are_appended_without_personal_data_and_survive_rotation_and_a_full_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.jsonl");
    let request = || Request {
        id: "req-1".to_owned(),
        ip_address: Some("203.0.113.7".to_owned()),
        user_agent: Some("browser".to_owned()),
    };
    to(&path, false);
    scope(request(), async { sign_in() }).await;
    let written = lines(&path);
    assert_eq!(written.len(), 1, "{written:?}");
    assert_eq!((&written[0]["event"], &written[0]["request_id"]), (&"sign_in".into(), &"req-1".into()));
    let text = written[0].to_string();
    assert!(!text.contains("203.0.113.7") && !text.contains("alice") && !text.contains("browser"), "{text}");

    // As logrotate does it.
    let moved = folder.path().join("audit.jsonl.1");
    std::fs::rename(&path, &moved).expect("moved");
    sign_in();
    assert_eq!(lines(&moved).len(), 2, "until somebody says so, the moved file goes on");
    audit::reopen();
    sign_in();
    assert_eq!((lines(&path).len(), lines(&moved).len()), (1, 2));

    to(&path, true);
    scope(request(), async { sign_in() }).await;
    let written = lines(&path);
    let last = written.last().expect("a line");
    assert_eq!((&last["ip_address"], &last["email"]), (&"203.0.113.7".into(), &"alice@contoso.example".into()));
    assert_eq!(last["user_agent"], "browser");

    // A disk that is full costs events and nothing else.
    to(Path::new("/dev/full"), false);
    for _ in 0..20_000 {
        sign_in();
    }
    audit::flush(Duration::from_secs(10));
    to(&path, false);
    sign_in();
    assert_eq!(lines(&path).len(), 3);

    let no_folder = folder.path().join("missing/audit.jsonl");
    let refused = audit::start(&Settings { output: Output::File(no_folder), personal_data: false });
    assert!(refused.is_err_and(|error| error.to_string().contains("bia.audit.file")));
    let a_folder = audit::start(&Settings { output: Output::File(folder.path().to_owned()), personal_data: false });
    assert!(a_folder.is_err(), "a folder is no file");
    // What could not be started changed nothing.
    sign_in();
    assert_eq!(lines(&path).len(), 4);
}
