//! `docs/features.md` and the tests agree: every test that the table names exists, and every test that is named
//! after a feature is in the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What Microsoft done right means, feature by feature.
const STEP_THREE: &str = "A8 A10 A11 A12 A15 A18 A19 A20 B1 B2 B3 B4 B5 B6 B7 B8 B9 B10 B11 B12 B13 B14 B15 B16 C4 C6 \
    C7 D1 D2 D3 D4 D5 E1 E2 E3 E4 E5 E6 E7 E8 E9 E11 E14 F5 F6 F7 F9 F10 F13 F14 F15 F16 F17 I1 I2 J1 J2 J3 K4 K5";

/// The mapper workbench.
const STEP_FOUR: &str = "F5 F8 F21 G1 G2 G3 G4 G5 G6 G7 G8 G9 E8 K1";

/// Made for self-hosters.
const STEP_FIVE: &str = "A2 A3 A4 A5 A6 A7 A8 A9 A15 A16 A17 A18 A19 A20 A21 A22 A25 C8 C9 C10 K1 K2 K3 K4 K5 K6 K7 K8 \
    K9 K10";

#[test]
fn every_feature_of_the_table_has_its_test_and_every_such_test_its_row() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = fs::read_to_string(root.join("docs/features.md")).unwrap();
    let rows = rows(&table);
    let tests = bia_testkit::listing::tests_below(&[root.join("crates"), root.join("tests")]);
    let mut problems = Vec::new();
    let planned = [STEP_THREE, STEP_FOUR, STEP_FIVE].into_iter().flat_map(str::split_whitespace);
    for feature in planned.filter(|feature| !rows.contains_key(*feature)) {
        problems.push(format!("{feature} has no row"));
    }
    for (feature, named) in &rows {
        if named.is_empty() {
            problems.push(format!("the row of {feature} names no test"));
        }
        let missing = named.iter().filter(|test| !tests.contains(*test));
        problems.extend(missing.map(|test| format!("the row of {feature} names {test}, which doesn't exist")));
    }
    for test in &tests {
        let Some(feature) = feature_of(test) else { continue };
        if !rows.get(&feature).is_some_and(|named| named.contains(test)) {
            problems.push(format!("{test} is not in the row of {feature}"));
        }
    }
    assert!(problems.is_empty(), "docs/features.md:\n  {}", problems.join("\n  "));
}

/// Feature to the tests in the last column of its row, written as code.
fn rows(table: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut rows = BTreeMap::new();
    for line in table.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let (Some(feature), Some(last)) = (cells.first(), cells.last()) else { continue };
        if !is_feature(feature) {
            continue;
        }
        let named = last.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert!(rows.insert((*feature).to_owned(), named).is_none(), "{feature} has two rows");
    }
    rows
}

/// `e6_an_unproven_token_…` belongs to E6.
fn feature_of(test: &str) -> Option<String> {
    let (prefix, _) = test.split_once('_')?;
    let feature = prefix.to_uppercase();
    (is_feature(&feature) && test.starts_with(|first: char| first.is_ascii_lowercase())).then_some(feature)
}

fn is_feature(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|letter| ('A'..='K').contains(&letter))
        && text.len() > 1
        && characters.all(|digit| digit.is_ascii_digit())
}
