use super::*;

fn told(schema: &IdentitySchema, traits: &Value) -> Vec<(String, i64, String)> {
    schema.validate(traits).into_iter().map(|error| (error.node_name, error.message.id, error.message.text)).collect()
}

fn expect(schema: &IdentitySchema, traits: &Value, expected: &[(&str, i64, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(node, id, text)| ((*node).to_owned(), *id, (*text).to_owned())).collect();
    assert_eq!(told(schema, traits), expected, "{traits}");
}

#[test]
fn failures_are_told_as_kratos_tells_them() {
    let schema = person();
    expect(&schema, &json!({ "email": "a@b.example" }), &[]);
    expect(&schema, &json!({ "email": 5 }), &[("traits.email", 4_000_026, "expected string, but got number")]);
    expect(&schema, &json!({ "email": null }), &[("traits.email", 4_000_026, "expected string, but got null")]);
    expect(&schema, &json!({}), &[("traits.email", 4_000_002, "Property email is missing.")]);
    expect(
        &schema,
        &json!({ "email": "nope" }),
        &[
            ("traits.email", 4_000_040, "Enter a valid email address"),
            ("traits.email", 4_000_001, "\"nope\" can not be normalized for format \"email\""),
        ],
    );
    expect(
        &schema,
        &json!({ "email": "" }),
        &[
            ("traits.email", 4_000_001, "\"\" is not valid \"email\""),
            ("traits.email", 4_000_003, "length must be >= 3, but got 0"),
            ("traits.email", 4_000_001, "\"\" can not be normalized for format \"email\""),
        ],
    );
    expect(
        &schema,
        &json!({ "email": "a@b.example", "shoe_size": 42 }),
        &[("traits", 4_000_001, "additionalProperties \"shoe_size\" not allowed")],
    );
    expect(
        &schema,
        &json!({ "email": "a@b.example", "groups": ["a", 1, {}] }),
        &[
            ("traits.groups.1", 4_000_026, "expected string, but got number"),
            ("traits.groups.2", 4_000_026, "expected string, but got object"),
        ],
    );
}

#[test]
fn the_admin_api_gets_the_whole_tree() {
    let schema = person();
    for (traits, reason) in [
        (
            json!({ "email": "nope" }),
            "I[#/traits/email] S[#/properties/traits/properties/email] validation failed\n  I[#/traits/email] S[#/properties/traits/properties/email/format] \"nope\" is not valid \"email\"\n  I[#/traits/email] S[#/properties/traits/properties/email/format] \"nope\" can not be normalized for format \"email\"",
        ),
        (json!({}), "I[#/traits] S[#/properties/traits/required] missing properties: \"email\""),
        (
            json!({ "email": 5 }),
            "I[#/traits/email] S[#/properties/traits/properties/email/type] expected string, but got number",
        ),
    ] {
        assert_eq!(admin_reason(&schema.validate(&traits)), reason);
    }
    assert_eq!(admin_reason(&[]), "");
}

#[test]
fn each_keyword_has_its_message() {
    for (schema, value, id, text) in [
        (json!({ "maxLength": 2 }), json!("abc"), 4_000_017, "length must be <= 2, but got 3"),
        (json!({ "pattern": "^a+$" }), json!("b"), 4_000_004, "does not match pattern \"^a+$\""),
        (json!({ "minimum": 2 }), json!(1), 4_000_018, "must be >= 2 but found 1"),
        (json!({ "exclusiveMinimum": 2 }), json!(2), 4_000_019, "must be > 2 but found 2"),
        (json!({ "maximum": 2 }), json!(3), 4_000_020, "must be <= 2 but found 3"),
        (json!({ "exclusiveMaximum": 2 }), json!(2), 4_000_021, "must be < 2 but found 2"),
        (json!({ "multipleOf": 0.1 }), json!(0.25), 4_000_022, "0.25 not multipleOf 0.1"),
        (json!({ "maxItems": 1 }), json!([1, 2]), 4_000_023, "maximum 1 items allowed, but found 2 items"),
        (json!({ "minItems": 1 }), json!([]), 4_000_024, "minimum 1 items allowed, but found 0 items"),
        (json!({ "uniqueItems": true }), json!([1, 2, 1.0]), 4_000_025, "items at index 0 and 2 are equal"),
        (json!({ "type": ["string", "null"] }), json!(1), 4_000_026, "expected string or null, but got number"),
        (json!({ "type": "integer" }), json!(1.5), 4_000_026, "expected integer, but got number"),
        (json!({ "const": "yes" }), json!("no"), 4_000_029, "must be equal to constant \"yes\""),
        (json!({ "const": true }), json!(false), 4_000_029, "must be equal to constant true"),
        (json!({ "const": [1] }), json!([2]), 4_000_030, "const failed"),
        (json!({ "format": "tel" }), json!("12"), 4_000_041, "Enter a valid phone number"),
        (json!({ "format": "date" }), json!("12"), 4_000_001, "\"12\" is not valid \"date\""),
        (json!({ "enum": ["a", 1, null] }), json!("b"), 4_000_001, "value must be one of \"a\", \"1\", <nil>"),
        (json!({ "enum": ["a"] }), json!("b"), 4_000_001, "value must be \"a\""),
        (json!({ "not": {} }), json!("b"), 4_000_001, "not failed"),
        (json!({ "minProperties": 1 }), json!({}), 4_000_001, "minimum 1 properties allowed, but found 0 properties"),
        (json!({ "oneOf": [true, true] }), json!(1), 4_000_001, "valid against schemas at indexes 0 and 1"),
        (
            json!({ "dependencies": { "a": ["b"] } }),
            json!({ "a": 1 }),
            4_000_001,
            "property \"b\" is required, if \"a\" property exists",
        ),
        (
            json!({ "items": [{}], "additionalItems": false }),
            json!([1, 2]),
            4_000_001,
            "only 1 items are allowed, but found 2 items",
        ),
        (json!(false), json!(1), 4_000_001, "always fail"),
    ] {
        // A boolean schema can't stand for a trait, so everything hangs below one.
        expect(&one(json!({ "allOf": [schema] })), &json!({ "x": value }), &[("traits.x", id, text)]);
    }
}

#[test]
fn causes_of_branches_are_told_one_by_one() {
    let schema = one(json!({ "anyOf": [{ "type": "string" }, { "minimum": 5 }] }));
    expect(
        &schema,
        &json!({ "x": 1 }),
        &[
            ("traits.x", 4_000_026, "expected string, but got number"),
            ("traits.x", 4_000_018, "must be >= 5 but found 1"),
        ],
    );
    assert_eq!(
        admin_reason(&schema.validate(&json!({ "x": 1 }))).lines().next(),
        Some("I[#/traits/x] S[#/properties/traits/properties/x/anyOf] anyOf failed")
    );
    let schema = one(json!({ "if": { "type": "string" }, "then": { "minLength": 2 }, "else": { "minimum": 2 } }));
    expect(&schema, &json!({ "x": "a" }), &[("traits.x", 4_000_003, "length must be >= 2, but got 1")]);
    expect(&schema, &json!({ "x": 1 }), &[("traits.x", 4_000_018, "must be >= 2 but found 1")]);
}

#[test]
fn references_are_followed_and_named_in_the_report() {
    let schema = one(json!({ "$ref": "#/definitions/phone" }));
    expect(&schema, &json!({ "x": "+49 176 67111638" }), &[]);
    assert_eq!(
        admin_reason(&schema.validate(&json!({ "x": 5 }))),
        "I[#/traits/x] S[#/properties/traits/properties/x/$ref] doesn't validate with \"#/definitions/phone\"\n  I[#/traits/x] S[#/definitions/phone/type] expected string, but got number"
    );
}

#[test]
fn a_hostile_value_cannot_hold_up_the_validation() {
    let schema = one(json!({ "type": "string", "pattern": "^(a+)+$" }));
    assert_eq!(schema.validate(&json!({ "x": format!("{}b", "a".repeat(5_000)) })).len(), 1);
    let schema = one(json!({ "type": "string", "pattern": "^(?=(a+)+$)(a+)+$" }));
    assert_eq!(schema.validate(&json!({ "x": format!("{}b", "a".repeat(200)) })).len(), 1);
    let schema = one(json!({ "allOf": [{ "$ref": "#/properties/traits/properties/x" }] }));
    assert!(!schema.validate(&json!({ "x": 1 })).is_empty());
    let schema = one(json!({ "uniqueItems": true }));
    assert!(schema.validate(&json!({ "x": vec![0; 500] })).len() < 1_000);
}

#[test]
fn traits_are_left_as_they_are_by_a_validation() {
    let traits = json!({ "email": "A@B.example", "name": {} });
    let copy = traits.clone();
    assert!(person().validate(&traits).is_empty());
    assert_eq!(traits, copy);
}
