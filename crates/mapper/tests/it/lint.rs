//! Mistakes that run, found before somebody signs in; and the formatter through the worker.

use bia_mapper::{LintSeverity, Source};

use crate::mapper;

const SCHEMA: &str = r#"{"properties":{"traits":{"type":"object","properties":{"email":{},"name":{},"roles":{}},"required":["email","name"],"additionalProperties":false}}}"#;

async fn rules(text: &str) -> Vec<String> {
    let findings = mapper().lint(&Source { name: "m", text }, Some(SCHEMA)).await.expect("lints");
    findings.into_iter().map(|finding| finding.rule).collect()
}

#[tokio::test]
async fn a_careful_mapper_has_no_findings() {
    let text = "local claims = std.extVar('claims');
local raw = claims.raw_claims;
local email = std.get(claims, 'email', claims.sub + '@none.example');
{
  identity: {
    traits: {
      email: email,
      [if 'name' in claims then 'name']: claims.name,
    },
    [if std.objectHas(raw, 'roles') && std.length(raw.roles) > 0 then 'metadata_public']: { roles: raw.roles },
    verified_addresses: if 'email' in claims && std.get(claims, 'email_verified', false) then [{ via: 'email', value: claims.email }] else [],
  },
}";
    assert_eq!(rules(text).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_idioms_of_orys_documentation_are_understood() {
    let text = "local claims = { email_verified: false } + std.extVar('claims');
{
  identity: {
    traits: {
      [if 'email' in claims && claims.email_verified then 'email' else null]: claims.email,
      [if 'name' in claims then 'name' else null]: claims.name,
    },
    verified_addresses: std.prune([if 'email' in claims && claims.email_verified then { via: 'email', value: claims.email }]),
  },
}";
    assert_eq!(rules(text).await, Vec::<String>::new());
}

#[tokio::test]
async fn each_rule_finds_its_mistake() {
    let head = "local claims = std.extVar('claims');";
    for (text, rule) in [
        ("{ identity: { traits: { email: claims.email, name: 'x' } } }", "unguarded-claim"),
        (
            "{ identity: { traits: { email: 'x', name: if 'email' in claims then 'y' else claims.raw_claims.tid } } }",
            "unguarded-claim",
        ),
        (
            "{ identity: { traits: { email: 'x', name: if claims.email_verified then 'y' else 'z' } } }",
            "unguarded-claim",
        ),
        ("{ identity: { traits: { email: 'x', name: 'y' }, metadata_public: null, x:: claims } }", "null-output"),
        (
            "{ identity: { traits: { email: 'x', name: 'y' }, metadata_admin: if 'a' in claims then {} } }",
            "null-output",
        ),
        ("{ identity: { traits: { email: 'x', name: null }, x:: claims } }", "null-output"),
        ("{ identity: { traits: { emial: 'x', email: 'x', name: 'y' }, x:: claims } }", "unknown-trait"),
        ("{ identity: { traits: { email: 'x' }, x:: claims } }", "missing-trait"),
        ("{ identity: { traits: { email: 'x', name: 'y', roles: std.get(claims, 'x') } } }", "editable-right"),
        ("{ identity: { traits: { email: std.get(claims.raw_claims, 'groups'), name: 'y' } } }", "editable-right"),
        (
            "{ identity: { traits: { email: 'x', name: 'y' }, verified_addresses: [{ via: 'email', value: std.get(claims, 'email') }] } }",
            "unproven-address",
        ),
        ("local f(claims) = claims; { identity: { traits: { email: f('x'), name: claims.sub } } }", "shadowed-local"),
        ("{ identity: { traits: { email: 'x', name: 'y' } } }", "unused-local"),
    ] {
        assert_eq!(rules(&format!("{head}\n{text}")).await, [rule], "{text}");
    }
}

#[tokio::test]
async fn findings_have_a_place_and_advice() {
    let text = "local claims = std.extVar('claims');\n{ identity: { traits: { name: claims.email_verified } } }";
    let findings = mapper().lint(&Source { name: "m", text }, None).await.expect("lints");
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.line, finding.severity), (2, LintSeverity::Warning));
    assert!(
        finding.hint.as_deref().is_some_and(|hint| hint.contains("std.get(claims, 'email_verified', false)")),
        "{finding:?}"
    );
    assert!(finding.excerpt.is_some());
}

#[tokio::test]
async fn what_does_not_parse_is_neither_linted_nor_formatted() {
    let source = Source { name: "m", text: "{ a: " };
    assert_eq!(mapper().lint(&source, None).await.expect_err("refused").kind(), "syntax");
    assert_eq!(mapper().format(&source).await.expect_err("refused").kind(), "syntax");
    let schema = mapper().lint(&Source { name: "m", text: "{}" }, Some("{")).await;
    assert_eq!(schema.expect_err("refused").kind(), "input_invalid");
}

#[tokio::test]
async fn the_formatter_gives_text_back() {
    let text = mapper().format(&Source { name: "m", text: "{a:1}" }).await.expect("formats");
    assert_eq!(text, "{ a: 1 }\n");
}
