//! `docs/security.md` and the tests agree: every test that the page names exists, and every attack here is on the page.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bia_testkit::listing::{tests_below, tests_named_in, tests_of};

#[test]
fn the_page_names_tests_that_exist_and_every_attack() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/security.md")).expect("the page");
    let named: BTreeSet<String> =
        page.lines().filter(|line| line.starts_with('|')).flat_map(tests_on_the_page).collect();
    assert!(named.len() > 60, "the page names only {}", named.len());
    let everywhere = tests_below(&[root.join("crates"), root.join("tests")]);
    let missing: Vec<&String> = named.difference(&everywhere).collect();
    assert!(missing.is_empty(), "docs/security.md names tests that do not exist: {missing:#?}");
    // What is in this file attacks nobody.
    let own = tests_of(include_str!("table.rs"));
    let attacks = tests_below(&[root.join("tests/e2e/tests/attacks")]);
    let unnamed: Vec<&String> = attacks.difference(&named).filter(|test| !own.contains(*test)).collect();
    assert!(unnamed.is_empty(), "attacks that docs/security.md does not name: {unnamed:#?}");
}

#[test]
fn every_item_of_the_standards_has_a_test_or_a_reason() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security.md")).expect("the page");
    let mut items = 0;
    for line in page.lines().filter(|line| is_item(line)) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 3, "{line}");
        let (what, shown) = (cells[1], cells[2]);
        assert!(what.len() > 10, "{line}");
        assert!(!tests_on_the_page(shown).is_empty() || shown.len() > 20, "neither a test nor a reason: {line}");
        items += 1;
    }
    assert!(items >= 85, "{items} items");
    for module in MODULES {
        let name = format!("`oidcc-client-test{module}`");
        let is_there = page.lines().any(|line| is_item(line) && first_cell(line).contains(&name));
        assert!(is_there, "{name} has no row");
    }
    // The sections of RFC 9700 that ask something of anybody.
    for section in ["2.1", "2.1.1", "2.1.2", "2.2.1", "2.2.2", "2.3", "2.4", "2.5", "2.6"] {
        assert!(page.contains(&format!("\n| {section} | ")), "{section} has no row");
    }
    for section in 1..=17 {
        assert!(page.contains(&format!("\n| 4.{section} | ")), "4.{section} has no row");
    }
}

fn first_cell(line: &str) -> &str {
    line.trim_start_matches('|').split('|').next().unwrap_or_default()
}

/// A row whose first cell is a section's number or the name of a conformance test.
fn is_item(line: &str) -> bool {
    let first = line.strip_prefix("| ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let is_section = first.starts_with(['2', '4']) && first.chars().all(|c| c.is_ascii_digit() || c == '.');
    is_section || first.starts_with("`rp-") || first.starts_with("`oidcc-")
}

/// The page's tests: what looks like one and is none is left out.
fn tests_on_the_page(text: &str) -> Vec<String> {
    tests_named_in(text).into_iter().filter(|word| !NO_TESTS.contains(&word.as_str())).collect()
}

/// Keys and ids of the same shape.
const NO_TESTS: [&str; 4] = [
    "disallow_private_ip_ranges",
    "private_ip_exception_urls",
    "authorization_response_iss_parameter_supported",
    "self_service_flow_return_to_forbidden",
];

/// What follows `oidcc-client-test` in the names of the conformance suite's modules for clients: of all its plans of OpenID
/// Connect, signing out and refresh tokens included.
const MODULES: [&str; 57] = [
    "",
    "-invalid-iss",
    "-missing-sub",
    "-invalid-aud",
    "-missing-aud",
    "-missing-iat",
    "-kid-absent-single-jwks",
    "-kid-absent-multiple-jwks",
    "-idtoken-sig-rs256",
    "-idtoken-sig-none",
    "-invalid-sig-rs256",
    "-invalid-sig-es256",
    "-invalid-sig-hs256",
    "-userinfo-bearer-header",
    "-userinfo-bearer-body",
    "-userinfo-invalid-sub",
    "-userinfo-signed",
    "-nonce-invalid",
    "-nonce-unless-code-flow",
    "-scope-userinfo-claims",
    "-client-secret-basic",
    "-form-post-error",
    "-missing-chash",
    "-invalid-chash",
    "-missing-athash",
    "-invalid-athash",
    "-discovery-openid-config",
    "-discovery-jwks-uri-keys",
    "-discovery-issuer-mismatch",
    "-discovery-webfinger-acct",
    "-discovery-webfinger-url",
    "-dynamic-registration",
    "-signing-key-rotation",
    "-signing-key-rotation-just-before-signing",
    "-request-uri-signed-rs256",
    "-request-uri-signed-none",
    "-aggregated-claims",
    "-distributed-claims",
    "-mtls-endpoint-aliases",
    "-refresh-token",
    "-refresh-token-invalid-issuer",
    "-refresh-token-invalid-sub",
    "-3rd-party-init-login",
    "-session-management",
    "-rp-init-logout",
    "-rp-init-logout-no-state",
    "-rp-init-logout-other-state",
    "-rp-frontchannel-rpinitlogout",
    "-rp-frontchannel-opinitlogout",
    "-rp-backchannel-rpinitlogout",
    "-rp-backchannel-rpinitlogout-alg-none",
    "-rp-backchannel-rpinitlogout-wrong-alg",
    "-rp-backchannel-rpinitlogout-no-event",
    "-rp-backchannel-rpinitlogout-wrong-event",
    "-rp-backchannel-rpinitlogout-with-nonce",
    "-rp-backchannel-rpinitlogout-wrong-aud",
    "-rp-backchannel-rpinitlogout-wrong-iss",
];
