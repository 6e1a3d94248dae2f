//! `/openapi.json`: the description of the API, made from the URL table itself.

use crate::answer;
use crate::call::Call;
use crate::route::{Answer, Route, Tag, Verb};
use crate::router;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// `GET /openapi.json` on either port.
pub(crate) async fn get_openapi(_: Call) -> Answer {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    Ok(answer::with_body(200, answer::JSON, TEXT.as_str()))
}

/// The description of every row that has an operation id.
pub(crate) fn document() -> Value {
    let mut paths = Map::new();
    for (port, table) in [("public", router::public()), ("admin", router::admin())] {
        for route in table.iter().filter(|route| !route.operation.is_empty()) {
            let item = paths.entry(route.path).or_insert_with(|| json!({}));
            item[route.verb.name()] = operation(route, port);
        }
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Bia",
            "description": "Social sign-in with the API of Ory Kratos.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0" },
        },
        "tags": [{ "name": "frontend" }, { "name": "identity" }, { "name": "metadata" }],
        "paths": paths,
        "components": { "schemas": schemas() },
    })
}

fn operation(route: &Route, port: &str) -> Value {
    let mut out = json!({
        "operationId": route.operation,
        "tags": [match route.tag { Tag::Frontend => "frontend", Tag::Identity => "identity", Tag::Metadata => "metadata" }],
        "x-port": port,
        "parameters": parameters(route),
        "responses": responses(route),
    });
    if route.verb == Verb::Any {
        out["description"] = json!("Answers every method in the same way.");
    }
    if let Some(body) = route.body {
        let schema = json!({ "schema": reference(body) });
        let content = match route.verb {
            Verb::Post if route.tag == Tag::Frontend => {
                json!({ "application/json": schema, "application/x-www-form-urlencoded": schema, "multipart/form-data": schema })
            }
            _ => json!({ "application/json": schema }),
        };
        out["requestBody"] = json!({ "required": true, "content": content });
    }
    out
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path =
        in_path.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let in_query = route.query.iter().map(|name| {
        let schema = match *name {
            "ids" | "include_credential" | "expand" => json!({ "type": "array", "items": { "type": "string" } }),
            "refresh" | "active" | "return_session_token_exchange_code" => json!({ "type": "boolean" }),
            "page" | "per_page" | "page_size" => json!({ "type": "integer", "format": "int64" }),
            _ => json!({ "type": "string" }),
        };
        json!({ "name": name, "in": "query", "schema": schema })
    });
    in_path.chain(in_query).collect()
}

fn responses(route: &Route) -> Value {
    let mut out = Map::new();
    for status in route.statuses {
        let mut response = json!({ "description": http::StatusCode::from_u16(*status).ok().and_then(|code| code.canonical_reason()).unwrap_or_default() });
        match *status {
            200 | 201 => response["content"] = json!({ "application/json": { "schema": {} } }),
            400.. => response["content"] = json!({ "application/json": { "schema": reference("errorGeneric") } }),
            _ => {}
        }
        out.insert(status.to_string(), response);
    }
    out.insert(
        "default".into(),
        json!({ "description": "errorGeneric", "content": { "application/json": { "schema": reference("errorGeneric") } } }),
    );
    Value::Object(out)
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn schemas() -> Value {
    let text = || json!({ "type": "string" });
    let free = || json!({});
    let object = |required: &[&str], properties: Value| json!({ "type": "object", "required": required, "properties": properties });
    let submission = |required: &[&str]| {
        object(
            required,
            json!({
                "method": text(), "provider": text(), "link": text(), "unlink": text(), "csrf_token": text(), "traits": { "type": "object" },
                "id_token": text(), "id_token_nonce": text(), "upstream_parameters": { "type": "object" }, "transient_payload": { "type": "object" },
            }),
        )
    };
    let identity = |extra: Value| {
        let mut schema = object(
            &["schema_id", "traits"],
            json!({
                "schema_id": text(), "traits": { "type": "object" }, "state": { "type": "string", "enum": ["active", "inactive"] },
                "external_id": text(), "metadata_public": free(), "metadata_admin": free(), "region": text(),
                "credentials": { "type": "object" },
            }),
        );
        if let (Some(properties), Value::Object(extra)) = (schema["properties"].as_object_mut(), extra) {
            properties.extend(extra);
        }
        schema
    };
    let list = |items: Value| json!({ "type": "array", "items": items });
    json!({
        "errorGeneric": object(&["error"], json!({ "error": object(&["message"], json!({
            "id": text(), "code": { "type": "integer" }, "status": text(), "request": text(), "reason": text(),
            "message": text(), "details": { "type": "object" },
        })) })),
        "updateLoginFlowBody": submission(&["method"]),
        "updateRegistrationFlowBody": submission(&["method"]),
        "updateSettingsFlowBody": submission(&["method"]),
        "performNativeLogoutBody": object(&["session_token"], json!({ "session_token": text() })),
        "createIdentityBody": identity(json!({
            "organization_id": text(), "verifiable_addresses": list(json!({ "type": "object" })), "recovery_addresses": list(json!({ "type": "object" })),
        })),
        "updateIdentityBody": identity(json!({})),
        "patchIdentitiesBody": object(&[], json!({ "identities": list(object(&[], json!({
            "create": reference("createIdentityBody"), "patch_id": text(),
        }))) })),
        "jsonPatchDocument": list(object(&["op", "path"], json!({ "op": text(), "path": text(), "from": text(), "value": free() }))),
        "manageSessionsBody": object(&["action"], json!({ "action": text(), "identities": list(text()), "sessions": list(text()) })),
        "createTestLoginFlowBody": object(&["provider_id"], json!({ "provider_id": text() })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_described_and_every_reference_leads_somewhere() {
        let document = document();
        for route in router::public().iter().chain(router::admin()).filter(|route| !route.operation.is_empty()) {
            let operation = &document["paths"][route.path][route.verb.name()];
            assert_eq!(operation["operationId"], route.operation, "{}", route.path);
            if let Some(body) = route.body {
                assert!(document["components"]["schemas"][body].is_object(), "{body}");
            }
        }
    }

    #[test]
    fn path_parameters_are_named() {
        let document = document();
        let parameters = &document["paths"]["/admin/identities/{id}/credentials/{type}"]["delete"]["parameters"];
        let names: Vec<_> =
            parameters.as_array().unwrap().iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["id", "type", "identifier"]);
    }
}
