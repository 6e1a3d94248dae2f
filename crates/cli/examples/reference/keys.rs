//! Every key of the configuration, from its JSON Schema.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const INTRODUCTION: &str = "\
# Every key

Every key of `kratos.yml`, with its values, its meaning and its default. This page is generated from the types that read the
configuration; `cargo run -p bia --example reference` writes it anew. Editors show the same while you type, by
[`config.schema.json`](../../config/config.schema.json): put

```yaml
# yaml-language-server: $schema=https://example.com/config.schema.json
```

at the top of your file, with the path or address where you keep the schema (`bia config schema` prints it).

Every key is also an environment variable: upper case, `_` for each dot and dash, numbers for places in a list.
`serve.public.base_url` is `SERVE_PUBLIC_BASE_URL`, and the first provider's secret is
`SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_0_CLIENT_SECRET`. Variables win over files. Lists and blocks may be given
whole, as JSON.

Keys with a star (★) are Bia's own; Kratos refuses a file that has them, and `bia config check --for kratos` lists them.
`[]` stands for an entry of a list.
";

struct Walk<'s> {
    root: &'s Value,
    /// Definitions that have a table already, with its path.
    seen: BTreeMap<&'s str, String>,
    out: String,
    /// Blocks of Kratos' that are read and have no effect.
    ignored: Vec<(String, String)>,
}

pub(crate) fn page() -> String {
    let root = bia_config::json_schema();
    let mut walk = Walk { root: &root, seen: BTreeMap::new(), out: INTRODUCTION.to_owned(), ignored: Vec::new() };
    walk.block("", &root, 0);
    let _ = writeln!(
        walk.out,
        "\n## Accepted, without effect\n\nThe file of a running Kratos may hold these; each is named in a warning at start where it matters.\n\n| Key | What it is |\n| --- | --- |"
    );
    for (path, meaning) in &walk.ignored {
        let _ = writeln!(walk.out, "| `{path}` | {} |", cell(meaning));
    }
    walk.out
}

impl<'s> Walk<'s> {
    /// The definition behind references, and its name.
    fn resolve(&self, mut node: &'s Value) -> (&'s Value, Option<&'s str>) {
        let mut name = None;
        for _ in 0..8 {
            let reference = node.get("$ref").or_else(|| node.pointer("/allOf/0/$ref")).and_then(Value::as_str);
            let Some(found) = reference else { break };
            name = found.rsplit('/').next();
            node = self.root.pointer(found.trim_start_matches('#')).unwrap_or(&Value::Null);
        }
        (node, name)
    }

    /// The keys of a block, `then` of a hook's `config` included.
    fn keys(&self, node: &'s Value) -> Vec<(&'s str, &'s Value)> {
        let of = |pointer: &str| node.pointer(pointer).and_then(Value::as_object).into_iter().flat_map(Map::iter);
        let then: Vec<_> = of("/then/properties").map(|(key, child)| (key.as_str(), child)).collect();
        let own = of("/properties").filter(|(key, _)| !then.iter().any(|(other, _)| other == key));
        own.map(|(key, child)| (key.as_str(), child)).chain(then.iter().copied()).collect()
    }

    fn block(&mut self, path: &str, node: &'s Value, depth: usize) {
        let mut rows = String::new();
        let mut blocks = Vec::new();
        for (key, child) in self.keys(node) {
            let full = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            let (target, name) = self.resolve(child);
            let meaning = description(child).or_else(|| description(target)).unwrap_or_default();
            // What is there for the sake of Kratos' files alone says so first.
            if ["Kratos' ", "Mirror of", "CockroachDB"].iter().any(|start| meaning.starts_with(start)) {
                self.ignored.push((full, meaning));
                continue;
            }
            let star = if child["x-bia"] == true { " ★" } else { "" };
            let (inner, name, suffix) = self.entry(target, name);
            if !self.has_table(inner) {
                let _ =
                    writeln!(rows, "| `{key}`{star} | {} | {} |", kind(self.resolve(inner).0, target), cell(&meaning));
                continue;
            }
            let inner_path = format!("{full}{suffix}");
            match name.and_then(|name| self.seen.get(name)) {
                Some(elsewhere) => {
                    let _ = writeln!(
                        rows,
                        "| `{key}`{star} | as [`{elsewhere}`](#{}) | {} |",
                        slug(elsewhere),
                        cell(&meaning)
                    );
                }
                None => {
                    let _ = writeln!(
                        rows,
                        "| `{key}`{star} | [`{inner_path}`](#{}) | {} |",
                        slug(&inner_path),
                        cell(&meaning)
                    );
                    if let Some(name) = name {
                        self.seen.insert(name, inner_path.clone());
                    }
                    blocks.push((inner_path, inner));
                }
            }
        }
        if !rows.is_empty() {
            let title = if path.is_empty() {
                "## The whole file".to_owned()
            } else {
                format!("{} `{path}`", if depth == 1 { "##" } else { "###" })
            };
            let _ = write!(self.out, "\n{title}\n\n| Key | Value | Meaning |\n| --- | --- | --- |\n{rows}");
        }
        for (path, inner) in blocks {
            self.block(&path, inner, depth + 1);
        }
    }

    /// What a list or a map holds, with the mark of its path.
    fn entry(&self, node: &'s Value, name: Option<&'s str>) -> (&'s Value, Option<&'s str>, &'static str) {
        for (key, suffix) in [("items", "[]"), ("additionalProperties", ".*")] {
            if let Some(inner) = node.get(key).filter(|inner| inner.is_object()) {
                let (inner, name) = self.resolve(inner);
                return (inner, name, suffix);
            }
        }
        (node, name, "")
    }

    /// Whether a block gets a table: those of free form, such as request parameters, describe nothing.
    fn has_table(&self, node: &'s Value) -> bool {
        self.keys(node).iter().any(|(_, child)| description(child).is_some())
    }
}

fn description(node: &Value) -> Option<String> {
    node["description"].as_str().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Values in a word, or all of them.
fn kind(inner: &Value, outer: &Value) -> String {
    let list = |values: &Vec<Value>| {
        values
            .iter()
            .map(|value| format!("`{}`", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let one = match (&inner["enum"], &inner["type"]) {
        (Value::Array(values), _) => list(values),
        (_, Value::String(kind)) => word(kind).to_owned(),
        (_, Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).map(word).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    };
    match &outer["type"] {
        Value::String(kind) if kind == "array" => format!("list: {one}"),
        Value::String(kind) if kind == "object" && outer["additionalProperties"].is_object() => {
            format!("names, each with: {one}")
        }
        _ => one,
    }
}

fn word(kind: &str) -> &str {
    match kind {
        "string" => "text",
        "integer" => "whole number",
        "boolean" => "`true`, `false`",
        "object" => "block",
        "array" => "list",
        other => other,
    }
}

/// Text inside of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// The anchor of a heading.
pub(crate) fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}
