//! `docs/faults.md` and the tests agree: every line of its tables is shown by tests that exist, and every test here is on
//! the page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bia_testkit::listing::{tests_below, tests_named_in, tests_of};

/// The one line that no machine can show.
const NOT_TESTED: &str = "Power cut, SQLite";

#[test]
fn every_line_of_the_page_is_shown_by_tests_and_every_test_of_a_fault_shows_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/faults.md")).expect("the page");
    let (mut lines, mut shown) = (BTreeSet::new(), BTreeMap::new());
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| What ")) {
        match *row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>() {
            ["---", ..] => {}
            [what, _, _] => assert!(lines.insert(what), "twice: {what}"),
            [what, tests] => assert!(shown.insert(what, tests_named_in(tests)).is_none(), "twice: {what}"),
            _ => panic!("a row of no known table: {row}"),
        }
    }
    assert!(lines.len() > 20, "only {} lines", lines.len());
    assert_eq!(lines, shown.keys().copied().collect(), "the table of tests has other lines than those above");
    let without: Vec<&str> = shown.iter().filter(|(_, tests)| tests.is_empty()).map(|(what, _)| *what).collect();
    assert_eq!(without, [NOT_TESTED], "lines without a test");
    let named: BTreeSet<String> = shown.into_values().flatten().collect();
    let everywhere = tests_below(&[root.join("tests/e2e/tests")]);
    let missing: Vec<&String> = named.difference(&everywhere).collect();
    assert!(missing.is_empty(), "docs/faults.md names tests that do not exist: {missing:#?}");
    let own = tests_of(include_str!("table.rs"));
    let faults = tests_below(&[root.join("tests/e2e/tests/faults")]);
    let unnamed: Vec<&String> = faults.difference(&named).filter(|test| !own.contains(*test)).collect();
    assert!(unnamed.is_empty(), "faults that docs/faults.md does not name: {unnamed:#?}");
}
