//! `docs/observability.md` lists what there is, and nothing else.

use crate::root;
use bia_telemetry::audit::{Event, FIELDS};
use bia_telemetry::catalogue::CATALOGUE;

fn page() -> String {
    std::fs::read_to_string(root().join("docs/observability.md")).expect("docs/observability.md")
}

/// The cells of a table's rows; the table follows the heading.
fn table(heading: &str) -> Vec<Vec<String>> {
    let page = page();
    let (_, section) = page.split_once(heading).unwrap_or_else(|| panic!("no heading {heading}"));
    let rows = section.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn code(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_metric_has_its_row_in_the_order_of_the_catalogue() {
    let expected: Vec<Vec<String>> = CATALOGUE
        .iter()
        .map(|metric| vec![code(&[metric.name]), metric.kind.name().into(), code(metric.labels), metric.help.into()])
        .collect();
    let found = table("\n## Metrics");
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "write it as in crates/telemetry/src/catalogue.rs");
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn every_audit_event_has_its_row() {
    let expected: Vec<(String, String)> =
        Event::ALL.iter().map(|event| (code(&[event.name()]), event.sentence().to_owned())).collect();
    let found: Vec<(String, String)> =
        table("\n### Events").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_field_of_an_audit_event_has_its_row() {
    let found: Vec<String> = table("\n### Fields").into_iter().map(|row| row[0].clone()).collect();
    let always = ["time", "event"].into_iter();
    let expected: Vec<String> =
        always.chain(FIELDS.iter().copied()).chain(["count"]).map(|name| code(&[name])).collect();
    assert_eq!(found, expected);
}

#[test]
fn names_follow_prometheus_rules() {
    use bia_telemetry::catalogue::Kind;
    for metric in CATALOGUE {
        assert!(metric.name.starts_with("bia_") || metric.name.starts_with("process_"), "{}", metric.name);
        assert!(metric.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", metric.name);
        assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
        assert!(metric.kind != Kind::Histogram || metric.name.ends_with("_seconds"), "{}", metric.name);
        assert!(!metric.help.ends_with('.') && !metric.help.contains('|'), "{}", metric.name);
    }
}

/// The words after each of these in the sources of the flows and of the providers' steps.
fn reasons() -> Vec<String> {
    let mut found = Vec::new();
    for (folder, marks) in [
        ("crates/selfservice/src", &["at_step(\"", "refused(\"", "None => \"", "=> \""][..]),
        ("crates/provider/src/error.rs", &["=> \""][..]),
    ] {
        let path = root().join(folder);
        let files = if path.is_dir() {
            vec![
                path.join("error.rs"),
                path.join("oidc/callback.rs"),
                path.join("oidc/convert.rs"),
                path.join("oidc/policy.rs"),
            ]
        } else {
            vec![path]
        };
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a source");
            for mark in marks {
                let words = text.split(mark).skip(1).filter_map(|rest| rest.split('"').next());
                let words =
                    words.filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || b"_ ".contains(&byte)));
                found.extend(words.map(str::to_owned));
            }
        }
    }
    found
}

#[test]
fn every_reason_of_a_refusal_is_explained() {
    let page = page();
    let (_, section) = page.split_once("\n### Reasons").expect("a heading");
    let reasons = reasons();
    assert!(reasons.len() > 25, "{reasons:?}");
    // A step of the re-check, which refuses nobody.
    for reason in reasons.iter().filter(|reason| *reason != "refresh") {
        assert!(section.contains(&format!("`{reason}`")), "{reason} is not explained");
    }
}
