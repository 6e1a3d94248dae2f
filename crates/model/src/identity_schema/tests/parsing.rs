use super::*;

fn problem(document: Value) -> (String, String) {
    let error = IdentitySchema::parse("default", document, SchemaOptions::default()).unwrap_err();
    assert_eq!(error.id, "default");
    (error.pointer, error.problem)
}

fn with_traits(traits: Value) -> Value {
    json!({ "type": "object", "properties": { "traits": traits } })
}

fn with_x(schema: Value) -> Value {
    with_traits(json!({ "type": "object", "properties": { "x": schema } }))
}

#[test]
fn documents_that_are_no_identity_schemas_are_refused_with_their_place() {
    const X: &str = "#/properties/traits/properties/x";
    let keyword = format!("{X}/ory.sh~1kratos");
    let extension = |value: Value| with_x(json!({ "type": "string", "ory.sh/kratos": value }));
    for (document, pointer, part) in [
        (json!([]), "#", "JSON object"),
        (json!({}), "#/properties", "`traits` is missing"),
        (json!({ "properties": {} }), "#/properties", "`traits` is missing"),
        (with_traits(json!({ "type": "string" })), "#/properties/traits", "must be of type `object`"),
        (with_traits(json!({ "type": "object" })), "#/properties/traits", "at least one"),
        (with_traits(json!({ "type": "object", "properties": {} })), "#/properties/traits", "at least one"),
        (with_x(json!(true)), X, "described by an object"),
        (with_x(json!({ "type": "txt" })), "#/properties/traits/properties/x/type", "txt"),
        (with_x(json!({ "type": "string", "pattern": "(" })), "#/properties/traits/properties/x/pattern", "not valid"),
        (with_x(json!({ "$ref": "#/definitions/gone" })), X, "nowhere in the document"),
        (with_x(json!({ "$ref": "file:///etc/passwd" })), X, "leads out of the document"),
        (with_x(json!({ "$ref": "https://x.example/s.json" })), X, "leads out of the document"),
        (with_x(json!({ "$ref": "#/properties/traits/properties/x" })), X, "back to itself"),
        (json!({ "$schema": "https://json-schema.org/draft/2020-12/schema" }), "#/$schema", "draft-07"),
        (extension(json!(true)), &keyword, "must be an object"),
        (extension(json!({ "credential": {} })), &keyword, "no key `credential`"),
        (extension(json!({ "credentials": { "password": { "identifier": "yes" } } })), &keyword, "true or false"),
        (extension(json!({ "credentials": { "oidc": {} } })), &keyword, "no key `oidc`"),
        (extension(json!({ "verification": { "via": "fax" } })), &keyword, "one of: email, sms"),
        (extension(json!({ "organizations": { "matcher": "x" } })), &keyword, "email_domain"),
        (
            with_x(
                json!({ "type": "string", "format": "uri", "ory.sh/kratos": { "verification": { "via": "email" } } }),
            ),
            "#/properties/traits/properties/x/format",
            "no-validate",
        ),
    ] {
        let (at, problem) = problem(document);
        assert_eq!(at, pointer, "{problem}");
        assert!(problem.contains(part), "{problem}");
    }
}

#[test]
fn nesting_without_end_is_refused() {
    let mut schema = json!({ "type": "string" });
    for _ in 0..120 {
        schema = json!({ "not": schema });
    }
    assert!(problem(with_x(schema)).1.contains("too large"));
}

#[test]
fn references_work_by_pointer_by_anchor_and_by_id() {
    for reference in ["#/definitions/a", "#named", "https://x.example/s.json#/definitions/a"] {
        let document = json!({
            "$id": "https://x.example/s.json",
            "definitions": { "a": { "$id": "#named", "type": "string", "minLength": 2 } },
            "properties": { "traits": { "type": "object", "properties": { "x": { "$ref": reference } } } }
        });
        let options = SchemaOptions { disallow_ref: true };
        let schema = IdentitySchema::parse("default", document.clone(), options).unwrap();
        assert_eq!(schema.validate(&json!({ "x": "a" })).len(), 1, "{reference}");
        assert_eq!(schema.document(), &document);
    }
}

#[test]
fn patterns_in_kratos_dialect_are_understood() {
    for pattern in [r"(?i)^ABC$", r"\A\pL+\z", "^[a-z]{3}$", r"^(?=a)\w+$"] {
        let document = with_x(json!({ "type": "string", "pattern": pattern }));
        let schema = IdentitySchema::parse("default", document, SchemaOptions::default()).unwrap();
        assert!(schema.validate(&json!({ "x": "abc" })).is_empty(), "{pattern}");
        assert_eq!(schema.validate(&json!({ "x": "1" })).len(), 1, "{pattern}");
    }
}
