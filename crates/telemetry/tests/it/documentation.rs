//! `docs/observability.md` lists what there is, and nothing else.

use crate::root;
use crate::sources::sources;
use bia_telemetry::audit::{Event, FIELDS};
use bia_telemetry::catalogue::CATALOGUE;
use std::collections::BTreeSet;

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

/// Where a refusal gets its reason: the words after each of these marks. Folders are searched whole.
const REASONS: &[(&str, &[&str])] = &[
    ("crates/selfservice/src", &["at_step(\""]),
    ("crates/selfservice/src/error.rs", &["=> \""]),
    ("crates/selfservice/src/oidc/callback.rs", &["refused(\"", "None, provider, \""]),
    ("crates/selfservice/src/oidc/claims_to_identity.rs", &["{ \""]),
    ("crates/provider/src/error.rs", &["=> \""]),
];

fn reasons() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (place, marks) in REASONS {
        let mut texts = Vec::new();
        sources(&root().join(place), &mut texts);
        for (text, mark) in texts.iter().flat_map(|text| marks.iter().map(move |mark| (text, mark))) {
            let words = text.split(mark).skip(1).filter_map(|rest| rest.split('"').next());
            let plain = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || b"_ ".contains(&byte));
            found.extend(words.filter(plain).map(str::to_owned));
        }
    }
    found
}

#[test]
fn every_reason_of_a_refusal_is_explained_and_no_other() {
    let explained = table("\n### Reasons").into_iter().flat_map(|row| {
        let words = row[0].split('`').skip(1).step_by(2).map(str::to_owned);
        words.collect::<Vec<_>>()
    });
    let mut reasons = reasons();
    // A step of the re-check, which refuses nobody.
    reasons.remove("refresh");
    assert_eq!(explained.collect::<BTreeSet<_>>(), reasons);
}
