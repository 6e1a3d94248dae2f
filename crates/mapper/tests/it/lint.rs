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
async fn rights_are_found_behind_locals_and_at_any_depth() {
    let head = "local c = std.extVar('claims');";
    for (text, names) in [
        (
            "local t = { email: 'x', name: 'y', roles: std.get(c.raw_claims, 'roles', []) }; { identity: { traits: t } }",
            "roles",
        ),
        ("local me = { traits: { email: 'x', name: 'y', roles: c.sub } }; { identity: me }", "roles"),
        ("local r = std.get(c.raw_claims, 'roles', []); { identity: { traits: { email: r, name: 'y' } } }", "email"),
        (
            "local raw = c.raw_claims, r = if 'roles' in raw then raw.roles else [], n = { a: r }; { identity: { traits: { email: n, name: n.a } } }",
            "a name",
        ),
        (
            "local of(raw) = std.get(raw, 'wids', []); { identity: { traits: { email: of(c.raw_claims), name: 'y' } } }",
            "email",
        ),
        ("{ identity: { traits: { email: c.sub, name: { admin: true, permissions: 'x' } } } }", "admin permissions"),
        ("{ identity: { traits: { email: c.sub, name: [{ Admin: true }], roles: { admin: true } } } }", "Admin roles"),
        (
            "{ local me = { email: c.sub, name: 'y', roles: [] }, identity: std.prune({ traits: { x: null } + me }) }",
            "roles",
        ),
        (
            "local t = if 'a' in c then { roles: [] } else {}; { identity: { traits: { email: c.sub, name: 'y' } + t } }",
            "roles",
        ),
    ] {
        let text = format!("{head}\n{text}");
        let findings = mapper().lint(&Source { name: "m", text: &text }, None).await.expect("lints");
        let named = |rule: &str| findings.iter().filter(|finding| finding.rule == rule).collect::<Vec<_>>();
        let mut found: Vec<_> =
            named("editable-right").iter().filter_map(|finding| finding.message.split('`').nth(1)).collect();
        found.sort_unstable();
        let wanted: Vec<_> = names.split(' ').collect();
        assert_eq!(found, wanted, "{text}: {findings:?}");
    }
}

#[tokio::test]
async fn what_reads_no_right_is_left_alone_however_near_one_is() {
    let head = "local c = std.extVar('claims');";
    for text in [
        // One field of an object that holds rights as well.
        "local p = { mail: c.sub, roles: std.get(c.raw_claims, 'roles', []) }; { identity: { traits: { email: p.mail, name: 'y' }, metadata_public: { roles: p.roles } } }",
        // A parameter that has the name of such a local.
        "local r = std.get(c.raw_claims, 'roles', []); { identity: { traits: { email: std.map(function(s) s, [c.sub]), name: 'y' }, metadata_public: { r: r } } }",
        // A null that never gets out.
        "local n = if 'name' in c then c.name else null; { identity: { traits: { email: c.sub, name: 'y', [if n != null then 'email']: n } } }",
        "local n = if 'name' in c then c.name; { identity: { traits: { email: c.sub, name: 'y', [if 'name' in c then 'email']: n } } }",
        "local t = { email: c.sub, name: if 'name' in c then c.name else null }; { identity: { traits: std.prune(t) } }",
        // Locals that lead nowhere.
        "local t = { email: c.sub, name: t }; { identity: { traits: t } }",
        "local a = { email: b, name: b }, b = { x: a, y: a }; { identity: { traits: { email: c.sub, name: a } } }",
    ] {
        assert_eq!(rules(&format!("{head}\n{text}")).await, Vec::<String>::new(), "{text}");
    }
}

#[tokio::test]
async fn the_other_rules_of_the_output_look_behind_locals_too() {
    for (text, rule) in [
        ("local t = { email: null, name: 'y' }; { identity: { traits: t } }", "null-output"),
        (
            "local m = if 1 > 2 then {}; { identity: { traits: { email: 'x', name: 'y' }, metadata_public: m } }",
            "null-output",
        ),
        ("local me = { traits: { email: 'x', name: 'y', nmae: 'z' } }; { identity: me }", "unknown-trait"),
        ("local t = { email: 'x' }, out = { identity: { traits: t } }; out", "missing-trait"),
    ] {
        assert_eq!(rules(text).await, [rule], "{text}");
    }
}

#[tokio::test]
async fn a_proof_counts_only_where_the_addresses_rest_on_it() {
    let traits = "traits: { email: 'x', name: 'y' }";
    let listed = "[{ via: 'email', value: std.get(c, 'email', '') }]";
    for (text, proven) in [
        (
            "{ identity: { T, metadata_public: { verified: std.get(c, 'email_verified', false) }, verified_addresses: L } }",
            false,
        ),
        ("{ identity: { T, verified_addresses: if 'xms_edov' in c.raw_claims then L else [] } }", false),
        ("{ identity: { T, [if std.objectHas(c.raw_claims, 'email_verified') then 'verified_addresses']: L } }", false),
        (
            "local d = { email_verified: false } + c; { identity: { T, verified_addresses: if 'email_verified' in d then L else [] } }",
            false,
        ),
        (
            "local me = { T, verified_addresses: L }; { identity: me, [if std.get(c, 'email_verified', false) then 'x']: 1 }",
            false,
        ),
        ("{ identity: { T, verified_addresses: if 'email_verified' in c then L else [] } }", true),
        ("{ identity: { T, [if std.get(c, 'email_verified', false) then 'verified_addresses']: L } }", true),
        (
            "local ok = std.get(c.raw_claims, 'xms_edov', false) == true; { identity: { T, verified_addresses: if ok then L else [] } }",
            true,
        ),
        (
            "local raw = c.raw_claims, ok = 'xms_edov' in raw && raw.xms_edov == true, l = if ok then L else []; { identity: { T, verified_addresses: l } }",
            true,
        ),
        (
            "local me = { T, verified_addresses: L }; if std.get(c, 'email_verified', false) then { identity: me } else error 'no'",
            true,
        ),
        ("assert std.get(c, 'email_verified', false); { identity: { T, verified_addresses: L } }", true),
        ("{ assert std.get(c, 'email_verified', false), identity: { T, verified_addresses: L } }", true),
        (
            "{ [if !std.get(c, 'email_verified', false) then 'deny']: { reason: 'x' }, identity: { T, verified_addresses: L } }",
            true,
        ),
        (
            "local me(ok) = { identity: { T, verified_addresses: if ok then L else [] } }; me(std.get(c, 'email_verified', false))",
            true,
        ),
    ] {
        let text = text.replace('T', traits).replace('L', listed);
        let wanted: &[&str] = if proven { &[] } else { &["unproven-address"] };
        assert_eq!(rules(&format!("local c = std.extVar('claims');\n{text}")).await, wanted, "{text}");
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
