//! Whoever counts something uses a name of the catalogue, with its labels.

use crate::root;
use bia_telemetry::catalogue::CATALOGUE;
use std::collections::BTreeSet;
use std::path::Path;

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
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

#[test]
fn every_label_in_the_sources_is_the_catalogues() {
    for text in all() {
        for kind in ["counter", "gauge", "histogram"] {
            for call in text.split(&format!("metrics::{kind}!(\"")).skip(1) {
                let end = call.find(").").unwrap_or(call.len());
                let mut parts = call[..end].split('"');
                let name = parts.next().unwrap_or_default();
                let Some(metric) = CATALOGUE.iter().find(|metric| metric.name == name) else { continue };
                assert_eq!(metric.kind.name(), kind, "{name}");
                let labels: Vec<&str> = call[..end].split('"').skip(2).collect();
                for pair in labels.windows(2).filter(|pair| pair[1].trim_start().starts_with("=>")) {
                    assert!(metric.labels.contains(&pair[0]), "{name} has no label {}", pair[0]);
                }
            }
        }
    }
}
