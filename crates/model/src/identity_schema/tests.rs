mod deriving;
mod form_nodes;
mod oracle;
mod parsing;
mod refusing;

use super::*;
use serde_json::json;

/// The schema of the contract suite.
fn person() -> IdentitySchema {
    traits_schema(json!({
        "type": "object",
        "properties": {
            "email": {
                "type": "string", "format": "email", "title": "E-Mail", "minLength": 3,
                "ory.sh/kratos": {
                    "credentials": { "password": { "identifier": true } },
                    "verification": { "via": "email" },
                    "recovery": { "via": "email" }
                }
            },
            "name": {
                "type": "object", "title": "Name",
                "properties": {
                    "first": { "type": "string", "title": "First Name" },
                    "last": { "type": "string", "title": "Last Name" }
                }
            },
            "groups": { "type": "array", "title": "Groups", "items": { "type": "string" } }
        },
        "required": ["email"],
        "additionalProperties": false
    }))
}

fn traits_schema(traits: Value) -> IdentitySchema {
    let document = json!({
        "$id": "https://contract.example/person.schema.json",
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": { "traits": traits },
        "definitions": { "phone": { "type": "string", "format": "tel", "ory.sh/kratos": { "verification": { "via": "sms" } } } }
    });
    IdentitySchema::parse("default", document, SchemaOptions::default()).unwrap()
}

/// One trait `x` with this schema.
fn one(schema: Value) -> IdentitySchema {
    traits_schema(json!({ "type": "object", "properties": { "x": schema } }))
}
