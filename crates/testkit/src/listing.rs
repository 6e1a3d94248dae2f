//! Which tests there are, for pages that name them.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// The test functions in the Rust files below these folders, and the titles of what runs in Node.
pub fn tests_below(folders: &[PathBuf]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = folders.to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // A file that somebody is just moving is none.
            let source = || fs::read_to_string(&path).unwrap_or_default();
            if path.is_dir() && name != "node_modules" && name != "target" {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.extend(tests_of(&source()));
            } else if name.ends_with(".test.mjs") {
                found.extend(titles_of(&source()));
            }
        }
    }
    found
}

/// Functions below a line like `#[test]` or `#[tokio::test]`.
pub fn tests_of(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.contains("::test");
            continue;
        }
        if is_test && let Some((_, rest)) = line.split_once("fn ") {
            found.insert(rest.split(['(', '<']).next().unwrap_or_default().to_owned());
        }
        is_test = false;
    }
    found
}

/// Words in code that look like names of tests: long, lower case, with underlines.
pub fn tests_named_in(text: &str) -> Vec<String> {
    let words = text.split('`').skip(1).step_by(2);
    let is_test = |word: &&str| {
        word.matches('_').count() >= 3 && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    words.filter(is_test).map(str::to_owned).collect()
}

/// `test('a title', …)`
fn titles_of(source: &str) -> impl Iterator<Item = String> {
    let lines = source.lines().filter_map(|line| line.trim_start().strip_prefix("test('"));
    lines.filter_map(|line| Some(line.split_once('\'')?.0.to_owned()))
}
