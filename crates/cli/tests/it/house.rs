//! House rules over `cargo metadata`: who may depend on whom, licences, crates that must not come in.

use crate::support::root;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Our crates and what they use outside tests.
fn ours(metadata: &Value) -> BTreeMap<&str, BTreeSet<&str>> {
    let packages = metadata["packages"].as_array().expect("packages").iter();
    let ours = packages.filter(|package| package["source"].is_null());
    ours.map(|package| {
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
        let normal = dependencies.filter(|dependency| dependency["kind"].is_null());
        (text(package, "name"), normal.map(|dependency| text(dependency, "name")).collect())
    })
    .collect()
}

/// The picture in ARCHITECTURE.md. A crate may use those on lower levels.
const LEVELS: [&[&str]; 7] = [
    &["bia-telemetry"],
    &["bia-config", "bia-model", "bia-outbound"],
    &["bia-provider", "bia-mapper", "bia-store", "bia-identity"],
    &["bia-hooks"],
    &["bia-selfservice"],
    &["bia-server", "bia-pages", "bia-workbench", "bia-doctor", "bia-moving", "bia-otel"],
    &["bia"],
];

/// The arrows that the levels alone would forbid.
const SIDEWAYS: [(&str, &str); 4] = [
    ("bia-identity", "bia-store"),
    ("bia-identity", "bia-mapper"),
    ("bia-server", "bia-pages"),
    ("bia-doctor", "bia-workbench"),
];

#[test]
fn crates_depend_downwards_only() {
    let metadata = metadata();
    let ours = ours(&metadata);
    let level = |name: &str| LEVELS.iter().position(|names| names.contains(&name));
    for (&name, dependencies) in &ours {
        let Some(own) = level(name) else { continue };
        for &dependency in dependencies.iter().filter(|dependency| ours.contains_key(*dependency)) {
            if let Some(other) = level(dependency) {
                assert!(other < own || SIDEWAYS.contains(&(name, dependency)), "{name} must not use {dependency}");
            } else {
                assert_eq!(name, "bia", "{name} must not use {dependency}, which has no level");
            }
        }
    }
    for alone in ["bia-config", "bia-model", "bia-outbound", "bia-mapper", "bia-pages", "bia-fake-entra"] {
        let used: Vec<_> =
            ours[alone].iter().filter(|name| ours.contains_key(*name) && **name != "bia-telemetry").collect();
        assert!(used.is_empty(), "{alone} stands alone but uses {used:?}");
    }
}

/// Third-party crates that belong to one part of the house.
const RESERVED: [(&str, &[&str]); 14] = [
    ("figment", &["bia-config"]),
    ("schemars", &["bia-config"]),
    ("serde_yaml", &["bia-config", "bia"]),
    ("jsonschema", &["bia-config", "bia-model"]),
    ("openidconnect", &["bia-provider"]),
    ("jrsonnet-evaluator", &["bia-mapper"]),
    ("libc", &["bia-mapper", "bia"]),
    ("sqlx", &["bia-store", "bia-testkit", "bia-bench"]),
    ("rusqlite", &["bia-store", "bia-bench"]),
    ("axum", &["bia-server", "bia-fake-entra"]),
    ("tower-http", &["bia-server"]),
    ("cookie", &["bia-server"]),
    ("clap", &["bia", "bia-bench"]),
    ("minijinja", &["bia-pages"]),
];

#[test]
fn third_party_crates_stay_where_they_belong() {
    let metadata = metadata();
    for (name, dependencies) in ours(&metadata) {
        for (reserved, homes) in RESERVED {
            assert!(
                !dependencies.contains(reserved) || homes.contains(&name),
                "{name} must not use {reserved}; see {homes:?}"
            );
        }
    }
}

/// The same list as in deny.toml.
const LICENCES: [&str; 12] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
];

/// Whether one alternative of an expression is allowed as a whole: `OR` chooses, `AND` needs both.
fn is_allowed(expression: &str) -> bool {
    let flat = expression.replace(['(', ')'], "").replace('/', " OR ");
    if expression.contains('(') {
        // `(A OR B) AND C`: each side by itself.
        return expression.split(" AND ").all(|side| is_allowed(&side.replace(['(', ')'], "")));
    }
    flat.split(" OR ").any(|choice| choice.split(" AND ").all(|licence| LICENCES.contains(&licence.trim())))
}

#[test]
fn every_dependency_has_a_licence_that_goes_with_apache_2() {
    let metadata = metadata();
    for package in metadata["packages"].as_array().expect("packages") {
        let licence = text(package, "license");
        assert!(is_allowed(licence), "{} {} is under {licence:?}", text(package, "name"), text(package, "version"));
    }
    assert!(
        !is_allowed("GPL-3.0")
            && !is_allowed("MIT AND AGPL-3.0")
            && is_allowed("(MIT OR GPL-2.0) AND ISC")
            && !is_allowed("")
    );
}

#[test]
fn licences_and_bans_are_those_of_deny_toml() {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    for licence in LICENCES.iter().chain(&BANNED) {
        assert!(text.contains(&format!("\"{licence}\"")), "deny.toml lacks {licence}");
    }
}

/// A second TLS stack or trust store would ignore what the operator set up.
const BANNED: [&str; 5] = ["openssl-sys", "native-tls", "aws-lc-sys", "aws-lc-rs", "webpki-roots"];

#[test]
fn only_one_tls_stack_and_the_systems_trust_store_are_compiled_in() {
    let metadata = metadata();
    let resolved: BTreeMap<&str, &Value> =
        metadata["resolve"]["nodes"].as_array().expect("nodes").iter().map(|node| (text(node, "id"), node)).collect();
    let name = |id: &str| {
        let package =
            metadata["packages"].as_array().expect("packages").iter().find(|package| text(package, "id") == id);
        package.map(|package| text(package, "name").to_owned()).unwrap_or_default()
    };
    let start = resolved.keys().find(|id| name(id) == "bia").expect("bia");
    let (mut seen, mut waiting) = (BTreeSet::new(), vec![*start]);
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        assert!(!BANNED.contains(&name(id).as_str()), "{} is compiled in", name(id));
        for dependency in resolved[id]["deps"].as_array().expect("deps") {
            let kinds = dependency["dep_kinds"].as_array().expect("kinds");
            if kinds.iter().any(|kind| kind["kind"].is_null() && kind["target"].is_null()) {
                waiting.push(text(dependency, "pkg"));
            }
        }
    }
    assert!(seen.len() > 100, "the walk through the tree went nowhere");
}

#[test]
fn every_crate_forbids_unsafe_code_through_the_workspace_lints() {
    for folder in std::fs::read_dir(root().join("crates")).expect("crates") {
        let manifest = folder.expect("crate").path().join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).expect("manifest");
        assert!(text.contains("[lints]\nworkspace = true"), "{}", manifest.display());
    }
}
