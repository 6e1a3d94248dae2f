//! Generated pages are what the generator would write now, and the summary has every page once.

use super::pages;
use crate::support::root;
use std::collections::BTreeSet;

pub(super) use keys::slug;

#[path = "../../../examples/reference/commands.rs"]
mod commands;
#[path = "../../../examples/reference/keys.rs"]
mod keys;
#[path = "../../../examples/reference/pages.rs"]
mod reference;

const AGAIN: &str = "is behind the code: run `cargo run -p bia --example reference`";

#[test]
fn generated_pages_are_in_step_with_the_code() {
    let written = reference::generated(&root()).expect("generated");
    assert_eq!(written.len(), 4);
    for (file, text) in written {
        assert!(text.lines().count() > 20, "{file} is nearly empty");
        assert!(std::fs::read_to_string(root().join(&file)).unwrap_or_default() == text, "{file} {AGAIN}");
    }
}

#[test]
fn a22_the_index_for_programs_lists_every_page() {
    let (file, text) = reference::llms_txt(&root()).expect("generated");
    assert!(std::fs::read_to_string(root().join(&file)).unwrap_or_default() == text, "{file} {AGAIN}");
    for line in text.lines().filter(|line| line.starts_with("- [")) {
        let (_, about) = line.split_once("): ").expect("a line about a page");
        assert!(about.len() > 20, "a page begins with a sentence that says what it is about: {line}");
    }
}

#[test]
fn every_page_stands_in_the_summary_once() {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).expect("the summary");
    let listed: Vec<&str> = summary.lines().filter_map(reference::link).map(|(_, file)| file).collect();
    let unique: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(unique.len(), listed.len(), "a page is listed twice");
    let all = pages();
    let exist: BTreeSet<&str> =
        all.iter().filter_map(|page| page.name.strip_prefix("docs/")).filter(|name| *name != "SUMMARY.md").collect();
    assert_eq!(unique, exist);
}

#[test]
fn the_readme_asks_for_the_rust_that_cargo_asks_for() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).expect("a file");
    let manifest = read("Cargo.toml");
    let (_, rest) = manifest.split_once("rust-version = \"").expect("a version");
    let version = rest.split('"').next().expect("its end");
    assert!(read("README.md").contains(&format!("Rust {version} or newer")), "README.md does not ask for {version}");
}

#[test]
fn no_help_shows_a_backslash_before_a_quotation_mark() {
    assert!(!commands::page().contains("\\\""), "comments of arguments are shown as they are");
}

#[test]
fn every_key_and_command_has_its_row() {
    let (keys, commands) = (keys::page(), commands::page());
    for key in
        ["`mapper_url`", "`microsoft_tenant`", "`bia` ★", "`aliases` ★", "`trusted_proxies`", "`requested_claims`"]
    {
        assert!(keys.contains(&format!("\n| {key} |")), "{key}");
    }
    for command in ["## `bia serve`", "### `bia mapper test`", "`-c, --config", "`bia config check`"] {
        let plain = commands.replace("`, `", ", ");
        assert!(plain.contains(command), "{command}");
    }
}
