//! What a test login shows: Kratos' fields, and beside them a list of checks and what would change for somebody who exists.

use crate::deps::Deps;
use crate::oidc::Arrival;
use crate::oidc::claims_to_identity::{self, Stopped};
use bia_config::UpdateIdentityOnLogin;
use bia_mapper::MappedIdentity;
use bia_model::{Identity, difference, merge};
use serde_json::{Value, json};

/// One line of the list: a name that stays, whether it went well, and a sentence without claim values.
pub(super) fn check(id: &str, ok: bool, detail: &str) -> Value {
    json!({ "id": id, "ok": ok, "detail": detail })
}

/// Everything about one arrival; nothing is written anywhere.
pub(super) async fn payload(deps: &Deps, arrival: &Arrival<'_>, known: Option<&Identity>) -> Value {
    let claims = serde_json::to_string(&arrival.signed_in.claims).unwrap_or_default();
    // Kratos: these names.
    let mut payload = json!({
        "id_token_claims": arrival.signed_in.claims.raw_claims,
        "jsonnet_mapper_url": arrival.provider.mapper_url.to_text(),
        "jsonnet_input": claims,
    });
    let mut checks = vec![check("token", true, "The provider's answer was verified.")];
    match claims_to_identity::try_map(deps, arrival.provider, &arrival.signed_in.claims, known).await {
        Ok(mapped) => {
            checks.push(check("mapper", true, "The mapper ran."));
            mapped_parts(deps, arrival, known, &mapped, &mut payload, &mut checks).await;
        }
        Err(stopped) => {
            if let Stopped::Failed(error) = &stopped {
                payload["jsonnet_stderr"] = json!(error.diagnostic());
            }
            let answer = stopped.answer();
            checks.push(check("mapper", false, answer.reason.as_deref().unwrap_or(&answer.message)));
            payload["error"] = json!({ "step": "claims_decode", "reason": answer.reason, "message": answer.message });
        }
    }
    checks.push(match known {
        Some(_) => check("identity", true, "This person is known: it would be a login."),
        None => check("identity", true, "Nobody has this sign-in yet: it would be a registration."),
    });
    payload["checks"] = Value::Array(checks);
    payload
}

async fn mapped_parts(
    deps: &Deps,
    arrival: &Arrival<'_>,
    known: Option<&Identity>,
    mapped: &MappedIdentity,
    payload: &mut Value,
    checks: &mut Vec<Value>,
) {
    let addresses = mapped.verified_addresses.iter().flatten();
    let addresses: Vec<_> = addresses.map(|address| json!({ "via": address.via, "value": address.value })).collect();
    let output = json!({
        "traits": mapped.traits,
        "metadata_public": mapped.metadata_public,
        "metadata_admin": mapped.metadata_admin,
        "verified_addresses": addresses,
    });
    payload["jsonnet_output"] = json!(json!({ "identity": output }).to_string());
    let traits =
        known.map_or_else(|| mapped.traits.clone(), |known| merge::merge_update(&known.traits, &mapped.traits));
    let errors = schema_errors(deps, known, &traits).await;
    let detail = if errors.is_empty() {
        "The identity schema accepts the traits."
    } else {
        "The identity schema refuses the traits."
    };
    checks.push(check("schema", errors.is_empty(), detail));
    payload["schema_validation_errors"] = Value::Array(errors);
    if let Some(known) = known {
        let before = claims_to_identity::current(known);
        let kept = |set: &Option<Value>, name: &str| set.clone().unwrap_or_else(|| before[name].clone());
        let after = json!({
            "traits": traits,
            "metadata_public": kept(&mapped.metadata_public, "metadata_public"),
            "metadata_admin": kept(&mapped.metadata_admin, "metadata_admin"),
        });
        payload["identity_id"] = json!(known.id);
        payload["changes"] = json!(difference::between(&before, &after));
        payload["changes_are_applied"] =
            json!(arrival.provider.update_identity_on_login == UpdateIdentityOnLogin::Automatic);
    }
    payload["traits"] = traits;
}

async fn schema_errors(deps: &Deps, known: Option<&Identity>, traits: &Value) -> Vec<Value> {
    let schema_id = known.map_or(deps.schemas.default_id(), |identity| identity.schema_id.as_str());
    match deps.schemas.get(schema_id).await {
        Ok(schema) => {
            let errors = schema.validate(traits);
            errors.iter().map(|error| json!({ "path": error.pointer, "message": error.message.text })).collect()
        }
        Err(error) => vec![json!({ "path": "#/", "message": error.to_string() })],
    }
}
