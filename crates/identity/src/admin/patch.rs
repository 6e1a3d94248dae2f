//! JSON Patch on an identity: the document that is patched, and what of it may not be touched (contract §1.8).

use super::create::{check_region, parse_state};
use bia_model::{ApiError, Identity, RecoveryAddress, VerifiableAddress};
use serde::Deserialize;
use serde_json::{Value, json};

/// One operation, read loosely first so that failures can be told apart.
#[derive(Debug, Deserialize)]
struct Operation {
    #[serde(default)]
    op: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    value: Option<Value>,
}

/// More operations than a patch of one person needs.
const OPERATIONS_MAX: usize = 1000;

/// A patch whose operations may be applied.
#[derive(Debug)]
pub(super) struct Operations(Vec<json_patch::PatchOperation>, Vec<String>);

fn refused(message: impl Into<String>) -> ApiError {
    ApiError::bad_request("failed to apply JSON patch").with_message(message)
}

/// Reads a patch and refuses the paths that Kratos refuses.
pub(super) fn parse(body: &[u8]) -> Result<Operations, ApiError> {
    let unreadable = |message: String| ApiError::bad_request("failed to unmarshal JSON patch").with_message(message);
    let value: Value = serde_json::from_slice(body).map_err(|error| unreadable(super::body::go_text(body, &error)))?;
    if !value.is_array() {
        let kind = match value {
            Value::Object(_) => "object",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            _ => "bool",
        };
        return Err(unreadable(format!("json: cannot unmarshal {kind} into Go value of type []identity.patchOp")));
    }
    let list: Vec<Operation> = serde_json::from_value(value)
        .map_err(|_| unreadable("json: an operation does not have the expected shape".to_owned()))?;
    if list.len() > OPERATIONS_MAX {
        return Err(refused(format!("a patch may have at most {OPERATIONS_MAX} operations")));
    }
    let mut operations = Vec::with_capacity(list.len());
    let mut parents = Vec::new();
    for mut operation in list {
        if operation.path == "/region" {
            check_region_operation(&operation)?;
            continue;
        }
        if is_denied(&operation.path) || operation.from.as_deref().is_some_and(is_credentials) {
            return Err(refused(format!("patch includes denied path: {}", operation.path)));
        }
        // Kratos: replacing what isn't there adds it, except inside a list.
        if operation.op == "replace" && !names_element(&operation.path) {
            "add".clone_into(&mut operation.op);
        }
        if operation.op == "add" {
            parents.push(operation.path.clone());
        }
        operations.push(typed(&operation)?);
    }
    Ok(Operations(operations, parents))
}

fn typed(operation: &Operation) -> Result<json_patch::PatchOperation, ApiError> {
    let mut value = json!({ "op": operation.op, "path": operation.path });
    if let Some(from) = &operation.from {
        value["from"] = json!(from);
    }
    if matches!(operation.op.as_str(), "add" | "replace" | "test") {
        value["value"] = operation.value.clone().unwrap_or(Value::Null);
    }
    serde_json::from_value(value)
        .map_err(|_| refused(format!("unexpected operation {:?} at {}", operation.op, operation.path)))
}

fn check_region_operation(operation: &Operation) -> Result<(), ApiError> {
    if !matches!(operation.op.as_str(), "add" | "replace") {
        return Err(ApiError::bad_request(format!("operation {:?} can not be applied to /region", operation.op)));
    }
    match operation.value.as_ref().and_then(Value::as_str) {
        Some(region) => check_region(Some(region).filter(|region| !region.is_empty()).or(Some("?"))),
        None => Err(ApiError::bad_request("failed to unmarshal")),
    }
}

/// Credentials are changed by routes of their own: a patch could point a link at somebody else's account.
fn is_denied(path: &str) -> bool {
    let path = path.to_lowercase();
    path == "/id" || path == "/statechangedat" || path.is_empty() || is_credentials(&path)
}

fn is_credentials(path: &str) -> bool {
    let path = path.to_lowercase();
    path == "/credentials" || path.starts_with("/credentials/")
}

fn names_element(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|last| last == "-" || (!last.is_empty() && last.parse::<i64>().is_ok()))
}

/// Applies the operations to everything about the identity that can be patched.
pub(super) fn apply(identity: &mut Identity, operations: &Operations) -> Result<(), ApiError> {
    let mut document = document(identity);
    for path in &operations.1 {
        ensure_parents(&mut document, path);
    }
    json_patch::patch(&mut document, &operations.0).map_err(|error| refused(error.to_string()))?;
    read_back(identity, document)
}

fn document(identity: &Identity) -> Value {
    let mut document = json!({
        "schema_id": identity.schema_id,
        "state": identity.state,
        "traits": identity.traits,
        "verifiable_addresses": identity.verifiable_addresses,
        "recovery_addresses": identity.recovery_addresses,
        "metadata_public": identity.metadata_public,
        "metadata_admin": identity.metadata_admin,
        "organization_id": identity.organization_id,
    });
    if let Some(external_id) = &identity.external_id {
        document["external_id"] = json!(external_id);
    }
    document
}

/// Kratos: adding below an object that isn't there makes the object.
fn ensure_parents(document: &mut Value, path: &str) {
    let segments: Vec<String> =
        path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let mut at = document;
    for segment in segments.iter().take(segments.len().saturating_sub(1)) {
        if at.is_null() {
            *at = json!({});
        }
        let next = match at {
            Value::Object(map) => map.entry(segment.clone()).or_insert_with(|| json!({})),
            Value::Array(list) => match segment.parse::<usize>().ok().and_then(|index| list.get_mut(index)) {
                Some(item) => item,
                None => return,
            },
            _ => return,
        };
        at = next;
    }
    if at.is_null() {
        *at = json!({});
    }
}

fn read_back(identity: &mut Identity, mut document: Value) -> Result<(), ApiError> {
    let wrong = |name: &str| refused(format!("{name} does not have the expected type"));
    let mut take = |name: &str| document.as_object_mut().and_then(|map| map.remove(name)).unwrap_or(Value::Null);
    let optional = |value: Value| (!value.is_null()).then_some(value);
    let state = take("state");
    identity.state = state.as_str().and_then(parse_state).ok_or_else(|| {
        let given = state.as_str().unwrap_or_default();
        ApiError::bad_request(format!(
            "The supplied state ('{given}') was not valid. Valid states are ('active', 'inactive')."
        ))
        .with_message("identity state is not valid")
    })?;
    identity.schema_id = take("schema_id").as_str().ok_or_else(|| wrong("schema_id"))?.to_owned();
    identity.traits = optional(take("traits")).unwrap_or_else(|| json!({}));
    identity.metadata_public = optional(take("metadata_public"));
    identity.metadata_admin = optional(take("metadata_admin"));
    identity.external_id = match take("external_id") {
        Value::Null => None,
        Value::String(text) => Some(text).filter(|text| !text.is_empty()),
        _ => return Err(wrong("external_id")),
    };
    identity.organization_id = serde_json::from_value(take("organization_id")).map_err(|_| wrong("organization_id"))?;
    identity.verifiable_addresses =
        serde_json::from_value::<Option<Vec<VerifiableAddress>>>(take("verifiable_addresses"))
            .map_err(|_| wrong("verifiable_addresses"))?
            .unwrap_or_default();
    identity.recovery_addresses = serde_json::from_value::<Option<Vec<RecoveryAddress>>>(take("recovery_addresses"))
        .map_err(|_| wrong("recovery_addresses"))?
        .unwrap_or_default();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bia_model::{IdentityState, Timestamp};
    use uuid::Uuid;

    fn patched(patch: Value) -> Result<Identity, (String, String)> {
        let mut identity = Identity::new(Uuid::nil(), "default", Timestamp::from_secs(1));
        identity.traits = json!({ "email": "a@b.example", "list": [1, 2] });
        let operations = parse(patch.to_string().as_bytes());
        let result = operations.and_then(|operations| apply(&mut identity, &operations));
        result.map(|()| identity).map_err(|error| (error.message, error.reason.unwrap_or_default()))
    }

    #[test]
    fn traits_metadata_and_state_can_be_patched() {
        let identity = patched(json!([
            { "op": "replace", "path": "/traits/email", "value": "c@d.example" },
            { "op": "add", "path": "/metadata_admin/deep/n", "value": 1 },
            { "op": "replace", "path": "/metadata_public", "value": { "a": true } },
            { "op": "replace", "path": "/state", "value": "inactive" },
            { "op": "replace", "path": "/external_id", "value": "x" },
            { "op": "remove", "path": "/traits/list/0" },
        ]))
        .unwrap();
        assert_eq!(identity.traits, json!({ "email": "c@d.example", "list": [2] }));
        assert_eq!(identity.metadata_admin, Some(json!({ "deep": { "n": 1 } })));
        assert_eq!((identity.state, identity.external_id.as_deref()), (IdentityState::Inactive, Some("x")));
    }

    #[test]
    fn id_and_credentials_can_not_be_patched() {
        for path in [
            "/id",
            "/ID",
            "/stateChangedAt",
            "/credentials",
            "/credentials/oidc/config/providers/0/subject",
            "/credentials/x",
        ] {
            let (message, reason) = patched(json!([{ "op": "replace", "path": path, "value": {} }])).unwrap_err();
            assert_eq!(
                (message, reason),
                (format!("patch includes denied path: {path}"), "failed to apply JSON patch".into())
            );
        }
        assert!(patched(json!([{ "op": "copy", "from": "/credentials/oidc", "path": "/traits/x" }])).is_err());
    }

    #[test]
    fn what_is_no_patch_is_refused() {
        let (message, reason) = patched(json!({ "op": "x" })).unwrap_err();
        assert_eq!(message, "json: cannot unmarshal object into Go value of type []identity.patchOp");
        assert_eq!(reason, "failed to unmarshal JSON patch");
        assert!(patched(json!([{ "op": "explode", "path": "/traits" }])).is_err());
        assert!(patched(json!([{ "op": "remove", "path": "/traits/absent" }])).is_err());
        assert!(patched(json!([{ "op": "test", "path": "/traits/email", "value": "other" }])).is_err());
        let (message, _) = patched(json!([{ "op": "replace", "path": "/state", "value": "asleep" }])).unwrap_err();
        assert_eq!(message, "identity state is not valid");
    }

    #[test]
    fn a_region_is_checked_and_has_no_effect() {
        assert!(patched(json!([{ "op": "replace", "path": "/region", "value": "eu-central" }])).is_ok());
        assert!(patched(json!([{ "op": "replace", "path": "/region", "value": "moon" }])).is_err());
        assert!(patched(json!([{ "op": "remove", "path": "/region" }])).is_err());
    }
}
