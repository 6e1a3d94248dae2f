//! The validation itself, keyword by keyword in Kratos' order (ory/jsonschema `schema.go`).
//!
//! Kratos' messages, their order and what the extension keyword derives all depend on which schemas are
//! visited and when, so the walk is our own; tests compare its verdicts with the `jsonschema` crate's.

mod array;
mod object;

use super::failure::{self, Failure};
use super::rule::{Rule, RuleId, Rules};
use super::{Derived, formats, go_text};
use crate::message::Message;
use serde_json::Value;

/// Deeper recursion is refused: a schema may refer to itself without consuming any of the value.
const DEPTH_MAX: usize = 200;

/// One validation of one document.
pub(super) struct Run<'a> {
    rules: &'a Rules,
    /// Pointer to the value that is looked at.
    at: String,
    depth: usize,
    pub(super) derived: Derived,
}

impl<'a> Run<'a> {
    pub(super) fn new(rules: &'a Rules) -> Self {
        Self { rules, at: "#".to_owned(), depth: 0, derived: Derived::default() }
    }

    /// Validates `value` by a rule; `None` means that it is accepted.
    pub(super) fn check(&mut self, rule: RuleId, value: &Value) -> Option<Failure> {
        let rule = &self.rules.list[rule];
        if self.depth >= DEPTH_MAX {
            return Some(self.generic(rule, "", "too deeply nested"));
        }
        self.depth += 1;
        let outcome = self.check_rule(rule, value);
        self.depth -= 1;
        outcome
    }

    fn check_rule(&mut self, rule: &'a Rule, value: &Value) -> Option<Failure> {
        if let Some(always) = rule.always {
            return (!always).then(|| self.generic(rule, "", "always fail"));
        }
        if let Some(target) = rule.reference {
            let cause = self.check(target, value)?;
            let name = go_text::quote(&self.rules.list[target].pointer);
            return Some(self.group(rule, "$ref", &format!("doesn't validate with {name}"), vec![cause]));
        }
        if !rule.types.is_empty() && !rule.types.iter().any(|name| has_type(value, name)) {
            let message = Message::wrong_type(&rule.types, go_text::type_name(value));
            return Some(self.said(rule, "type", message));
        }
        let mut failures = Vec::new();
        self.check_any(rule, value, &mut failures);
        self.check_combinators(rule, value, &mut failures);
        match value {
            Value::Object(map) => self.check_object(rule, map, &mut failures),
            Value::Array(list) => self.check_array(rule, list, &mut failures),
            Value::String(text) => self.check_string(rule, text, &mut failures),
            Value::Number(number) => {
                self.check_number(rule, number.as_f64().unwrap_or(f64::NAN), &mut failures);
            }
            Value::Null | Value::Bool(_) => {}
        }
        if let Some(extension) = &rule.extension
            && let Err(refusal) = extension.run(value, &mut self.derived)
        {
            failures.push(refusal.into_failure(&self.at, &rule.pointer, value));
        }
        match failures.len() {
            0 => None,
            1 => failures.pop(),
            _ => Some(self.group(rule, "", "validation failed", failures)),
        }
    }

    fn said(&self, rule: &Rule, keyword: &str, message: Message) -> Failure {
        Failure::said(&self.at, &rule.pointer, keyword, message)
    }

    fn generic(&self, rule: &Rule, keyword: &str, text: &str) -> Failure {
        Failure::generic(&self.at, &rule.pointer, keyword, text)
    }

    fn group(&self, rule: &Rule, keyword: &str, text: &str, causes: Vec<Failure>) -> Failure {
        self.generic(rule, keyword, text).because(causes)
    }

    /// Validates a part of the current value.
    fn check_part(&mut self, token: &str, rule: RuleId, value: &Value) -> Option<Failure> {
        let length = self.at.len();
        self.at.push('/');
        self.at.push_str(token);
        let outcome = self.check(rule, value);
        self.at.truncate(length);
        outcome
    }

    fn check_any(&mut self, rule: &Rule, value: &Value, failures: &mut Vec<Failure>) {
        if let Some(constant) = &rule.constant
            && !equal(value, constant)
        {
            failures.push(if constant.is_object() || constant.is_array() {
                self.said(rule, "const", Message::constant_failed())
            } else {
                let expected = go_text::literal(constant);
                let text = format!("value must be {expected}");
                Failure::new(&self.at, &rule.pointer, "const", text, Message::constant(&expected))
            });
        }
        if !rule.choices.is_empty() && !rule.choices.iter().any(|choice| equal(value, choice)) {
            failures.push(self.generic(rule, "enum", &choices_text(&rule.choices)));
        }
        if formats::check(&rule.format, value) == Some(false) {
            let message = Message::not_of_format(&go_text::plain(value), &rule.format);
            let text = failure::not_of_format(value, &rule.format);
            failures.push(Failure::new(&self.at, &rule.pointer, "format", text, message));
        }
    }

    fn check_combinators(&mut self, rule: &'a Rule, value: &Value, failures: &mut Vec<Failure>) {
        if let Some(not) = rule.not
            && self.check(not, value).is_none()
        {
            failures.push(self.generic(rule, "not", "not failed"));
        }
        for (index, part) in rule.all_of.iter().enumerate() {
            if let Some(cause) = self.check(*part, value) {
                failures.push(self.group(rule, &format!("allOf/{index}"), "allOf failed", vec![cause]));
            }
        }
        if !rule.any_of.is_empty() {
            let mut causes = Vec::new();
            let matched = rule.any_of.iter().any(|part| match self.check(*part, value) {
                Some(cause) => {
                    causes.push(cause);
                    false
                }
                None => true,
            });
            if !matched {
                failures.push(self.group(rule, "anyOf", "anyOf failed", causes));
            }
        }
        self.check_one_of(rule, value, failures);
        let Some(condition) = rule.condition else {
            return;
        };
        let (branch, keyword, text) = if self.check(condition, value).is_none() {
            (rule.then, "then", "if-then failed")
        } else {
            (rule.otherwise, "else", "if-else failed")
        };
        if let Some(cause) = branch.and_then(|branch| self.check(branch, value)) {
            failures.push(self.group(rule, keyword, text, vec![cause]));
        }
    }

    fn check_one_of(&mut self, rule: &Rule, value: &Value, failures: &mut Vec<Failure>) {
        let (mut first, mut causes) = (None, Vec::new());
        for (index, part) in rule.one_of.iter().enumerate() {
            match (self.check(*part, value), first) {
                (Some(cause), _) => causes.push(cause),
                (None, None) => first = Some(index),
                (None, Some(first)) => {
                    let text = format!("valid against schemas at indexes {first} and {index}");
                    failures.push(self.generic(rule, "oneOf", &text));
                    break;
                }
            }
        }
        if !rule.one_of.is_empty() && first.is_none() {
            failures.push(self.group(rule, "oneOf", "oneOf failed", causes));
        }
    }

    fn check_string(&self, rule: &Rule, text: &str, failures: &mut Vec<Failure>) {
        let length = text.chars().count() as u64;
        if let Some(min) = rule.min_length.filter(|min| length < *min) {
            failures.push(self.said(rule, "minLength", Message::min_length(min, length)));
        }
        if let Some(max) = rule.max_length.filter(|max| length > *max) {
            failures.push(self.said(rule, "maxLength", Message::max_length(max, length)));
        }
        if let Some(pattern) = rule.pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
            failures.push(self.said(rule, "pattern", Message::pattern(&pattern.source)));
        }
    }

    fn check_number(&self, rule: &Rule, number: f64, failures: &mut Vec<Failure>) {
        if let Some(min) = rule.minimum.filter(|min| number < *min) {
            failures.push(self.said(rule, "minimum", Message::minimum(min, number)));
        }
        if let Some(min) = rule.exclusive_minimum.filter(|min| number <= *min) {
            failures.push(self.said(rule, "exclusiveMinimum", Message::exclusive_minimum(min, number)));
        }
        if let Some(max) = rule.maximum.filter(|max| number > *max) {
            failures.push(self.said(rule, "maximum", Message::maximum(max, number)));
        }
        if let Some(max) = rule.exclusive_maximum.filter(|max| number >= *max) {
            failures.push(self.said(rule, "exclusiveMaximum", Message::exclusive_maximum(max, number)));
        }
        if let Some(base) = rule.multiple_of.filter(|base| !is_multiple(number, *base)) {
            failures.push(self.said(rule, "multipleOf", Message::multiple_of(base, number)));
        }
    }
}

fn is_multiple(number: f64, base: f64) -> bool {
    let quotient = number / base;
    // Decimal fractions such as 0.3 / 0.1 miss a whole number by a rounding error.
    (quotient - quotient.round()).abs() <= f64::EPSILON * quotient.abs().max(1.0) * 2.0
}

fn has_type(value: &Value, name: &str) -> bool {
    match name {
        "integer" => value.is_i64() || value.is_u64(),
        name => go_text::type_name(value) == name,
    }
}

/// Equality of JSON: numbers by value, so `1` and `1.0` are equal.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(key, x)| y.get(key).is_some_and(|y| equal(x, y)))
        }
        _ => a == b,
    }
}

fn choices_text(choices: &[Value]) -> String {
    if choices.iter().any(|choice| choice.is_object() || choice.is_array()) {
        return "enum failed".to_owned();
    }
    let texts: Vec<_> = choices.iter().map(go_text::literal).collect();
    match texts.as_slice() {
        [only] => format!("value must be {only}"),
        _ => format!("value must be one of {}", texts.join(", ")),
    }
}
