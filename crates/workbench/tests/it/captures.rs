//! A captured failure is replayed.

use bia_mapper::Source;
use bia_model::capture::Capture;
use bia_workbench::run::{self, Request};
use serde_json::{Value, json};

use crate::{mapper, persona};

const MAPPER: &str = "local claims = std.extVar('claims');
{ identity: { traits: {
  user: std.split(claims.email, '@')[0],
  first: std.split(claims.name, ' ')[5],
} } }";

#[tokio::test]
async fn a_capture_names_nobody_and_fails_in_the_same_way_at_the_same_line() {
    let mapper = mapper();
    let claims = persona("member");
    let source = Source { name: "m.jsonnet", text: MAPPER };
    let failed =
        run::run(&mapper, Request { source, claims: &claims, identity: None, schema: None, imports: &[] }).await;
    let error = failed.error.expect("fails");
    let line = error.place.map(|place| place.line as u64);
    let seen: Value = serde_json::from_str(&claims.json).expect("JSON");
    let capture = Capture::new("microsoft", &error.kind, line, &seen, None);
    let text = serde_json::to_string(&capture).expect("JSON");
    for name in ["alice", "Alice", "Adams", "contoso.example", "a11ce000"] {
        assert!(!text.contains(name), "{name} in {text}");
    }

    let log_line = json!({ "target": "bia::capture", "capture": text }).to_string();
    let (capture, given, identity) = run::of_capture(&log_line, "capture.json").expect("a capture");
    assert!(identity.is_none());
    let mut replay =
        run::run(&mapper, Request { source, claims: &given, identity: None, schema: None, imports: &[] }).await;
    run::compare_with(&mut replay, &capture);
    assert_eq!(replay.reproduced, Some(true));

    let fixed = Source { text: &MAPPER.replace("[5]", "[0]"), ..source };
    let request = Request { source: fixed, claims: &given, identity: None, schema: None, imports: &[] };
    let mut replay = run::run(&mapper, request).await;
    run::compare_with(&mut replay, &capture);
    assert_eq!((replay.reproduced, replay.ok), (Some(false), true));
}

#[test]
fn what_is_no_capture_is_refused_with_a_sentence() {
    let error = run::of_capture("{ \"claims\": {} }", "c.json").expect_err("refused");
    assert!(error.to_string().contains("bia::capture"), "{error}");
    let record = serde_json::to_string(&Capture::new("m", "timeout", None, &json!({}), None)).expect("JSON");
    let error = run::of_capture(&format!("{record}\n{record}"), "c.log").expect_err("refused");
    assert!(error.to_string().contains("holds 2 captures"), "{error}");
}
