//! From a JSON object to [`Claims`] (contract §4.1): the standard claims have fixed types, the rest stays raw.

use crate::error::{ProviderError, Step};
use bia_config::SubjectSource;
use bia_model::Claims;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Decodes what a token or userinfo holds; everything is also kept as received.
///
/// # Errors
/// 400, when a text or the list `amr` has another type.
pub(crate) fn decode(raw: Map<String, Value>) -> Result<Claims, ProviderError> {
    let mut claims = Claims::default();
    for (name, value) in &raw {
        if value.is_null() {
            continue;
        }
        match name.as_str() {
            "amr" => claims.amr = texts(value)?,
            "email_verified" => claims.email_verified = is_true(value),
            "phone_number_verified" => claims.phone_number_verified = is_true(value),
            "nonce_supported" => claims.nonce_supported = is_true(value),
            "updated_at" => claims.updated_at = seconds(value),
            "locale" => claims.locale = locale(value),
            _ => {
                if let Some(field) = text_field(&mut claims, name) {
                    *field = text(name, value)?;
                }
            }
        }
    }
    claims.raw_claims = raw;
    Ok(claims)
}

/// Chooses the subject that a person is known by.
pub(crate) fn apply_subject_source(claims: &mut Claims, source: SubjectSource, tenant: &str) {
    match source {
        // Kratos: despite its name this is the ID token's `sub`. `me` comes with Graph's answer.
        SubjectSource::Userinfo | SubjectSource::Me => {}
        SubjectSource::Oid => claims.sub = claims.oid.clone(),
        SubjectSource::TidOid if claims.oid.is_empty() => claims.sub.clear(),
        SubjectSource::TidOid => claims.sub = format!("{tenant}/{}", claims.oid).to_lowercase(),
    }
}

/// What the mapper is given when an ID token holds `raw`, Graph aside: for tools that run mappers without a sign-in.
/// Nothing is verified here.
///
/// # Errors
/// As at a sign-in: 400, when a text or the list `amr` has another type.
pub fn mapper_claims(raw: Map<String, Value>, source: SubjectSource) -> Result<Claims, ProviderError> {
    let mut claims = decode(raw)?;
    let tenant = claims.raw_str("tid").unwrap_or_default().to_owned();
    // Graph's `id` of a person is the token's `oid`.
    let source = if source == SubjectSource::Me { SubjectSource::Oid } else { source };
    apply_subject_source(&mut claims, source, &tenant);
    Ok(claims)
}

/// Kratos: nobody signs in without a subject or an issuer.
pub(crate) fn validate(claims: Claims) -> Result<Claims, ProviderError> {
    if claims.sub.is_empty() {
        let reason = "provider did not return a subject";
        return Err(ProviderError::upstream(Step::Claims, reason, "the claim for the subject is absent or empty")
            .with_config_key("subject_source"));
    }
    if claims.iss.is_empty() {
        let reason = "issuer not set in claims";
        return Err(ProviderError::upstream(Step::Claims, reason, "neither claims nor configuration name an issuer")
            .with_config_key("issuer_url"));
    }
    Ok(claims)
}

fn text_field<'a>(claims: &'a mut Claims, name: &str) -> Option<&'a mut String> {
    Some(match name {
        "iss" => &mut claims.iss,
        "sub" => &mut claims.sub,
        "oid" => &mut claims.oid,
        "name" => &mut claims.name,
        "given_name" => &mut claims.given_name,
        "family_name" => &mut claims.family_name,
        "last_name" => &mut claims.last_name,
        "middle_name" => &mut claims.middle_name,
        "nickname" => &mut claims.nickname,
        "preferred_username" => &mut claims.preferred_username,
        "profile" => &mut claims.profile,
        "picture" => &mut claims.picture,
        "website" => &mut claims.website,
        "email" => &mut claims.email,
        "gender" => &mut claims.gender,
        "birthdate" => &mut claims.birthdate,
        "zoneinfo" => &mut claims.zoneinfo,
        "phone_number" => &mut claims.phone_number,
        "hd" => &mut claims.hd,
        "team" => &mut claims.team,
        "nonce" => &mut claims.nonce,
        "acr" => &mut claims.acr,
        _ => return None,
    })
}

fn text(name: &str, value: &Value) -> Result<String, ProviderError> {
    value.as_str().map(str::to_owned).ok_or_else(|| wrong_type(name, value, "string"))
}

fn texts(value: &Value) -> Result<Vec<String>, ProviderError> {
    let list = value.as_array().ok_or_else(|| wrong_type("amr", value, "[]string"))?;
    list.iter().map(|item| text("amr", item)).collect()
}

/// Apple sends `"true"`. Anything odd proves nothing and stops nobody; Kratos refuses the sign-in.
pub(crate) fn is_true(value: &Value) -> bool {
    matches!(value, Value::Bool(true)) || value.as_str() == Some("true")
}

/// Some providers write a date; Kratos takes integers only.
fn seconds(value: &Value) -> i64 {
    match value {
        Value::Number(number) => number.as_i64().unwrap_or_default(),
        Value::String(text) => OffsetDateTime::parse(text, &Rfc3339).map_or(0, OffsetDateTime::unix_timestamp),
        _ => 0,
    }
}

/// Kratos: LinkedIn's `{language, country}` becomes `language-country`.
fn locale(value: &Value) -> String {
    let part = |name: &str| value.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    match value {
        Value::String(text) => text.clone(),
        _ => [part("language"), part("country")].into_iter().flatten().collect::<Vec<_>>().join("-"),
    }
}

/// Kratos: this very sentence is what a client sees.
fn wrong_type(name: &str, value: &Value, wanted: &str) -> ProviderError {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let reason = format!("json: cannot unmarshal {kind} into Go struct field Claims.{name} of type {wanted}");
    ProviderError::refused(Step::Claims, reason, format!("the claim `{name}` is a {kind}, not a {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decoded(value: Value) -> Result<Claims, ProviderError> {
        decode(value.as_object().cloned().unwrap())
    }

    #[test]
    fn texts_of_another_type_are_refused_into_the_form() {
        let error = decoded(json!({ "amr": "mfa" })).unwrap_err();
        let reason = "json: cannot unmarshal string into Go struct field Claims.amr of type []string";
        assert_eq!(error.to_api().reason.as_deref(), Some(reason));
        assert_eq!(decoded(json!({ "email": 5 })).unwrap_err().to_api().code, 400);
    }

    #[test]
    fn odd_flags_prove_nothing_and_stop_nobody() {
        for odd in [json!(null), json!(1), json!("yes"), json!("false"), json!([])] {
            assert!(!decoded(json!({ "email_verified": odd })).unwrap().email_verified);
        }
        assert!(decoded(json!({ "email_verified": "true" })).unwrap().email_verified);
    }

    #[test]
    fn everything_is_also_kept_raw() {
        let claims =
            decoded(json!({ "sub": "a", "tid": "t", "locale": { "language": "de", "country": "AT" } })).unwrap();
        assert_eq!(claims.raw_str("tid"), Some("t"));
        assert_eq!(claims.locale, "de-AT");
        assert_eq!(claims.raw_claims.len(), 3);
    }
}
