//! JSON as a table: traits, metadata and claims, one row for each leaf.

use crate::node::plain;
use serde::Serialize;
use serde_json::Value;

const MAX_ROWS: usize = 200;
const MAX_DEPTH: usize = 8;
const MAX_TEXT: usize = 2000;
/// What is shown of a document as a whole.
const MAX_JSON: usize = 64 * 1024;

/// A leaf and the way to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// The leaves in document order. Lists of plain values are one row.
pub(crate) fn rows(value: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    walk(value, &mut Vec::new(), &mut rows);
    rows
}

fn walk<'v>(value: &'v Value, path: &mut Vec<&'v str>, rows: &mut Vec<Row>) {
    if rows.len() >= MAX_ROWS {
        return;
    }
    match value {
        Value::Null => {}
        Value::Object(map) if path.len() < MAX_DEPTH => {
            for (key, inner) in map {
                path.push(key);
                walk(inner, path, rows);
                path.pop();
            }
        }
        Value::Array(list) if list.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let items: Vec<String> = list.iter().take(MAX_ROWS).map(plain).collect();
            push(rows, path, items.join(", "));
        }
        other => push(rows, path, plain(other)),
    }
}

fn push(rows: &mut Vec<Row>, path: &[&str], text: String) {
    if !text.is_empty() {
        rows.push(Row { name: path.join("."), text: cut(&text, MAX_TEXT) });
    }
}

/// At most `limit` characters, with a mark where something is missing.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A document as indented JSON, without the parts that grant access.
pub(crate) fn json(value: &Value) -> String {
    let mut value = value.clone();
    if let Some(map) = value.as_object_mut() {
        // A tokenised session is a credential; a page is looked at over shoulders.
        map.retain(|key, _| key != "tokenized" && key != "session_token");
    }
    cut(&serde_json::to_string_pretty(&value).unwrap_or_default(), MAX_JSON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn leaves_are_rows_in_document_order() {
        let rows = rows(&json!({"b": {"c": 1, "d": null}, "a": ["x", 2], "l": [{"k": true}], "e": ""}));
        let shown: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.text.as_str())).collect();
        assert_eq!(shown, [("b.c", "1"), ("a", "x, 2"), ("l", r#"[{"k":true}]"#)]);
    }

    #[test]
    fn deep_and_large_documents_are_cut() {
        let mut deep = json!("end");
        for _ in 0..60 {
            deep = json!({ "a": deep });
        }
        assert_eq!(rows(&deep).len(), 1);
        let wide: Value =
            (0..5000).map(|n| (n.to_string(), json!("x".repeat(3000)))).collect::<serde_json::Map<_, _>>().into();
        let rows = rows(&wide);
        assert_eq!((rows.len(), rows[0].text.chars().count()), (MAX_ROWS, MAX_TEXT + 1));
    }

    #[test]
    fn tokens_of_a_session_are_left_out() {
        assert!(!json(&json!({"id": "1", "tokenized": "ey.secret"})).contains("secret"));
    }
}
