use super::*;
use crate::identity_schema::SchemaOptions;
use serde_json::json;

fn schema() -> IdentitySchema {
    let document = json!({
        "type": "object",
        "properties": { "traits": {
            "type": "object",
            "properties": {
                "email": { "type": "string" },
                "age": { "type": "integer" },
                "size": { "type": "number" },
                "agree": { "type": "boolean" },
                "news": { "type": "boolean" },
                "groups": { "type": "array", "items": { "type": "string" } },
                "years": { "type": "array", "items": { "type": "integer" } },
                "name": { "type": "object", "properties": { "first": { "type": "string" }, "x.y": { "type": "string" } } }
            },
            "required": ["agree", "size"]
        } }
    });
    IdentitySchema::parse("default", document, SchemaOptions::default()).unwrap()
}

fn form(pairs: &[(&str, &str)]) -> Value {
    let pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    decode(&pairs, Some(&schema())).unwrap()
}

#[test]
fn fields_are_nested_and_coerced_by_the_schema() {
    let decoded = form(&[
        ("provider", "microsoft"),
        ("csrf_token", ""),
        ("traits.email", "a@b"),
        ("traits.age", "42"),
        ("traits.size", "1.5"),
        ("traits.agree", "false"),
        ("traits.agree", "true"),
        ("traits.groups", "a"),
        ("traits.groups", "b"),
        ("traits.years", "1999"),
        ("traits.name.first", "Alice"),
        ("traits.unknown", "ignored"),
        ("upstream_parameters.login_hint", "a@b"),
        ("transient_payload", "{\"a\":1}"),
    ]);
    assert_eq!(
        decoded,
        json!({
            "provider": "microsoft",
            "traits": {
                "email": "a@b", "age": 42, "size": 1.5, "agree": true,
                "groups": ["a", "b"], "years": [1999], "name": { "first": "Alice" }
            },
            "upstream_parameters": { "login_hint": "a@b" },
            "transient_payload": { "a": 1 }
        })
    );
}

#[test]
fn empty_fields_are_dropped_unless_required() {
    let decoded = form(&[
        ("traits.email", ""),
        ("traits.age", ""),
        ("traits.news", ""),
        ("traits.agree", ""),
        ("traits.size", ""),
    ]);
    assert_eq!(decoded, json!({ "traits": { "agree": false, "size": 0, "name": {} } }));
}

#[test]
fn texts_that_fit_no_type_stay_texts() {
    let decoded = form(&[("traits.age", "old"), ("traits.agree", "yes"), ("traits.size", "inf")]);
    assert_eq!(decoded["traits"], json!({ "age": "old", "agree": "yes", "size": "inf", "name": {} }));
}

#[test]
fn json_may_be_nested_or_flat() {
    let flat = json!({ "method": "oidc", "traits.email": "a@b", "traits.age": 42, "traits.groups": ["a"], "traits.name.first": "A" });
    let nested =
        json!({ "method": "oidc", "traits": { "email": "a@b", "age": 42, "groups": ["a"], "name": { "first": "A" } } });
    let decoded = decode_json(flat, Some(&schema())).unwrap();
    assert_eq!(decoded, decode_json(nested.clone(), Some(&schema())).unwrap());
    assert_eq!(decoded, nested);
    let mixed = json!({ "traits.email": "new", "traits": { "email": "old" }, "x": null });
    let decoded = decode_json(mixed, Some(&schema())).unwrap();
    assert_eq!(decoded, json!({ "traits": { "email": "new", "name": {} } }));
}

#[test]
fn without_a_schema_traits_are_texts() {
    let pairs = [("traits.a.b".to_owned(), "1".to_owned()), ("link".to_owned(), "ms".to_owned())];
    assert_eq!(decode(&pairs, None).unwrap(), json!({ "traits": { "a": { "b": "1" } }, "link": "ms" }));
}

#[test]
fn bodies_that_are_no_objects_are_refused() {
    for (body, name) in [(json!([]), "JSON"), (json!("x"), "String"), (json!(null), "Null"), (json!(1), "Number")] {
        let error = decode_json(body, None).unwrap_err();
        assert_eq!(error.code, 400);
        let expected = format!("Expected JSON sent in request body to be an object but got: {name}");
        assert_eq!(error.reason.as_deref(), Some(expected.as_str()));
    }
    let broken = [("traits".to_owned(), "{".to_owned())];
    assert_eq!(decode(&broken, None).unwrap_err().code, 400);
}

#[test]
fn too_many_too_deep_and_too_large_bodies_are_refused() {
    let many: Vec<_> = (0..1_001).map(|i| (format!("k{i}"), String::new())).collect();
    let deep = vec![(vec!["a"; 40].join("."), "x".to_owned())];
    for pairs in [many, deep] {
        assert_eq!(decode(&pairs, None).unwrap_err().code, 400);
    }
    let mut nested = json!(1);
    for _ in 0..40 {
        nested = json!([nested]);
    }
    for body in [json!({ "a": nested }), json!({ "a": vec![0; 10_001] })] {
        assert_eq!(decode_json(body, None).unwrap_err().code, 400);
    }
}
