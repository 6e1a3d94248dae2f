//! Takes the values of claims out of a message, since messages reach logs.
//!
//! A mapper may put a claim into its own error (`error 'no mail for ' + claims.name`). Each value that is found is replaced
//! by its path. What a mapper computes from a value beyond changing case or cutting at `@` is not recognised.

use serde_json::Value;

/// Shorter values would blank out ordinary words.
const CHARS_MIN: usize = 4;
/// Values looked at; claims have far fewer.
const VALUES_MAX: usize = 4000;

/// Replaces every value of the inputs that occurs in `message` but not in the source, which the operator knows anyway.
pub(super) fn redact(message: &str, source: &str, inputs: &[(&str, &str)]) -> String {
    let mut found = Vec::new();
    for (name, json) in inputs {
        if let Ok(value) = serde_json::from_str(json) {
            collect(&value, &mut (*name).to_owned(), message, source, &mut found);
        }
    }
    // Longest first, so that a value within another one does not leave the rest of it standing.
    found.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    found.iter().fold(message.to_owned(), |message, (text, path)| message.replace(text, &format!("<{path}>")))
}

fn collect(value: &Value, path: &mut String, message: &str, source: &str, found: &mut Vec<(String, String)>) {
    let length = path.len();
    let mut note = |text: &str, path: &str| {
        for text in std::iter::once(text).chain(text.split('@')) {
            for form in [text.to_owned(), text.to_lowercase(), text.to_uppercase()] {
                if form.chars().count() >= CHARS_MIN
                    && message.contains(&form)
                    && !source.contains(&form)
                    && found.len() < VALUES_MAX
                {
                    found.push((form, path.to_owned()));
                }
            }
        }
    };
    match value {
        Value::String(text) => note(text, path),
        Value::Number(number) => note(&number.to_string(), path),
        Value::Array(elements) => {
            for element in elements {
                path.push_str("[]");
                collect(element, path, message, source, found);
                path.truncate(length);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                path.push('.');
                path.push_str(name);
                collect(field, path, message, source, found);
                path.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_paths_whatever_their_case() {
        let claims = r#"{"email":"Alice@contoso.example","raw_claims":{"groups":["9c0ffee0-0000"]},"iat":1730000000}"#;
        let message = "RUNTIME ERROR: no alice@contoso.example in 9c0ffee0-0000 at 1730000000, only Alice";
        let redacted = redact(message, "error 'x'", &[("claims", claims)]);
        assert_eq!(
            redacted,
            "RUNTIME ERROR: no <claims.email> in <claims.raw_claims.groups[]> at <claims.iat>, only <claims.email>"
        );
    }

    #[test]
    fn what_the_source_says_itself_stays() {
        let redacted = redact("Field does not exist: email", "claims.email", &[("claims", r#"{"scope":"email"}"#)]);
        assert_eq!(redacted, "Field does not exist: email");
    }
}
