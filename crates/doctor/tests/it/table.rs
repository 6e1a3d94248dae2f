//! `docs/doctor.md` lists every check, and every check has a test that names it.

use bia_doctor::catalogue::{CHECKS, table};
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn k7_the_guide_lists_every_check() {
    let guide = read("../../docs/doctor.md");
    assert!(guide.contains(&table()), "the table of docs/doctor.md should be:\n\n{}", table());
}

#[test]
fn every_check_is_named_by_a_test() {
    let mut tests = String::new();
    for file in ["configurations.rs", "surroundings.rs", "ports.rs", "networks.rs", "databases.rs"] {
        tests.push_str(&read(&format!("tests/it/{file}")));
    }
    // Whom the machine trusts can't be made up from outside, so the judgement is tested where it is made.
    let tls = read("src/checks/tls.rs");
    tests.push_str(tls.split_once("#[cfg(test)]").expect("tests").1);
    let unnamed: Vec<&str> =
        CHECKS.iter().map(|check| check.code).filter(|code| !tests.contains(&format!("\"{code}\""))).collect();
    assert_eq!(unnamed, Vec::<&str>::new());
}

#[test]
fn codes_are_unique_and_made_of_small_letters() {
    for (index, check) in CHECKS.iter().enumerate() {
        assert!(CHECKS[..index].iter().all(|other| other.code != check.code), "{}", check.code);
        assert!(check.code.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'), "{}", check.code);
        assert!(!check.about.is_empty() && !check.levels.is_empty());
    }
}
