//! Kratos' environment rule: a variable's name, in lower case and with dots for underscores, is the path of a key whose
//! own underscores are read as dots, too. `SERVE_PUBLIC_BASE_URL` sets `serve.public.base_url`.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::Value;

use super::file::json_fault;
use super::layers::{Layer, Origin, is_index};
use super::marks::{self, Marks};
use crate::cookies::go_bool;
use crate::finding::{Finding, KeyPath, Location};
use crate::schema;

/// How the text of a variable is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    Texts,
    Json,
}

/// Keys by the dotted form of their variable's name; `#` stands for the number of a list item.
fn keys() -> &'static HashMap<String, (Vec<String>, Kind)> {
    static KEYS: OnceLock<HashMap<String, (Vec<String>, Kind)>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut keys = HashMap::new();
        schema::each_key(&mut |path, node| {
            let name = path.join(".").replace('_', ".");
            // Kratos: of two keys with one variable, the first in the schema wins.
            keys.entry(name).or_insert_with(|| (path.to_vec(), kind(node)));
        });
        keys
    })
}

fn kind(node: &Value) -> Kind {
    match node.get("type").and_then(Value::as_str) {
        Some("integer") => Kind::Integer,
        Some("number") => Kind::Number,
        Some("boolean") => Kind::Boolean,
        Some("array") if schema::item_type(node).as_deref() == Some("string") => Kind::Texts,
        Some("array" | "object") => Kind::Json,
        _ => Kind::Text,
    }
}

/// What the environment sets, lists and blocks before single items, and what is wrong with it.
#[derive(Default)]
pub(super) struct Variables {
    pub(super) layers: Vec<Layer>,
    pub(super) errors: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
}

pub(super) fn read(env: &[(String, String)]) -> Variables {
    let mut variables = Variables::default();
    for (name, text) in env {
        if let Some((path, kind)) = find(name) {
            match value(name, text, &path, kind) {
                Ok(Some((value, marks))) => {
                    variables.layers.push(Layer { origin: Origin::Variable(name.clone()), at: path, value, marks });
                }
                Ok(None) => variables.warnings.push(ignored(name, path)),
                Err(error) => variables.errors.push(*error),
            }
        }
    }
    // Whole blocks first, then what lies inside them; items of one list in their order, so that it can grow.
    variables.layers.sort_by_key(|layer| {
        let numbers: Vec<u64> =
            layer.at.parts().iter().filter(|part| is_index(part)).filter_map(|part| part.parse().ok()).collect();
        (numbers.len(), numbers, layer.at.parts().len())
    });
    variables
}

/// The key that a variable names.
fn find(name: &str) -> Option<(KeyPath, Kind)> {
    let dotted = name.to_lowercase().replace('_', ".");
    if let Some((path, kind)) = keys().get(&dotted) {
        return Some((KeyPath::from(path.clone()), *kind));
    }
    let numbers: Vec<&str> = dotted.split('.').filter(|part| is_index(part)).collect();
    if numbers.is_empty() {
        return None;
    }
    let pattern: Vec<&str> = dotted.split('.').map(|part| if is_index(part) { "#" } else { part }).collect();
    let (path, kind) = keys().get(&pattern.join("."))?;
    let mut numbers = numbers.into_iter();
    let path: Vec<String> = path
        .iter()
        .map(|part| if part == "#" { numbers.next().unwrap_or("0").to_owned() } else { part.clone() })
        .collect();
    Some((KeyPath::from(path), *kind))
}

type Read = Result<Option<(Value, Marks)>, Box<Finding>>;

fn value(name: &str, text: &str, path: &KeyPath, kind: Kind) -> Read {
    let plain = |value: Value| Ok(Some((value, Marks::default())));
    let expected = |what: &str| {
        Err(Box::new(
            Finding::error("variable_type", path.clone(), format!("expected {what}")).at(Location::Variable {
                name: name.to_owned(),
                line: 0,
                column: 0,
            }),
        ))
    };
    match kind {
        Kind::Text => plain(Value::from(text)),
        Kind::Integer => {
            text.trim().parse::<i64>().map_or_else(|_| expected("a whole number"), |number| plain(number.into()))
        }
        Kind::Number => text.trim().parse::<f64>().map_or_else(|_| expected("a number"), |number| plain(number.into())),
        Kind::Boolean => {
            go_bool(text.trim()).map_or_else(|| expected("`true` or `false`"), |value| plain(value.into()))
        }
        Kind::Texts if !text.trim_start().starts_with('[') => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from);
            plain(items.collect::<Vec<_>>().into())
        }
        // Many systems set words such as SESSION or LOG for purposes of their own.
        Kind::Json if path.parts().len() == 1 && !text.trim_start().starts_with(['{', '[']) => Ok(None),
        Kind::Texts | Kind::Json => json(name, text, path),
    }
}

fn json(name: &str, text: &str, path: &KeyPath) -> Read {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => Ok(Some((value, marks::of_yaml(text)))),
        Err(error) => {
            let message = format!("is not valid JSON: {}", json_fault(&error));
            Err(Box::new(
                Finding::error("variable_json", path.clone(), message)
                    .help("Kratos would read it as nothing at all. Check quotes and brackets, and how the shell passes them on.")
                    .at(Location::Variable { name: name.to_owned(), line: error.line(), column: error.column() }),
            ))
        }
    }
}

fn ignored(name: &str, path: KeyPath) -> Finding {
    Finding::warning("variable_ignored", path, "holds no JSON, so it is taken for a variable of another program")
        .help("Kratos would refuse to start. Unset it, or give it JSON.")
        .at(Location::Variable { name: name.to_owned(), line: 0, column: 0 })
}
