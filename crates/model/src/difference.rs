//! What is added, changed and removed between two JSON values.

use serde::Serialize;
use serde_json::Value;

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Where, as `traits.name.first` or `metadata_admin.groups[2]`.
    pub path: String,
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// What happened to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Added,
    Changed,
    Removed,
}

/// Every difference, leaf by leaf. Lists are compared by position; `1` and `1.0` are one number, as in Jsonnet.
pub fn between(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", Some(before), Some(after), &mut changes);
    changes
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&inner, old.get(key), new.get(key), changes);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for index in 0..old.len().max(new.len()) {
                compare(&format!("{path}[{index}]"), old.get(index), new.get(index), changes);
            }
        }
        (Some(old), Some(new)) if same(old, new) => {}
        (None, None) => {}
        (before, after) => changes.push(Change {
            path: path.to_owned(),
            kind: match (before, after) {
                (None, _) => Kind::Added,
                (_, None) => Kind::Removed,
                _ => Kind::Changed,
            },
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_leaf_that_differs_is_named_once() {
        let before = json!({ "a": 1, "b": { "c": "x", "gone": true }, "l": [1, 2, 3], "t": "text" });
        let after = json!({ "a": 1.0, "b": { "c": "y", "new": null }, "l": [1, 9], "t": {} });
        let found: Vec<_> = between(&before, &after).into_iter().map(|change| (change.path, change.kind)).collect();
        let expected = [
            ("b.c", Kind::Changed),
            ("b.gone", Kind::Removed),
            ("b.new", Kind::Added),
            ("l[1]", Kind::Changed),
            ("l[2]", Kind::Removed),
            ("t", Kind::Changed),
        ];
        assert_eq!(found, expected.map(|(path, kind)| (path.to_owned(), kind)));
        assert!(between(&before, &before).is_empty());
    }
}
