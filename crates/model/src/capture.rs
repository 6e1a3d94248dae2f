//! A redacted record of a sign-in that the mapper or the schema stopped (`bia.capture: on`), to be replayed elsewhere.
//!
//! Redaction keeps the shape: names of claims, types, lengths, punctuation, small numbers and flags stay, letters and
//! digits inside texts are replaced. So a mapper fails on the record as it failed on the person, and the record names nobody.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the format.
const VERSION: u64 = 1;

/// Claims whose texts describe the token, not the person: mappers compare them with constants.
const KEPT: [&str; 14] = [
    "iss",
    "aud",
    "tid",
    "ver",
    "idp",
    "acr",
    "acrs",
    "amr",
    "azp",
    "_claim_names",
    "idtyp",
    "locale",
    "zoneinfo",
    "tenant_ctry",
];

/// One failed sign-in without a name in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    /// The version of this format.
    pub bia_capture: u64,
    /// The provider's id in the configuration.
    pub provider: String,
    /// Why it failed, by a name that stays; `schema` when the identity schema refused the traits.
    pub error_kind: String,
    /// The line of the mapper in which it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_line: Option<u64>,
    /// What the mapper was given, redacted.
    pub claims: Value,
    /// The identity that it was given, redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Value>,
}

impl Capture {
    /// Redacts and records.
    pub fn new(
        provider: &str,
        error_kind: &str,
        error_line: Option<u64>,
        claims: &Value,
        identity: Option<&Value>,
    ) -> Self {
        Self {
            bia_capture: VERSION,
            provider: provider.to_owned(),
            error_kind: error_kind.to_owned(),
            error_line,
            claims: redact(claims),
            identity: identity.map(redact),
        }
    }

    /// Reads a record, or a JSON log line that holds one as text or object under `capture`.
    pub fn from_json(value: &Value) -> Option<Self> {
        let inner = match value.get("capture") {
            Some(Value::String(text)) => serde_json::from_str(text).ok()?,
            Some(inner) => inner.clone(),
            None => value.clone(),
        };
        let capture: Self = serde_json::from_value(inner).ok()?;
        (capture.bia_capture == VERSION && capture.claims.is_object()).then_some(capture)
    }

    /// Every record in a text: the record alone, or lines of a log in either `log.format`, whatever stands before them.
    pub fn all_in(text: &str) -> Vec<Self> {
        match serde_json::from_str(text) {
            Ok(value) => Self::from_json(&value).into_iter().collect(),
            Err(_) => text.lines().filter_map(Self::in_line).collect(),
        }
    }

    fn in_line(line: &str) -> Option<Self> {
        if let Ok(value) = serde_json::from_str(line) {
            return Self::from_json(&value);
        }
        let start = line.find(QUOTED_START)?;
        let record = unquoted(&line[start + 1..])?;
        Self::from_json(&serde_json::from_str(&record).ok()?)
    }
}

/// How a record begins as a quoted value of a log line.
const QUOTED_START: &str = r#""{\"bia_capture\""#;

/// The text up to the closing quote, as Rust's `Debug` escapes it: so a line in `log.format: text` has it.
fn unquoted(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut letters = text.chars();
    loop {
        let letter = match letters.next()? {
            '"' => return Some(out),
            '\\' => match letters.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                'u' => {
                    let (code, rest) = letters.as_str().strip_prefix('{')?.split_once('}')?;
                    letters = rest.chars();
                    char::from_u32(u32::from_str_radix(code, 16).ok()?)?
                }
                same @ ('"' | '\\' | '\'') => same,
                _ => return None,
            },
            plain => plain,
        };
        out.push(letter);
    }
}

/// Replaces letters and digits in every text that could name somebody.
pub fn redact(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(masked(text)),
        Value::Array(items) => items.iter().map(redact).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| {
                let kept = KEPT.contains(&name.as_str());
                (name.clone(), if kept { field.clone() } else { redact(field) })
            })
            .collect(),
        // A number of some length may be an employee's or a phone's.
        Value::Number(number) if number.as_f64().is_some_and(|number| number.abs() >= 1000.0) => Value::from(1000),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// `Zoë.A-7@x.example` becomes `Xxé.X-0@x.xxxxxxx`.
fn masked(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            _ if letter.is_ascii_digit() => '0',
            _ if letter.is_ascii_uppercase() => 'X',
            _ if letter.is_ascii_lowercase() => 'x',
            _ if letter.is_ascii() => letter,
            _ if letter.is_alphanumeric() => 'é',
            _ => '·',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn redaction_keeps_the_shape_and_no_name() {
        let claims = json!({
            "email": "Zoë.A-7@contoso.example", "n": 3, "id": 41235, "ok": true, "groups": ["9c0ffee0-1"],
            "raw_claims": { "tid": "8eaef023", "name": "Zoë 山田", "nothing": null },
        });
        let expected = json!({
            "email": "Xxé.X-0@xxxxxxx.xxxxxxx", "n": 3, "id": 1000, "ok": true, "groups": ["0x0xxxx0-0"],
            "raw_claims": { "tid": "8eaef023", "name": "Xxé éé", "nothing": null },
        });
        assert_eq!(redact(&claims), expected);
    }

    #[test]
    fn a_record_is_read_from_itself_and_from_a_log_line() {
        let capture = Capture::new("m", "missing_field", Some(3), &json!({ "sub": "abc" }), None);
        let value = serde_json::to_value(&capture).expect("JSON");
        assert_eq!(Capture::from_json(&value), Some(capture.clone()));
        let line = json!({ "level": "WARN", "capture": value.to_string() });
        assert_eq!(Capture::from_json(&line), Some(capture));
        assert_eq!(Capture::from_json(&json!({ "bia_capture": 2, "claims": {} })), None);
    }

    #[test]
    fn a_record_is_found_in_lines_of_both_formats_and_behind_what_a_collector_puts_before() {
        // What Debug escapes and JSON does not, and the other way round.
        let claims = json!({ "it's": "a\"b\\c\nd", "locale": "e\u{301}\u{200b}", "n\u{0}": "\t" });
        let capture = Capture::new("m", "missing_field", Some(3), &claims, None);
        let record = serde_json::to_string(&capture).expect("JSON");
        let text = format!("2026-01-01T00:00:00Z  WARN bia::capture: stopped capture={record:?} request_id=r-1");
        let json_line = json!({ "level": "WARN", "capture": record }).to_string();
        let pretty = serde_json::to_string_pretty(&capture).expect("JSON");
        for one in [&text, &json_line, &pretty, &format!("bia-1  | {text}\n"), &format!("INFO started\n{json_line}\n")]
        {
            assert_eq!(Capture::all_in(one), std::slice::from_ref(&capture), "{one}");
        }
        assert_eq!(Capture::all_in(&format!("{text}\n{json_line}")).len(), 2);
        let cut = &text[..text.len() - 30];
        for none in
            ["", "INFO started", "{}", cut, r#"capture="{\"bia_capture\":1,\q"#, r#""{\"bia_capture\"\u{110000}""#]
        {
            assert_eq!(Capture::all_in(none), [], "{none}");
        }
    }
}
