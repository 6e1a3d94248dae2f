//! The validation itself, keyword by keyword in Kratos' order (ory/jsonschema `schema.go`).
//!
//! Kratos' messages, their order and what the extension keyword derives all depend on which schemas are
//! visited and when, so the walk is our own; tests compare its verdicts with the `jsonschema` crate's.

use super::compile::{Dependency, Items, Rest, Rule, RuleId, Rules};
use super::failure::{self, Failure, escape};
use super::{Derived, formats, go_text};
use crate::message::Message;
use serde_json::{Map, Value};

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
        Self {
            rules,
            at: "#".to_owned(),
            depth: 0,
            derived: Derived::default(),
        }
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
            return Some(self.group(
                rule,
                "$ref",
                &format!("doesn't validate with {name}"),
                vec![cause],
            ));
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
                Failure::new(
                    &self.at,
                    &rule.pointer,
                    "const",
                    text,
                    Message::constant(&expected),
                )
            });
        }
        if !rule.choices.is_empty() && !rule.choices.iter().any(|choice| equal(value, choice)) {
            failures.push(self.generic(rule, "enum", &choices_text(&rule.choices)));
        }
        if formats::check(&rule.format, value) == Some(false) {
            let message = Message::not_of_format(&go_text::plain(value), &rule.format);
            let text = failure::not_of_format(value, &rule.format);
            failures.push(Failure::new(
                &self.at,
                &rule.pointer,
                "format",
                text,
                message,
            ));
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
                failures.push(self.group(
                    rule,
                    &format!("allOf/{index}"),
                    "allOf failed",
                    vec![cause],
                ));
            }
        }
        if !rule.any_of.is_empty() {
            let mut causes = Vec::new();
            let matched = rule
                .any_of
                .iter()
                .any(|part| match self.check(*part, value) {
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

    fn check_object(
        &mut self,
        rule: &'a Rule,
        map: &Map<String, Value>,
        failures: &mut Vec<Failure>,
    ) {
        let count = map.len() as u64;
        if let Some(min) = rule.min_properties.filter(|min| count < *min) {
            let text = format!("minimum {min} properties allowed, but found {count} properties");
            failures.push(self.generic(rule, "minProperties", &text));
        }
        if let Some(max) = rule.max_properties.filter(|max| count > *max) {
            let text = format!("maximum {max} properties allowed, but found {count} properties");
            failures.push(self.generic(rule, "maxProperties", &text));
        }
        self.check_required(rule, map, failures);
        for (name, part) in &rule.properties {
            if let Some(value) = map.get(name) {
                failures.extend(self.check_part(&escape(name), *part, value));
            }
        }
        if let Some(names) = rule.property_names {
            for name in map.keys() {
                failures.extend(self.check_part(&escape(name), names, &Value::from(name.as_str())));
            }
        }
        for (pattern, part) in &rule.pattern_properties {
            for (name, value) in map.iter().filter(|(name, _)| pattern.matches(name)) {
                failures.extend(self.check_part(&escape(name), *part, value));
            }
        }
        self.check_additional(rule, map, failures);
        for (name, dependency) in &rule.dependencies {
            if let Some(value) = map.contains_key(name).then_some(map) {
                self.check_dependency(rule, name, dependency, value, failures);
            }
        }
    }

    fn check_required(&self, rule: &Rule, map: &Map<String, Value>, failures: &mut Vec<Failure>) {
        let missing: Vec<&String> = rule
            .required
            .iter()
            .filter(|name| !map.contains_key(*name))
            .collect();
        if missing.is_empty() {
            return;
        }
        let names: Vec<_> = missing.iter().map(|name| go_text::quote(name)).collect();
        let text = format!("missing properties: {}", names.join(", "));
        let pointers = missing
            .iter()
            .map(|name| format!("{}/{}", self.at, escape(name)));
        failures.push(
            self.generic(rule, "required", &text)
                .missing(pointers.collect()),
        );
    }

    fn check_additional(
        &mut self,
        rule: &Rule,
        map: &Map<String, Value>,
        failures: &mut Vec<Failure>,
    ) {
        let Some(rest) = &rule.additional_properties else {
            return;
        };
        let is_named = |name: &str| {
            rule.properties.contains_key(name)
                || rule
                    .pattern_properties
                    .iter()
                    .any(|(pattern, _)| pattern.matches(name))
        };
        let unnamed: Vec<_> = map.iter().filter(|(name, _)| !is_named(name)).collect();
        match rest {
            Rest::Allowed(allowed) if *allowed || unnamed.is_empty() => {}
            Rest::Allowed(_) => {
                let names: Vec<_> = unnamed
                    .iter()
                    .map(|(name, _)| go_text::quote(name))
                    .collect();
                let text = format!("additionalProperties {} not allowed", names.join(", "));
                failures.push(self.generic(rule, "additionalProperties", &text));
            }
            Rest::Rule(part) => {
                for (name, value) in unnamed {
                    failures.extend(self.check_part(&escape(name), *part, value));
                }
            }
        }
    }

    fn check_dependency(
        &mut self,
        rule: &Rule,
        name: &str,
        dependency: &Dependency,
        map: &Map<String, Value>,
        failures: &mut Vec<Failure>,
    ) {
        match dependency {
            Dependency::Rule(part) => {
                failures.extend(self.check(*part, &Value::Object(map.clone())))
            }
            Dependency::Properties(needed) => {
                for (index, property) in needed.iter().enumerate() {
                    if !map.contains_key(property) {
                        let (property, name_text) =
                            (go_text::quote(property), go_text::quote(name));
                        let text = format!(
                            "property {property} is required, if {name_text} property exists"
                        );
                        let keyword = format!("dependencies/{}/{index}", escape(name));
                        failures.push(self.generic(rule, &keyword, &text));
                    }
                }
            }
        }
    }

    fn check_array(&mut self, rule: &'a Rule, list: &[Value], failures: &mut Vec<Failure>) {
        let count = list.len() as u64;
        if let Some(min) = rule.min_items.filter(|min| count < *min) {
            failures.push(self.said(rule, "minItems", Message::min_items(min, count)));
        }
        if let Some(max) = rule.max_items.filter(|max| count > *max) {
            failures.push(self.said(rule, "maxItems", Message::max_items(max, count)));
        }
        if rule.unique_items {
            self.check_unique(rule, list, failures);
        }
        match &rule.items {
            Some(Items::Each(part)) => {
                for (index, item) in list.iter().enumerate() {
                    failures.extend(self.check_part(&index.to_string(), *part, item));
                }
            }
            Some(Items::Tuple(parts)) => self.check_tuple(rule, parts, list, failures),
            None => {}
        }
        if let Some(part) = rule.contains {
            let mut causes = Vec::new();
            let matched = list.iter().enumerate().any(|(index, item)| {
                let cause = self.check_part(&index.to_string(), part, item);
                let accepted = cause.is_none();
                causes.extend(cause);
                accepted
            });
            if !matched {
                failures.push(self.group(rule, "contains", "contains failed", causes));
            }
        }
    }

    fn check_unique(&self, rule: &Rule, list: &[Value], failures: &mut Vec<Failure>) {
        for (second, item) in list.iter().enumerate() {
            for (first, other) in list[..second].iter().enumerate() {
                if equal(item, other) {
                    let message = Message::unique_items(first, second);
                    failures.push(self.said(rule, "uniqueItems", message));
                    // Attack stopped: a long list of equal items would fill the memory with messages.
                    if failures.len() > list.len() {
                        return;
                    }
                }
            }
        }
    }

    fn check_tuple(
        &mut self,
        rule: &Rule,
        parts: &[RuleId],
        list: &[Value],
        failures: &mut Vec<Failure>,
    ) {
        if matches!(rule.additional_items, Some(Rest::Allowed(false))) && list.len() > parts.len() {
            let text = format!(
                "only {} items are allowed, but found {} items",
                parts.len(),
                list.len()
            );
            failures.push(self.generic(rule, "additionalItems", &text));
        }
        for (index, item) in list.iter().enumerate() {
            let part = match (parts.get(index), &rule.additional_items) {
                (Some(part), _) | (None, Some(Rest::Rule(part))) => *part,
                _ => break,
            };
            failures.extend(self.check_part(&index.to_string(), part, item));
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
        if let Some(pattern) = rule
            .pattern
            .as_ref()
            .filter(|pattern| !pattern.matches(text))
        {
            failures.push(self.said(rule, "pattern", Message::pattern(&pattern.source)));
        }
    }

    fn check_number(&self, rule: &Rule, number: f64, failures: &mut Vec<Failure>) {
        if let Some(min) = rule.minimum.filter(|min| number < *min) {
            failures.push(self.said(rule, "minimum", Message::minimum(min, number)));
        }
        if let Some(min) = rule.exclusive_minimum.filter(|min| number <= *min) {
            failures.push(self.said(
                rule,
                "exclusiveMinimum",
                Message::exclusive_minimum(min, number),
            ));
        }
        if let Some(max) = rule.maximum.filter(|max| number > *max) {
            failures.push(self.said(rule, "maximum", Message::maximum(max, number)));
        }
        if let Some(max) = rule.exclusive_maximum.filter(|max| number >= *max) {
            failures.push(self.said(
                rule,
                "exclusiveMaximum",
                Message::exclusive_maximum(max, number),
            ));
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
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len()
                && x.iter()
                    .all(|(key, x)| y.get(key).is_some_and(|y| equal(x, y)))
        }
        _ => a == b,
    }
}

fn choices_text(choices: &[Value]) -> String {
    if choices
        .iter()
        .any(|choice| choice.is_object() || choice.is_array())
    {
        return "enum failed".to_owned();
    }
    let texts: Vec<_> = choices.iter().map(go_text::literal).collect();
    match texts.as_slice() {
        [only] => format!("value must be {only}"),
        _ => format!("value must be one of {}", texts.join(", ")),
    }
}
