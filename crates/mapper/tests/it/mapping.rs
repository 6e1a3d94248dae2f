//! From claims to an identity.

use bia_mapper::{MapperError, NO_IDENTITY, Source};
use serde_json::json;

use crate::{CLAIMS, mapper};

#[tokio::test]
async fn claims_become_traits_metadata_and_addresses() {
    let text = "local claims = std.extVar('claims'); { identity: {
        traits: { email: claims.email, groups: claims.raw_claims.groups },
        metadata_public: { p: 1, nested: { list: [1, 2.5, null, true] } }, metadata_admin: { a: claims.oid },
        verified_addresses: [{ via: 'email', value: ' ' + std.asciiUpper(claims.email) }] }, ignored: { x: 1 } }";
    let mapped = mapper().map_identity(&Source { name: "all", text }, CLAIMS, NO_IDENTITY).await.expect("maps");
    assert_eq!(mapped.traits["email"], "alice@contoso.example");
    assert_eq!(mapped.metadata_public, Some(json!({"p": 1, "nested": {"list": [1, 2.5, null, true]}})));
    assert_eq!(mapped.metadata_admin, Some(json!({"a": "a11ce000-0000-4000-8000-000000000001"})));
    let addresses = mapped.verified_addresses.expect("set");
    assert_eq!((addresses[0].via.as_str(), addresses[0].value.as_str()), ("email", "alice@contoso.example"));
}

#[tokio::test]
async fn one_persons_claims_are_never_seen_by_the_next() {
    let mapper = mapper();
    let source = Source { name: "m", text: "local c = std.extVar('claims'); { identity: { traits: { n: c.n } } }" };
    for number in 0..50 {
        let mapped = mapper.map_identity(&source, &format!(r#"{{"n":{number}}}"#), NO_IDENTITY).await.expect("maps");
        assert_eq!(mapped.traits["n"], number);
    }
    let peek = Source { name: "peek", text: "std.extVar('claims')" };
    let error = mapper.evaluate(bia_mapper::Evaluation { source: peek, ext_vars: &[], tla: &[], imports: &[] }).await;
    assert_eq!(error.expect_err("no claims left behind").kind(), "missing_ext_var");
}

#[tokio::test]
async fn a_mapper_denies_with_a_reason() {
    let source = Source { name: "m", text: "{ deny: { reason: 'Guests are not served.' } }" };
    let mapped = mapper().map_identity(&source, CLAIMS, NO_IDENTITY).await.expect("maps");
    assert_eq!(mapped.deny.as_deref(), Some("Guests are not served."));
    assert_eq!(mapped.traits, json!({}));
}

#[tokio::test]
async fn wrong_output_is_told_from_a_failing_mapper() {
    let source = Source { name: "m", text: "{ identity: { traits: { a: 1 }, metadata_public: null } }" };
    let error = mapper().map_identity(&source, CLAIMS, NO_IDENTITY).await.expect_err("refused");
    assert!(matches!(error, MapperError::Output(_)));
    assert_eq!((error.kind(), error.code(), error.error_id()), ("output_shape", 500, Some("invalid_configuration")));
    assert!(error.diagnostic().contains("= help:"));
}

#[tokio::test]
async fn check_parses_and_analyses_without_running() {
    let mapper = mapper();
    assert!(mapper.check(&Source { name: "m", text: "error 'never run'" }).await.is_ok());
    assert_eq!(
        mapper.check(&Source { name: "m", text: "{ a: b }" }).await.expect_err("refused").kind(),
        "static_analysis"
    );
    assert_eq!(mapper.check(&Source { name: "m", text: "{ a: " }).await.expect_err("refused").kind(), "syntax");
}
