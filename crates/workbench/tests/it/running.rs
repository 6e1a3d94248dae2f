//! `bia mapper run`, without the command line.

use bia_mapper::Source;
use bia_model::{IdentitySchema, SchemaOptions};
use bia_workbench::claims::{self, Given};
use bia_workbench::difference::Kind;
use bia_workbench::report::{self, Paint};
use bia_workbench::run::{self, Request};
use serde_json::{Value, json};

use crate::{given, mapper, persona, run_text};

const MAPPER: &str = "local claims = std.extVar('claims');
{ identity: {
  traits: { email: claims.email, name: claims.name },
  metadata_public: { tenant: claims.raw_claims.tid },
  verified_addresses: [{ via: 'email', value: claims.email }],
} }";

fn schema() -> IdentitySchema {
    let document = json!({
        "$id": "person", "$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
        "properties": { "traits": {
            "type": "object", "additionalProperties": false, "required": ["email"],
            "properties": { "email": { "type": "string", "format": "email" }, "name": { "type": "string", "maxLength": 20 } },
        } },
    });
    IdentitySchema::parse("person", document, SchemaOptions::default()).expect("a schema")
}

fn request<'a>(claims: &'a Given, identity: Option<&'a Value>, schema: Option<&'a IdentitySchema>) -> Request<'a> {
    Request { source: Source { name: "m.jsonnet", text: MAPPER }, claims, identity, schema, imports: &[] }
}

#[tokio::test]
async fn a_run_shows_output_identity_addresses_and_the_schemas_verdict() {
    let (claims, schema) = (persona("member"), schema());
    let report = run::run(&mapper(), request(&claims, None, Some(&schema))).await;
    assert!(report.ok, "{:?}", report.error);
    assert_eq!(report.output.expect("output")["identity"]["traits"]["name"], "Alice Adams");
    assert_eq!(report.identity.expect("identity")["metadata_public"]["tenant"], bia_fake_entra::CONTOSO_TENANT_ID);
    assert_eq!(report.verified_addresses, [json!({ "via": "email", "value": "alice@contoso.example" })]);
    assert!(report.schema.expect("verdict").valid);
    assert!(report.changes.is_none());
}

#[tokio::test]
async fn traits_that_the_schema_refuses_fail_the_run_and_say_where() {
    let claims = given(json!({ "email": "no address", "name": "Somebody With A Long Name", "tid": "t" }));
    let schema = schema();
    let report = run::run(&mapper(), request(&claims, None, Some(&schema))).await;
    assert!(!report.ok);
    let pointers: Vec<_> =
        report.schema.expect("verdict").refusals.into_iter().map(|refusal| refusal.pointer).collect();
    assert!(pointers.contains(&"#/traits/email".to_owned()), "{pointers:?}");
    assert_eq!(report.error.expect("error").kind, "schema");
}

#[tokio::test]
async fn with_an_identity_the_difference_is_that_of_an_update_on_login() {
    let before = json!({
        "id": "x", "schema_id": "person",
        "traits": { "email": "old@contoso.example", "name": "Alice Adams", "nickname": "Al" },
        "metadata_public": { "tenant": bia_fake_entra::CONTOSO_TENANT_ID, "old": true }, "metadata_admin": null,
    });
    let before = run::identity(&before, "identity.json").expect("an identity");
    let claims = persona("member");
    let report = run::run(&mapper(), request(&claims, Some(&before), None)).await;
    let changes: Vec<_> = report.changes.clone().expect("changes").into_iter().map(|c| (c.path, c.kind)).collect();
    let expected = [("traits.email", Kind::Changed), ("metadata_public.old", Kind::Removed)];
    assert_eq!(changes, expected.map(|(path, kind)| (path.to_owned(), kind)));
    // Merging never removes a trait.
    assert_eq!(report.identity.as_ref().expect("identity")["traits"]["nickname"], "Al");
    let text = report::run(&report, Paint::OFF);
    assert!(text.contains(r#"~ traits.email: "old@contoso.example" -> "alice@contoso.example""#), "{text}");
    assert!(text.contains("- metadata_public.old: true"), "{text}");
}

#[tokio::test]
async fn the_mapper_reads_the_identity_before() {
    let before = run::identity(&json!({ "traits": { "n": 1 } }), "i").expect("an identity");
    let claims = given(json!({ "sub": "s" }));
    let text = "local i = std.extVar('identity'); { identity: { traits: { n: i.traits.n + 1, m: i.metadata_admin } } }";
    let source = Source { name: "m", text };
    let report =
        run::run(&mapper(), Request { source, claims: &claims, identity: Some(&before), schema: None, imports: &[] })
            .await;
    assert_eq!(report.identity.expect("identity")["traits"], json!({ "n": 2, "m": {} }));
    assert!(run::identity(&json!({ "traits": [] }), "i").is_err());
}

#[tokio::test]
async fn raw_evaluates_anything_and_needs_no_claims() {
    let mapper = mapper();
    let raw = async |text: &str, claims: Option<&Given>| {
        run::raw(&mapper, Source { name: "x", text }, claims, None, &[]).await
    };
    assert_eq!(raw("[1, 'a', 2 * 3]", None).await.expect("runs"), json!([1, "a", 6]));
    let claims = given(json!({ "sub": "s" }));
    assert_eq!(raw("std.extVar('claims').sub", Some(&claims)).await.expect("runs"), "s");
    assert_eq!(raw("std.extVar('claims')", None).await.expect_err("fails").kind, "missing_ext_var");
}

#[tokio::test]
async fn a_failure_says_where_what_is_there_instead_and_no_value() {
    let report = run_text(
        &mapper(),
        "local claims = std.extVar('claims');\n{ identity: { traits: { e: claims.emial } } }",
        &persona("member"),
    )
    .await;
    let error = report.error.clone().expect("fails");
    let place = error.place.expect("a place");
    assert_eq!((error.kind.as_str(), place.line), ("missing_field", 2));
    assert!(error.diagnostic.contains("claims.email (string)"), "{}", error.diagnostic);
    assert!(!serde_json::to_string(&report.error).expect("JSON").contains("alice@"));
}

#[tokio::test]
async fn a_denial_is_a_result_and_its_reason_is_what_the_visitor_reads() {
    let report = run_text(&mapper(), "{ deny: { reason: 'Guests are not served.' } }", &persona("guest")).await;
    assert!(report.ok);
    assert_eq!(report.deny.as_deref(), Some("Guests are not served."));
    assert!(report::run(&report, Paint::OFF).contains("The visitor reads: Guests are not served."));
}

#[tokio::test]
async fn a_wrong_shape_is_refused_as_at_a_sign_in() {
    let report = run_text(&mapper(), "{ identity: { traits: {}, metadata_public: null } }", &persona("member")).await;
    assert_eq!(report.error.expect("fails").kind, "output_shape");
    assert!(report.output.is_some(), "what it evaluated to helps to see why");
}

#[tokio::test]
async fn shipped_imports_are_found_and_others_are_not() {
    let claims = given(json!({ "sub": "s" }));
    let imports = [("names.libsonnet".to_owned(), "{ up(x): std.asciiUpper(x) }".to_owned())];
    let run = async |text: &str| {
        let source = Source { name: "m", text };
        run::run(&mapper(), Request { source, claims: &claims, identity: None, schema: None, imports: &imports }).await
    };
    let report = run("{ identity: { traits: { n: (import 'names.libsonnet').up('a') } } }").await;
    assert_eq!(report.identity.expect("identity")["traits"]["n"], "A");
    assert_eq!(run("import '/etc/passwd'").await.error.expect("fails").kind, "import");
}

#[test]
fn control_characters_of_claims_do_not_reach_the_terminal() {
    let report = run::Report {
        ok: true,
        mapper: "m".into(),
        output: None,
        deny: Some("\u{1b}[2Jboo".into()),
        identity: None,
        verified_addresses: Vec::new(),
        schema: None,
        changes: None,
        error: None,
        reproduced: None,
        notes: Vec::new(),
    };
    assert!(!report::run(&report, Paint::OFF).contains('\u{1b}'));
    assert!(claims::of_persona("nobody", &claims::Options::default()).is_err());
}
