//! Whoever counts something uses a name of the catalogue, with its labels.

use crate::root;
use bia_telemetry::catalogue::CATALOGUE;
use std::collections::BTreeSet;
use std::path::Path;

/// The texts of a file, or of every source below a folder.
pub(crate) fn sources(place: &Path, found: &mut Vec<String>) {
    if place.is_file() {
        found.push(std::fs::read_to_string(place).expect("text"));
        return;
    }
    for entry in std::fs::read_dir(place).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(std::fs::read_to_string(&path).expect("text"));
        }
    }
}

/// Everything that the crates are built from.
fn all() -> Vec<String> {
    let mut found = Vec::new();
    for krate in std::fs::read_dir(root().join("crates")).expect("crates") {
        sources(&krate.expect("a crate").path().join("src"), &mut found);
    }
    found
}

/// Quoted words that look like names of metrics of ours.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('"').skip(1).step_by(2);
    quoted.filter(|word| {
        let ours = word.starts_with("bia_") || word.starts_with("process_");
        ours && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    })
}

#[test]
fn every_name_in_the_sources_is_in_the_catalogue_and_the_other_way_round() {
    let sources = all();
    let own = include_str!("../../src/catalogue.rs");
    let used: BTreeSet<&str> =
        sources.iter().filter(|text| text.contains("metrics::") && *text != own).flat_map(|text| names(text)).collect();
    let known: BTreeSet<&str> = CATALOGUE.iter().map(|metric| metric.name).collect();
    let unknown: Vec<_> = used.difference(&known).collect();
    assert!(unknown.is_empty(), "not in crates/telemetry/src/catalogue.rs: {unknown:?}");
    let unused: Vec<_> = known.difference(&used).collect();
    assert!(unused.is_empty(), "nobody counts {unused:?}");
}

/// The name and the labels of each call of a macro of that kind. Anything but texts is refused, since it can't be held
/// against the catalogue.
fn calls<'a>(text: &'a str, kind: &str) -> Vec<(&'a str, Vec<&'a str>)> {
    let mark = format!("metrics::{kind}!(");
    let mut found = Vec::new();
    for rest in text.split(&mark).skip(1) {
        let call = rest[..closing(rest)].trim();
        assert!(call.starts_with('"'), "{mark}{call}): write the name as a text");
        let mut parts = call.split('"').skip(1);
        let name = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        let between = rest.first().copied().unwrap_or_default().trim();
        assert!(["", ","].contains(&between), "{mark}{call}): write the labels into the macro");
        let pairs = rest.windows(2).filter(|pair| pair[1].trim_start().starts_with("=>"));
        found.push((name, pairs.map(|pair| pair[0]).collect()));
    }
    found
}

/// Where the parenthesis closes that was opened before.
fn closing(text: &str) -> usize {
    let mut depth = 1;
    let end = text.find(|letter| {
        depth += match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    });
    end.expect("a closing parenthesis")
}

#[test]
fn every_label_in_the_sources_is_the_catalogues() {
    for text in all() {
        for kind in ["counter", "gauge", "histogram"] {
            for (name, mut labels) in calls(&text, kind) {
                let metric = CATALOGUE.iter().find(|metric| metric.name == name);
                let metric = metric.unwrap_or_else(|| panic!("{name} is not in the catalogue"));
                assert_eq!(metric.kind.name(), kind, "{name}");
                let mut expected = metric.labels.to_vec();
                expected.sort_unstable();
                labels.sort_unstable();
                assert_eq!(labels, expected, "labels of {name}");
            }
        }
    }
}

#[test]
fn a_call_whose_name_or_labels_are_not_written_out_is_refused() {
    assert_eq!(
        calls(r#"metrics::gauge!("bia_a", "b" => c.to_owned(), "d" => "e").set(1.0);"#, "gauge"),
        [("bia_a", vec!["b", "d"])]
    );
    for call in ["NAME", "NAME, \"b\" => c", "\"bia_a\", &labels"] {
        let text = format!("metrics::gauge!({call}).set(1.0);");
        assert!(std::panic::catch_unwind(|| calls(&text, "gauge")).is_err(), "{call}");
    }
}
