//! Reads one configuration file: text to JSON value and positions, by the file's extension.

use std::path::Path;

use serde_json::{Map, Value};

use super::marks::{self, Marks};
use crate::finding::{Finding, KeyPath, Location};

/// Largest file that is read. Real files have some kilobytes; a device or a log file given by mistake has no end.
const SIZE_MAX: u64 = 4 << 20;

/// A file's content and where each key of it stands.
pub(super) struct Parsed {
    pub(super) value: Value,
    pub(super) marks: Marks,
}

pub(super) fn read(path: &Path) -> Result<Parsed, Box<Finding>> {
    use std::io::Read as _;

    let whole_file = Location::File { file: path.to_owned(), line: 0, column: 0 };
    let unreadable = |error: std::io::Error| {
        let message = format!("cannot read the file: {error}");
        let finding = Finding::error("unreadable_file", KeyPath::default(), message)
            .help("Check the path given with `-c`, and who may read the file.");
        Box::new(finding.at(whole_file.clone()))
    };
    check_extension(path)?;
    let mut text = String::new();
    std::fs::File::open(path).and_then(|file| file.take(SIZE_MAX + 1).read_to_string(&mut text)).map_err(unreadable)?;
    if text.len() as u64 > SIZE_MAX {
        let error =
            Finding::error("file_too_large", KeyPath::default(), "is larger than 4 MiB, which no configuration is");
        return Err(Box::new(error.at(whole_file)));
    }
    parse(path, &text)
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

fn check_extension(path: &Path) -> Result<(), Box<Finding>> {
    match extension(path) {
        "yaml" | "yml" | "json" | "toml" => Ok(()),
        other => {
            let dot = if other.is_empty() { "" } else { "." };
            // Kratos: the same words.
            let message = format!("unknown config file extension: {dot}{other}");
            let location = Location::File { file: path.to_owned(), line: 0, column: 0 };
            let finding = Finding::error("file_extension", KeyPath::default(), message)
                .help("Name the file `.yaml`, `.yml`, `.json` or `.toml`.");
            Err(Box::new(finding.at(location)))
        }
    }
}

/// Parses text as the file of that name would be.
pub(super) fn parse(path: &Path, text: &str) -> Result<Parsed, Box<Finding>> {
    check_extension(path)?;
    let fault = |message: String, line: usize, column: usize| {
        let file = path.to_owned();
        let finding = Finding::error("syntax", KeyPath::default(), message);
        Box::new(finding.at(Location::File { file, line, column }))
    };
    let syntax = |what: &str, message: String, line: usize, column: usize| {
        fault(format!("is not valid {what}: {message}"), line, column)
    };
    let parsed = match extension(path) {
        "json" => {
            let value = serde_json::from_str(text)
                .map_err(|error| syntax("JSON", json_fault(&error), error.line(), error.column()))?;
            Parsed { value, marks: marks::of_yaml(text) }
        }
        "toml" => toml_document(text).map_err(|(message, line, column)| syntax("TOML", message, line, column))?,
        _ => {
            let value = yaml_value(text).map_err(|error| {
                let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
                syntax("YAML", yaml_fault(&error.to_string()), line, column)
            })?;
            Parsed { value, marks: marks::of_yaml(text) }
        }
    };
    match parsed.value {
        Value::Object(_) => Ok(parsed),
        // Kratos: an empty file is an empty configuration, which then lacks its required keys.
        Value::Null => Ok(Parsed { value: Value::Object(Map::new()), marks: parsed.marks }),
        _ => Err(fault("expected keys and values at the top of the file".to_owned(), 1, 1)),
    }
}

/// What is wrong with a JSON text, in words that quote nothing of it.
pub(super) fn json_fault(error: &serde_json::Error) -> String {
    if error.is_eof() { "it ends too early".to_owned() } else { "a character that cannot stand there".to_owned() }
}

/// As `serde_yaml` says it, without the place, which is told beside it, and without a value.
fn yaml_fault(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or_default();
    match message.split_once("invalid type: ") {
        Some((at, _)) => format!("{at}a number beyond 64 bits; put it in quotes if it is meant as text"),
        None => message.to_owned(),
    }
}

fn yaml_value(text: &str) -> Result<Value, serde_yaml::Error> {
    let mut value: serde_yaml::Value = serde_yaml::from_str(text)?;
    value.apply_merge()?;
    Ok(yaml_to_json(value))
}

fn yaml_to_json(value: serde_yaml::Value) -> Value {
    use serde_yaml::Value as Yaml;
    match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_u64().map(Value::from))
            .or_else(|| number.as_f64().and_then(serde_json::Number::from_f64).map(Value::Number))
            .unwrap_or(Value::Null),
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(yaml_to_json).collect()),
        Yaml::Mapping(entries) => {
            Value::Object(entries.into_iter().map(|(key, value)| (yaml_key(&key), yaml_to_json(value))).collect())
        }
        Yaml::Tagged(tagged) => yaml_to_json(tagged.value),
    }
}

fn yaml_key(key: &serde_yaml::Value) -> String {
    match key {
        serde_yaml::Value::String(text) => text.clone(),
        serde_yaml::Value::Bool(value) => value.to_string(),
        serde_yaml::Value::Number(number) => number.to_string(),
        // Any other key is unknown to every schema, and is refused there.
        _ => "?".to_owned(),
    }
}

fn toml_document(text: &str) -> Result<Parsed, (String, usize, usize)> {
    let document = toml_edit::ImDocument::parse(text).map_err(|error| {
        let (line, column) = error.span().map_or((0, 0), |span| marks::line_and_column(text, span.start));
        (error.message().to_owned(), line, column)
    })?;
    let marks = marks::of_toml(text, document.as_item());
    Ok(Parsed { value: toml_to_json(document.as_item()), marks })
}

fn toml_to_json(item: &toml_edit::Item) -> Value {
    if let Some(table) = item.as_table_like() {
        return Value::Object(table.iter().map(|(key, item)| (key.to_owned(), toml_to_json(item))).collect());
    }
    match item {
        toml_edit::Item::ArrayOfTables(tables) => {
            Value::Array(tables.iter().map(|table| toml_to_json(&toml_edit::Item::Table(table.clone()))).collect())
        }
        toml_edit::Item::Value(toml_edit::Value::Array(items)) => {
            Value::Array(items.iter().map(|value| toml_to_json(&toml_edit::Item::Value(value.clone()))).collect())
        }
        toml_edit::Item::Value(toml_edit::Value::String(text)) => Value::String(text.value().clone()),
        toml_edit::Item::Value(toml_edit::Value::Integer(number)) => Value::from(*number.value()),
        toml_edit::Item::Value(toml_edit::Value::Float(number)) => {
            serde_json::Number::from_f64(*number.value()).map_or(Value::Null, Value::Number)
        }
        toml_edit::Item::Value(toml_edit::Value::Boolean(value)) => Value::Bool(*value.value()),
        toml_edit::Item::Value(toml_edit::Value::Datetime(time)) => Value::String(time.value().to_string()),
        _ => Value::Null,
    }
}
