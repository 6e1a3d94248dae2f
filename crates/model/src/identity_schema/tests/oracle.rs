//! The verdicts of our walk compared with those of the `jsonschema` crate.

use super::*;

#[test]
fn verdicts_agree_with_an_independent_validator() {
    let schemas = [
        json!({ "type": "string", "minLength": 2, "maxLength": 3, "pattern": "^[a-c]+$" }),
        json!({ "type": "integer", "minimum": 1, "exclusiveMaximum": 5, "multipleOf": 2 }),
        json!({ "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 2, "uniqueItems": true }),
        json!({ "type": "array", "items": [{ "type": "string" }, { "type": "number" }], "additionalItems": { "type": "null" } }),
        json!({ "contains": { "const": 1 } }),
        json!({ "type": "object", "required": ["a"], "properties": { "a": { "type": "string" } }, "additionalProperties": { "type": "number" } }),
        json!({ "patternProperties": { "^a": { "type": "string" } }, "additionalProperties": false, "minProperties": 1, "maxProperties": 2 }),
        json!({ "propertyNames": { "maxLength": 1 }, "dependencies": { "a": ["b"], "b": { "required": ["c"] } } }),
        json!({ "anyOf": [{ "type": "string" }, { "minimum": 3 }], "not": { "const": 4 } }),
        json!({ "oneOf": [{ "type": "number" }, { "type": "integer" }] }),
        json!({ "allOf": [{ "enum": [1, "a", null, [1]] }, { "type": ["number", "string", "null"] }] }),
        json!({ "if": { "type": "string" }, "then": { "minLength": 2 }, "else": { "type": "number" } }),
        json!({ "properties": { "a": { "$ref": "#/properties/traits/properties/x" } }, "type": ["object", "string"] }),
    ];
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(2),
        json!(4),
        json!(3.5),
        json!(6),
        json!(""),
        json!("a"),
        json!("ab"),
        json!("abcd"),
        json!("xy"),
        json!([]),
        json!([1]),
        json!(["a"]),
        json!(["a", "a"]),
        json!(["a", 1]),
        json!(["a", 1, null]),
        json!(["a", "b", "c"]),
        json!({}),
        json!({ "a": "x" }),
        json!({ "a": 1 }),
        json!({ "a": "x", "b": 1 }),
        json!({ "b": 1 }),
        json!({ "a": "x", "b": 1, "c": 2 }),
        json!({ "long": "x" }),
        json!({ "a": { "a": { "a": 1 } } }),
        json!({ "a": { "a": "x" } }),
    ];
    for schema in schemas {
        let ours = one(schema.clone());
        let theirs = jsonschema::draft7::new(ours.document()).unwrap();
        for value in &values {
            let traits = json!({ "x": value });
            let document = json!({ "traits": traits });
            assert_eq!(ours.validate(&traits).is_empty(), theirs.is_valid(&document), "{value} by {schema}");
        }
    }
}
