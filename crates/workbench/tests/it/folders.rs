//! `bia mapper test`: folders of cases.

use bia_workbench::cases::suites;
use bia_workbench::suite::{self, Options, Outcome, Results};
use std::path::Path;

use crate::{mapper, write};

const MAPPER: &str = "local claims = std.extVar('claims'); { identity: { traits: { email: claims.email, n: 1 } } }";

async fn test(path: &Path, options: &Options, personas: bool) -> Results {
    suite::test(&mapper(), &suites(path, personas).expect("suites"), options).await
}

fn outcomes(results: &Results) -> Vec<(&str, Outcome)> {
    results.cases.iter().map(|case| (case.case.as_str(), case.outcome)).collect()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    write(
        folder.path(),
        &[
            ("m.jsonnet", MAPPER),
            ("m/good.claims.json", r#"{"email":"a@x.example"}"#),
            ("m/good.expected.json", r#"{"identity":{"traits":{"email":"a@x.example","n":1.0}}}"#),
            ("m/wrong.claims.json", r#"{"email":"b@x.example"}"#),
            ("m/wrong.expected.json", r#"{"identity":{"traits":{"email":"a@x.example","n":1,"gone":1}}}"#),
            ("m/fails.claims.json", r#"{"sub":"s"}"#),
            ("m/fails.expected-error.txt", "Field does not exist: email\n"),
            ("m/new.claims.json", r#"{"persona":"member"}"#),
        ],
    );
    folder
}

#[tokio::test]
async fn cases_pass_by_output_and_by_a_part_of_the_error() {
    let folder = folder();
    let results = test(&folder.path().join("m"), &Options::default(), false).await;
    let expected =
        [("fails", Outcome::Passed), ("good", Outcome::Passed), ("new", Outcome::Failed), ("wrong", Outcome::Failed)];
    assert_eq!(outcomes(&results), expected);
    assert!(!results.ok());
    let wrong = results.cases[3].detail.as_deref().expect("a detail");
    assert!(wrong.contains(r#"identity.traits.email: expected "a@x.example", got "b@x.example""#), "{wrong}");
    assert!(wrong.contains("identity.traits.gone: expected 1, got nothing"), "{wrong}");
    assert!(results.cases[2].detail.as_deref().expect("a detail").contains("--update"));
}

#[tokio::test]
async fn update_records_what_failed_and_leaves_the_rest_alone() {
    let folder = folder();
    let suite = folder.path().join("m.jsonnet");
    let updated = test(&suite, &Options { update: true, ..Options::default() }, false).await;
    assert_eq!((updated.passed, updated.failed, updated.updated), (2, 0, 2));
    let kept = std::fs::read_to_string(folder.path().join("m/fails.expected-error.txt")).expect("kept");
    assert_eq!(kept, "Field does not exist: email\n");
    assert!(test(&suite, &Options::default(), false).await.ok());

    // An output that becomes an error changes its file, too, and no path of the machine is recorded.
    write(folder.path(), &[("m/good.claims.json", r#"{"sub":"s"}"#)]);
    test(&suite, &Options { update: true, ..Options::default() }, false).await;
    assert!(!folder.path().join("m/good.expected.json").exists());
    let error = std::fs::read_to_string(folder.path().join("m/good.expected-error.txt")).expect("recorded");
    assert!(error.contains("--> m.jsonnet:1:"), "{error}");
    assert!(test(&suite, &Options::default(), false).await.ok());
}

#[tokio::test]
async fn a_schema_counts_per_case_and_per_folder() {
    let folder = folder();
    let schema = |maximum: u32| {
        format!(
            r#"{{"$id":"s","$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{{"traits":{{"type":"object","properties":{{"n":{{"type":"number","maximum":{maximum}}}}}}}}}}}"#
        )
    };
    write(folder.path(), &[("m/schema.json", &schema(0)), ("m/good.schema.json", &schema(5))]);
    let results = test(&folder.path().join("m"), &Options::default(), false).await;
    assert_eq!(results.cases[1].outcome, Outcome::Passed);
    assert!(results.cases[3].detail.as_deref().expect("a detail").contains("#/traits/n"));
}

#[tokio::test]
async fn a_folder_of_mappers_runs_all_suites_in_it() {
    let folder = folder();
    write(
        folder.path(),
        &[
            ("other.jsonnet", "{ identity: { traits: {} } }"),
            ("other/a.claims.json", "{}"),
            ("other/a.expected.json", r#"{"identity":{"traits":{}}}"#),
            ("without-cases.jsonnet", "{}"),
        ],
    );
    let results = test(folder.path(), &Options::default(), false).await;
    assert_eq!(results.cases.len(), 5);
    assert!(results.cases[4].mapper.ends_with("other.jsonnet"));
}

#[tokio::test]
async fn a_mapper_may_stand_among_its_cases() {
    let folder = tempfile::tempdir().expect("folder");
    write(
        folder.path(),
        &[
            ("mapper.jsonnet", "{ identity: { traits: {} } }"),
            ("a.claims.json", "{}"),
            ("a.expected.json", r#"{"identity":{"traits":{}}}"#),
        ],
    );
    assert!(test(folder.path(), &Options::default(), false).await.ok());
    assert!(test(&folder.path().join("mapper.jsonnet"), &Options::default(), false).await.ok());
}

#[tokio::test]
async fn mistakes_in_the_folder_are_failures_of_the_case_that_has_them() {
    let folder = tempfile::tempdir().expect("folder");
    write(
        folder.path(),
        &[
            ("m.jsonnet", MAPPER),
            ("m/both.claims.json", "{}"),
            ("m/both.expected.json", "{}"),
            ("m/both.expected-error.txt", "x"),
            ("m/empty.claims.json", "{}"),
            ("m/empty.expected-error.txt", "\n"),
            ("m/mistyped.claims.json", r#"{"email":5}"#),
            ("m/mistyped.expected.json", "{}"),
            ("m/no-json.claims.json", "{"),
            ("m/no-json.expected.json", "{}"),
            ("m/orphan.expected.json", "{}"),
            ("m/unknown.claims.json", r#"{"persona":"nobody"}"#),
        ],
    );
    let results = test(&folder.path().join("m"), &Options::default(), false).await;
    assert_eq!((results.passed, results.failed), (0, 6));
    let details: Vec<_> = results.cases.iter().map(|case| case.detail.clone().unwrap_or_default()).collect();
    for (detail, part) in
        details.iter().zip(["contradict", "empty", "claim `email`", "not valid JSON", "is missing", "no persona"])
    {
        assert!(detail.contains(part), "{part}: {detail}");
    }
}

#[tokio::test]
async fn all_personas_are_cases_when_asked_for() {
    let folder = tempfile::tempdir().expect("folder");
    write(folder.path(), &[("m.jsonnet", MAPPER), ("m/guest.claims.json", r#"{"persona":"guest"}"#)]);
    let path = folder.path().join("m");
    let updated = test(&path, &Options { update: true, ..Options::default() }, true).await;
    assert_eq!(updated.updated, 12);
    assert!(path.join("no-mail.expected-error.txt").is_file());
    // Recorded once, they are cases of the folder.
    let results = test(&path, &Options::default(), false).await;
    assert_eq!((results.passed, results.cases.len()), (12, 12));
}

#[test]
fn a_path_without_cases_is_an_error_that_says_how_to_write_one() {
    let folder = tempfile::tempdir().expect("folder");
    write(folder.path(), &[("m.jsonnet", MAPPER), ("n.jsonnet", MAPPER)]);
    for path in [folder.path().to_owned(), folder.path().join("m.jsonnet"), folder.path().join("missing")] {
        let error = suites(&path, false).expect_err("nothing there").to_string();
        assert!(error.contains("--update") || error.contains("can't be read"), "{error}");
    }
}
