//! Keywords for objects.

use super::Run;
use crate::identity_schema::failure::{Failure, escape};
use crate::identity_schema::go_text;
use crate::identity_schema::rule::{Dependency, Rest, Rule};
use serde_json::{Map, Value};

impl<'a> Run<'a> {
    pub(super) fn check_object(&mut self, rule: &'a Rule, map: &Map<String, Value>, failures: &mut Vec<Failure>) {
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
        let missing: Vec<&String> = rule.required.iter().filter(|name| !map.contains_key(*name)).collect();
        if missing.is_empty() {
            return;
        }
        let names: Vec<_> = missing.iter().map(|name| go_text::quote(name)).collect();
        let text = format!("missing properties: {}", names.join(", "));
        let pointers = missing.iter().map(|name| format!("{}/{}", self.at, escape(name)));
        failures.push(self.generic(rule, "required", &text).missing(pointers.collect()));
    }

    fn check_additional(&mut self, rule: &Rule, map: &Map<String, Value>, failures: &mut Vec<Failure>) {
        let Some(rest) = &rule.additional_properties else {
            return;
        };
        let is_named = |name: &str| {
            rule.properties.contains_key(name)
                || rule.pattern_properties.iter().any(|(pattern, _)| pattern.matches(name))
        };
        let unnamed: Vec<_> = map.iter().filter(|(name, _)| !is_named(name)).collect();
        match rest {
            Rest::Allowed(allowed) if *allowed || unnamed.is_empty() => {}
            Rest::Allowed(_) => {
                let names: Vec<_> = unnamed.iter().map(|(name, _)| go_text::quote(name)).collect();
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
            Dependency::Rule(part) => failures.extend(self.check(*part, &Value::Object(map.clone()))),
            Dependency::Properties(needed) => {
                for (index, property) in needed.iter().enumerate() {
                    if !map.contains_key(property) {
                        let (property, name_text) = (go_text::quote(property), go_text::quote(name));
                        let text = format!("property {property} is required, if {name_text} property exists");
                        let keyword = format!("dependencies/{}/{index}", escape(name));
                        failures.push(self.generic(rule, &keyword, &text));
                    }
                }
            }
        }
    }
}
