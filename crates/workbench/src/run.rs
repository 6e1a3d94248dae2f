//! One mapper on one set of claims: what comes out, what the schema says, what would change.

use crate::claims::Given;
use crate::error::{Failure, InputError};
use crate::verdict::Verdict;
use bia_mapper::{Evaluation, MappedIdentity, Mapper, NO_IDENTITY, Source};
use bia_model::capture::Capture;
use bia_model::difference::{self, Change};
use bia_model::{IdentitySchema, merge};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What to run it with.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub source: Source<'a>,
    pub claims: &'a Given,
    /// The identity before the sign-in, see [`identity`].
    pub identity: Option<&'a Value>,
    pub schema: Option<&'a IdentitySchema>,
    /// Texts that the mapper may import, by the path it writes.
    pub imports: &'a [(String, String)],
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The mapper ran, its output has the right shape, and the schema, if one was given, accepts the traits.
    pub ok: bool,
    pub mapper: String,
    /// What the text evaluates to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// The mapper refuses the sign-in, with this reason for the visitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deny: Option<String>,
    /// The identity as it would be stored: merged with the one before, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Value>,
    /// Addresses that the mapper calls verified.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verified_addresses: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Verdict>,
    /// What the sign-in would change, with an identity from before and `update_identity_on_login: automatic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<Change>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// A capture was replayed: whether the failure that it recorded shows again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reproduced: Option<bool>,
    /// What a person should know beside the result.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The parts of an identity that a mapper sees, from what the admin API gives or from those parts alone.
///
/// # Errors
/// Not an object, or without an object `traits`.
pub fn identity(value: &Value, place: &str) -> Result<Value, InputError> {
    if !value.get("traits").is_some_and(Value::is_object) {
        return Err(InputError::new(place, "an identity is a JSON object with an object `traits`"));
    }
    let part = |name: &str| value.get(name).filter(|part| !part.is_null()).cloned().unwrap_or_else(|| json!({}));
    Ok(json!({
        "traits": part("traits"),
        "metadata_public": part("metadata_public"),
        "metadata_admin": part("metadata_admin"),
    }))
}

/// Runs the mapper as a sign-in would.
pub async fn run(mapper: &Mapper, request: Request<'_>) -> Report {
    let mut report = Report {
        ok: false,
        mapper: request.source.name.to_owned(),
        output: None,
        deny: None,
        identity: None,
        verified_addresses: Vec::new(),
        schema: None,
        changes: None,
        error: None,
        reproduced: None,
        notes: request.claims.notes.clone(),
    };
    match evaluate(mapper, request).await {
        Err(error) => report.error = Some(error),
        Ok(output) => {
            report.output = Some(output.clone());
            match MappedIdentity::from_output(output) {
                Ok(mapped) => finish(&mut report, request, mapped),
                Err(error) => report.error = Some(Failure::from(error).in_mapper(request.source.name)),
            }
        }
    }
    report.ok = report.error.is_none();
    report
}

/// Just what a text evaluates to, whatever its shape; without claims, `std.extVar('claims')` is undefined.
///
/// # Errors
/// The text fails.
pub async fn raw(
    mapper: &Mapper,
    source: Source<'_>,
    claims: Option<&Given>,
    identity: Option<&Value>,
    imports: &[(String, String)],
) -> Result<Value, Failure> {
    let identity = identity.map_or_else(|| NO_IDENTITY.to_owned(), Value::to_string);
    let mut ext_vars = vec![("identity", identity.as_str())];
    ext_vars.extend(claims.map(|claims| ("claims", claims.json.as_str())));
    let output = mapper.evaluate(Evaluation { source, ext_vars: &ext_vars, tla: &[], imports }).await?;
    serde_json::from_str(&output).map_err(|_| Failure {
        kind: "worker_lied".to_owned(),
        message: "the output is not JSON".to_owned(),
        diagnostic: "the output is not JSON".to_owned(),
        place: None,
    })
}

async fn evaluate(mapper: &Mapper, request: Request<'_>) -> Result<Value, Failure> {
    raw(mapper, request.source, Some(request.claims), request.identity, request.imports).await
}

/// As update on login does it: traits merge, metadata is replaced where the mapper sets it.
fn finish(report: &mut Report, request: Request<'_>, mapped: MappedIdentity) {
    if mapped.deny.is_some() {
        report.deny = mapped.deny;
        return;
    }
    let before = request.identity;
    let traits =
        before.map_or_else(|| mapped.traits.clone(), |old| merge::merge_update(&old["traits"], &mapped.traits));
    report.schema = request.schema.map(|schema| Verdict::of(schema, &traits));
    report.error = report.schema.as_ref().and_then(Verdict::failure);
    let mut after = Map::from_iter([("traits".to_owned(), traits)]);
    for (name, set) in [("metadata_public", mapped.metadata_public), ("metadata_admin", mapped.metadata_admin)] {
        if let Some(value) = set.or_else(|| before.map(|old| old[name].clone())) {
            after.insert(name.to_owned(), value);
        }
    }
    let after = Value::Object(after);
    report.changes = before.map(|before| difference::between(before, &after));
    report.identity = Some(after);
    let addresses = mapped.verified_addresses.unwrap_or_default();
    report.verified_addresses =
        addresses.into_iter().map(|address| json!({ "via": address.via, "value": address.value })).collect();
}

/// Claims and identity of a captured sign-in.
///
/// # Errors
/// It holds no capture, none that this version can read, or several.
pub fn of_capture(text: &str, place: &str) -> Result<(Capture, Given, Option<Value>), InputError> {
    let mut captures = Capture::all_in(text);
    let capture = match captures.len() {
        1 => captures.remove(0),
        0 => {
            let problem =
                "holds no capture; save the log's line of `bia::capture`, or the JSON object after `capture` in it";
            return Err(InputError::new(place, problem));
        }
        many => {
            let problem = format!("holds {many} captures; save the line of one of them");
            return Err(InputError::new(place, problem));
        }
    };
    let given = Given { json: capture.claims.to_string(), notes: Vec::new() };
    let before = capture.identity.as_ref().map(|value| identity(value, place)).transpose()?;
    Ok((capture, given, before))
}

/// Says whether the run failed as the captured sign-in did: in the same way, at the same line.
pub fn compare_with(report: &mut Report, capture: &Capture) {
    let place = |line: Option<u64>| line.unwrap_or(0);
    let now = report
        .error
        .as_ref()
        .map(|error| (error.kind.as_str(), place(error.place.as_ref().map(|place| place.line as u64))));
    report.reproduced = Some(now == Some((capture.error_kind.as_str(), place(capture.error_line))));
}
