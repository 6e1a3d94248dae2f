//! What build servers read.

use bia_workbench::report::{self, Paint};
use bia_workbench::suite::{CaseResult, Outcome, Results};
use std::time::Duration;

fn results() -> Results {
    let case = |mapper: &str, case: &str, outcome, detail: Option<&str>| CaseResult {
        mapper: mapper.into(),
        case: case.into(),
        outcome,
        detail: detail.map(str::to_owned),
        seconds: Duration::from_millis(12),
    };
    Results {
        passed: 1,
        failed: 1,
        updated: 1,
        cases: vec![
            case("a.jsonnet", "guest", Outcome::Passed, None),
            case("a.jsonnet", "odd # TODO", Outcome::Failed, Some("expected <\"x\">\n\u{1b}[31mgot & more")),
            case("b.jsonnet", "new", Outcome::Updated, None),
        ],
    }
}

#[test]
fn junit_is_well_formed_and_groups_by_mapper() {
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1">
  <testsuite name="a.jsonnet" tests="2" failures="1" errors="0" skipped="0" time="0.024">
    <testcase classname="a.jsonnet" name="guest" time="0.012"/>
    <testcase classname="a.jsonnet" name="odd # TODO" time="0.012">
      <failure message="expected &lt;&quot;x&quot;&gt;">expected &lt;&quot;x&quot;&gt;
�[31mgot &amp; more</failure>
    </testcase>
  </testsuite>
  <testsuite name="b.jsonnet" tests="1" failures="0" errors="0" skipped="0" time="0.012">
    <testcase classname="b.jsonnet" name="new" time="0.012"/>
  </testsuite>
</testsuites>
"#;
    assert_eq!(report::junit(&results()), expected);
}

#[test]
fn tap_counts_from_one_and_no_name_becomes_a_directive() {
    let expected = "TAP version 13\n1..3\nok 1 - a.jsonnet: guest\nnot ok 2 - a.jsonnet: odd \\# TODO\n  ---\n  message: |\n    expected <\"x\">\n    \u{fffd}[31mgot & more\n  ...\nok 3 - b.jsonnet: new\n";
    assert_eq!(report::tap(&results()), expected);
}

#[test]
fn text_for_people_has_colours_only_when_they_are_on() {
    let text = report::test(&results(), Paint::OFF);
    assert!(!text.contains('\u{1b}'));
    assert!(text.ends_with("1 passed, 1 failed, 1 updated\n"), "{text}");
}

#[test]
fn json_has_outcomes_and_seconds() {
    let json = serde_json::to_value(results()).expect("JSON");
    assert_eq!(json["cases"][1]["outcome"], "failed");
    assert_eq!(json["cases"][0]["seconds"], 0.012);
}
