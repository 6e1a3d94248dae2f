//! Messages about a refused trait. Their texts are those of Kratos' JSON Schema validator.

use super::{Message, id};
use crate::identity_schema::go_text;
use serde_json::json;

impl Message {
    pub fn min_length(min: u64, actual: u64) -> Self {
        Self::error(id::MIN_LENGTH, format!("length must be >= {min}, but got {actual}"))
            .with_context(json!({ "min_length": min, "actual_length": actual }))
    }

    pub fn max_length(max: u64, actual: u64) -> Self {
        Self::error(id::MAX_LENGTH, format!("length must be <= {max}, but got {actual}"))
            .with_context(json!({ "max_length": max, "actual_length": actual }))
    }

    pub fn pattern(pattern: &str) -> Self {
        let quoted = go_text::quote(pattern);
        Self::error(id::PATTERN, format!("does not match pattern {quoted}")).with_context(json!({ "pattern": pattern }))
    }

    pub fn minimum(minimum: f64, actual: f64) -> Self {
        Self::bound(id::MINIMUM, ">=", "minimum", minimum, actual)
    }

    pub fn exclusive_minimum(minimum: f64, actual: f64) -> Self {
        Self::bound(id::EXCLUSIVE_MINIMUM, ">", "minimum", minimum, actual)
    }

    pub fn maximum(maximum: f64, actual: f64) -> Self {
        Self::bound(id::MAXIMUM, "<=", "maximum", maximum, actual)
    }

    pub fn exclusive_maximum(maximum: f64, actual: f64) -> Self {
        Self::bound(id::EXCLUSIVE_MAXIMUM, "<", "maximum", maximum, actual)
    }

    fn bound(id: i64, sign: &str, key: &str, bound: f64, actual: f64) -> Self {
        let (limit, found) = (go_text::float(bound), go_text::float(actual));
        Self::error(id, format!("must be {sign} {limit} but found {found}")).with_context(json!({
            key: go_text::json_number(bound),
            "actual": go_text::json_number(actual),
        }))
    }

    pub fn multiple_of(base: f64, actual: f64) -> Self {
        let text = format!("{} not multipleOf {}", go_text::float(actual), go_text::float(base));
        Self::error(id::MULTIPLE_OF, text).with_context(json!({
            "base": go_text::json_number(base),
            "actual": go_text::json_number(actual),
        }))
    }

    pub fn max_items(max: u64, actual: u64) -> Self {
        let text = format!("maximum {max} items allowed, but found {actual} items");
        Self::error(id::MAX_ITEMS, text).with_context(json!({ "max_items": max, "actual_items": actual }))
    }

    pub fn min_items(min: u64, actual: u64) -> Self {
        let text = format!("minimum {min} items allowed, but found {actual} items");
        Self::error(id::MIN_ITEMS, text).with_context(json!({ "min_items": min, "actual_items": actual }))
    }

    pub fn unique_items(first: usize, second: usize) -> Self {
        let text = format!("items at index {first} and {second} are equal");
        Self::error(id::UNIQUE_ITEMS, text).with_context(json!({ "index_a": first, "index_b": second }))
    }

    pub fn wrong_type(allowed: &[String], actual: &str) -> Self {
        let text = format!("expected {}, but got {actual}", allowed.join(" or "));
        Self::error(id::WRONG_TYPE, text).with_context(json!({ "allowed_types": allowed, "actual_type": actual }))
    }

    /// `expected` as it is written in Kratos: strings in quotes.
    pub fn constant(expected: &str) -> Self {
        Self::error(id::CONST, format!("must be equal to constant {expected}"))
            .with_context(json!({ "expected": expected }))
    }

    pub fn constant_failed() -> Self {
        Self::error(id::CONST_GENERIC, "const failed")
    }

    /// A failed `format`: e-mail addresses and phone numbers have texts of their own.
    pub fn not_of_format(value: &str, format: &str) -> Self {
        let quoted = go_text::quote(value);
        // Kratos: reads the value back out of its own message, up to the quote before it.
        let inner = &quoted[1..quoted.len() - 1];
        let shown = inner.rsplit('"').next().unwrap_or(inner);
        let own = match format {
            "email" => Some((id::EMAIL_FORMAT, "Enter a valid email address")),
            "tel" => Some((id::PHONE_FORMAT, "Enter a valid phone number")),
            _ => None,
        };
        match own {
            Some((id, text)) if !shown.is_empty() => Self::error(id, text).with_context(json!({ "value": shown })),
            _ => Self::generic(&format!("{quoted} is not valid {}", go_text::quote(format))),
        }
    }
}
