//! The merged configuration, and where each key of it was written.

use std::fmt;

use serde_json::Value;

use super::layers::Layers;
use super::place::place;
use crate::finding::{Finding, KeyPath};
use crate::rules;

/// The merged configuration and where each key of it was written. It holds secrets and prints none.
pub(crate) struct Document {
    pub(super) layers: Layers,
    pub(super) value: Value,
    pub(super) extra_hooks: Vec<String>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Document")
    }
}

impl Document {
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Tells a finding where its key stands.
    pub(crate) fn place(&self, finding: Finding) -> Finding {
        place(&self.layers, finding)
    }

    pub(crate) fn lists_from_variables(&self) -> Vec<(KeyPath, &str, usize, usize)> {
        self.layers
            .lists_from_variables()
            .into_iter()
            .map(|(path, name, length, below)| (path.clone(), name, length, below))
            .collect()
    }

    /// Where hooks of this binary's own are used.
    pub(crate) fn extra_hooks_used(&self) -> Vec<KeyPath> {
        fn walk(value: &Value, path: &KeyPath, names: &[String], found: &mut Vec<KeyPath>) {
            match value {
                Value::Object(entries) => {
                    if entries
                        .get("hook")
                        .and_then(Value::as_str)
                        .is_some_and(|hook| names.iter().any(|name| name == hook))
                    {
                        found.push(path.child("hook"));
                    }
                    entries.iter().for_each(|(key, value)| walk(value, &path.child(key), names, found));
                }
                Value::Array(items) => {
                    items.iter().enumerate().for_each(|(at, item)| walk(item, &path.child(at), names, found))
                }
                _ => {}
            }
        }
        let mut found = Vec::new();
        if let Some(flows) = rules::at(&self.value, "selfservice.flows") {
            walk(flows, &KeyPath::of("selfservice.flows"), &self.extra_hooks, &mut found);
        }
        found
    }
}
