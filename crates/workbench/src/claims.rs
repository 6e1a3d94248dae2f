//! Claims as a sign-in would hand them to the mapper, from whatever a person has at hand.

use crate::error::InputError;
use crate::personas;
use bia_config::SubjectSource;
use bia_model::Claims;
use serde_json::{Map, Value};

/// What of a provider's settings shows in the claims.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `subject_source` of the provider.
    pub subject_source: SubjectSource,
    /// `microsoft.profile` of the provider: Graph fields of a persona that the mapper sees as `claims.graph`.
    pub profile: Vec<String>,
}

/// Claims, ready for the mapper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// What `std.extVar('claims')` gives.
    pub json: String,
    /// What a sign-in would not have given in this way.
    pub notes: Vec<String>,
}

/// Understands three shapes: the claims of a token as the provider sent them; claims as the mapper sees them, told by
/// their `raw_claims`; and `{"persona": "guest"}`.
///
/// # Errors
/// What a sign-in would refuse: not an object, or a text claim that is no text. Names claims, never values.
pub fn given(value: Value, place: &str, options: &Options) -> Result<Given, InputError> {
    let Value::Object(mut fields) = value else {
        return Err(InputError::new(place, "claims are a JSON object"));
    };
    if let (1, Some(name)) = (fields.len(), fields.get("persona")) {
        let name = name.as_str().unwrap_or_default();
        return of_persona(name, options).map_err(|error| InputError::new(place, error.problem));
    }
    if fields.get("raw_claims").and_then(Value::as_object).is_some_and(Map::is_empty) {
        // At a sign-in every standard claim is among the raw ones, so they never are empty.
        fields.shift_remove("raw_claims");
    }
    match fields.get("raw_claims") {
        Some(Value::Object(_)) => as_mapper_sees(fields, place),
        Some(_) => Err(InputError::new(place, "`raw_claims` must be an object, the claims as the provider sent them")),
        None => of_token(fields, place, options, Map::new()),
    }
}

/// The claims of a shipped persona.
///
/// # Errors
/// No such persona; lists those that exist.
pub fn of_persona(name: &str, options: &Options) -> Result<Given, InputError> {
    let place = "persona";
    let persona = personas::find(name).ok_or_else(|| {
        let names: Vec<_> = personas::all().iter().map(|persona| persona.name.as_str()).collect();
        InputError::new(place, format!("there is no persona `{name}`; there are {}", names.join(", ")))
    })?;
    // Graph is asked for nothing when nothing is configured, and leaves out what is null.
    let graph = options.profile.iter().filter_map(|field| {
        let value = persona.graph.get(field)?;
        (!value.is_null()).then(|| (field.clone(), value.clone()))
    });
    of_token(persona.id_token.clone(), place, options, graph.collect())
}

fn of_token(
    raw: Map<String, Value>,
    place: &str,
    options: &Options,
    graph: Map<String, Value>,
) -> Result<Given, InputError> {
    let mut claims = bia_provider::mapper_claims(raw, options.subject_source)
        .map_err(|error| InputError::new(place, format!("a sign-in with these claims is refused: {error}")))?;
    claims.graph = graph;
    written(&claims, place, Vec::new())
}

/// Through the type and back, so that the mapper sees the fields and the gaps that a sign-in has.
fn as_mapper_sees(fields: Map<String, Value>, place: &str) -> Result<Given, InputError> {
    let names: Vec<String> = fields.keys().cloned().collect();
    let claims: Claims = serde_json::from_value(Value::Object(fields))
        .map_err(|_| InputError::new(place, "a claim beside `raw_claims` has another type than a sign-in gives it"))?;
    let known = serde_json::to_value(&claims).unwrap_or_default();
    let notes = names.iter().filter(|name| known.get(*name).is_none()).map(|name| {
        format!("a sign-in leaves `claims.{name}` out, and so did this run: it is empty, false, or no standard claim (those are under `raw_claims`)")
    });
    let notes = notes.collect();
    written(&claims, place, notes)
}

fn written(claims: &Claims, place: &str, notes: Vec<String>) -> Result<Given, InputError> {
    let json = serde_json::to_string(claims).map_err(|_| InputError::new(place, "the claims can't be written"))?;
    Ok(Given { json, notes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn seen(value: Value) -> Value {
        let given = given(value, "test", &Options::default()).expect("claims");
        serde_json::from_str(&given.json).expect("JSON")
    }

    #[test]
    fn token_claims_are_decoded_as_at_a_sign_in() {
        let seen = seen(json!({ "sub": "s", "tid": "t", "email_verified": "true", "phone_number_verified": false }));
        assert_eq!(seen["sub"], "s");
        assert_eq!(seen["email_verified"], true);
        assert_eq!(seen.get("phone_number_verified"), None);
        assert_eq!(seen.get("tid"), None);
        assert_eq!(seen["raw_claims"]["tid"], "t");
    }

    #[test]
    fn claims_as_the_mapper_sees_them_lose_what_a_sign_in_leaves_out() {
        let value = json!({ "sub": "s", "email_verified": false, "tid": "t", "raw_claims": { "tid": "t" } });
        let given = given(value.clone(), "test", &Options::default()).expect("claims");
        assert_eq!(seen(value), json!({ "sub": "s", "raw_claims": { "tid": "t" } }));
        assert_eq!(given.notes.len(), 2, "{:?}", given.notes);
    }

    #[test]
    fn raw_claims_are_never_empty() {
        let seen = seen(json!({ "email": "a@x.example", "raw_claims": {} }));
        assert_eq!(seen["raw_claims"], json!({ "email": "a@x.example" }));
    }

    #[test]
    fn the_subject_source_counts() {
        let options = Options { subject_source: SubjectSource::TidOid, ..Options::default() };
        let value = json!({ "sub": "s", "oid": "O", "tid": "T" });
        let given = given(value, "test", &options).expect("claims");
        assert!(given.json.contains(r#""sub":"t/o""#), "{}", given.json);
    }

    #[test]
    fn graph_fields_are_those_that_were_asked_for() {
        let options = Options { profile: vec!["jobTitle".into(), "nope".into()], ..Options::default() };
        let member: Value = serde_json::from_str(&of_persona("member", &options).expect("persona").json).expect("JSON");
        assert_eq!(member["graph"], json!({ "jobTitle": "Engineer" }));
    }

    #[test]
    fn what_cannot_be_claims_is_refused_without_a_value() {
        for value in
            [json!([]), json!({ "email": 5 }), json!({ "raw_claims": 1 }), json!({ "sub": 1, "raw_claims": {} })]
        {
            let error = given(value, "c.json", &Options::default()).expect_err("refused").to_string();
            assert!(error.starts_with("c.json: "), "{error}");
        }
        let error = given(json!({ "persona": "nobody" }), "c.json", &Options::default()).expect_err("refused");
        assert!(error.problem.contains("member, guest"), "{error}");
    }
}
