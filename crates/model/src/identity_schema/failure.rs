//! The tree of failures that a validation leaves, and its two readings: one message per cause for the
//! form, one text for the admin API (Kratos: `ui/container/container.go`, ory/jsonschema `errors.go`).

use super::{TraitError, go_text};
use crate::message::Message;
use serde_json::Value;
use std::sync::Arc;

/// One failed keyword, or a group of failures.
#[derive(Debug)]
pub(super) struct Failure {
    /// Pointer into the validated document: `#/traits/email`.
    instance: String,
    /// Pointer into the schema: `#/properties/traits/properties/email/format`.
    schema: String,
    text: String,
    message: Message,
    /// Pointers to the properties that a failed `required` misses.
    missing: Vec<String>,
    causes: Vec<Failure>,
}

impl Failure {
    pub(super) fn new(instance: &str, schema: &str, keyword: &str, text: String, message: Message) -> Self {
        Self {
            instance: instance.to_owned(),
            schema: if keyword.is_empty() { schema.to_owned() } else { format!("{schema}/{keyword}") },
            text,
            message,
            missing: Vec::new(),
            causes: Vec::new(),
        }
    }

    /// A failure whose text is also what the visitor reads.
    pub(super) fn said(instance: &str, schema: &str, keyword: &str, message: Message) -> Self {
        Self::new(instance, schema, keyword, message.text.clone(), message)
    }

    /// A failure that has no number of its own (4000001).
    pub(super) fn generic(instance: &str, schema: &str, keyword: &str, text: &str) -> Self {
        Self::said(instance, schema, keyword, Message::generic(text))
    }

    #[must_use]
    pub(super) fn because(mut self, causes: Vec<Self>) -> Self {
        self.causes = causes;
        self
    }

    #[must_use]
    pub(super) fn missing(mut self, pointers: Vec<String>) -> Self {
        self.missing = pointers;
        self
    }

    /// All messages, in the order in which Kratos shows them.
    pub(super) fn into_errors(self) -> Vec<TraitError> {
        let mut report = String::new();
        self.write_report(0, &mut report);
        let report: Arc<str> = report.into();
        let mut errors = Vec::new();
        self.collect(&report, &mut errors);
        errors
    }

    fn collect(&self, report: &Arc<str>, errors: &mut Vec<TraitError>) {
        let mut push = |pointer: &str, message: Message| {
            errors.push(TraitError {
                pointer: pointer.to_owned(),
                node_name: node_name(pointer),
                message,
                report: Arc::clone(report),
            });
        };
        if !self.missing.is_empty() {
            for pointer in &self.missing {
                let property = pointer.rsplit('/').next().unwrap_or(pointer);
                push(pointer, Message::required(property));
            }
        } else if self.causes.is_empty() {
            push(&self.instance, self.message.clone());
        } else {
            self.causes.iter().for_each(|cause| cause.collect(report, errors));
        }
    }

    fn write_report(&self, depth: usize, out: &mut String) {
        if depth > 0 {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        }
        out.push_str(&format!("I[{}] S[{}] {}", self.instance, self.schema, self.text));
        self.causes.iter().for_each(|cause| cause.write_report(depth + 1, out));
    }
}

/// The text of a failed `format`, which names the value even where the visitor's message doesn't.
pub(super) fn format_text(message: &Message, value: &Value) -> String {
    match message.id {
        crate::message::id::EMAIL_FORMAT => not_of_format(value, "email"),
        crate::message::id::PHONE_FORMAT => not_of_format(value, "tel"),
        _ => message.text.clone(),
    }
}

pub(super) fn not_of_format(value: &Value, format: &str) -> String {
    format!("{} is not valid {}", go_text::quote(&go_text::plain(value)), go_text::quote(format))
}

/// The node that shows a pointer: `#/traits/name/first` is `traits.name.first`.
pub(super) fn node_name(pointer: &str) -> String {
    let Some(path) = pointer.strip_prefix("#/") else {
        // Kratos: a pointer without path becomes the name itself, so `#` gets a node of that name.
        return pointer.to_owned();
    };
    path.split('/').map(|token| unescape(token).replace('.', "\\.")).collect::<Vec<_>>().join(".")
}

/// A property name as a token of a JSON pointer in a URL fragment.
pub(crate) fn escape(token: &str) -> String {
    let mut out = String::with_capacity(token.len());
    for byte in token.replace('~', "~0").replace('/', "~1").bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+:=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The property name that [`escape`] made this token from.
pub(super) fn unescape(token: &str) -> String {
    let token = token.replace("~1", "/").replace("~0", "~");
    let mut bytes = Vec::with_capacity(token.len());
    let mut rest = token.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let decoded = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_and_names_survive_odd_characters() {
        for name in ["plain", "a/b~c", "ä ö", "100%", "a.b"] {
            assert_eq!(unescape(&escape(name)), name);
        }
        assert_eq!(node_name("#/traits/a.b/0"), "traits.a\\.b.0");
        assert_eq!(node_name("#/"), "");
        assert_eq!(node_name("#/traits/given%20name"), "traits.given name");
    }
}
