//! Talking to the admin port of a running server, and printing what it said in the formats of Kratos' command line.

use crate::args::Client as Args;
use crate::output;
use anyhow::{Context as _, bail};
use bia_outbound::{Answer, Call, Outbound, Policy};
use serde_json::Value;

/// A page of a thousand identities with long traits.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One server.
pub(crate) struct Client {
    outbound: Outbound,
    endpoint: String,
    args: Args,
}

/// How a thing looks in a table: its columns.
pub(crate) type Columns = fn(&Value) -> Vec<String>;

impl Client {
    pub(crate) fn new(args: Args) -> anyhow::Result<Self> {
        let Some(endpoint) = args.endpoint.as_deref().filter(|endpoint| !endpoint.is_empty()) else {
            bail!(
                "which server? Set --endpoint, or KRATOS_ADMIN_URL, to the address of its admin port, such as http://127.0.0.1:4434"
            );
        };
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        Ok(Self { outbound: Outbound::new(Policy::default())?, endpoint, args })
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.outbound.get(format!("{}{path}", self.endpoint)).limit(ANSWER_BYTES_MAX).redirects(3)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Call {
        self.outbound.post(format!("{}{path}", self.endpoint)).limit(ANSWER_BYTES_MAX).json(body)
    }

    pub(crate) fn delete(&self, path: &str) -> Call {
        self.outbound.call("DELETE".parse().unwrap_or_default(), format!("{}{path}", self.endpoint))
    }

    /// Sends, and turns an answer that is none into the server's own reason.
    pub(crate) async fn send(&self, call: Call) -> anyhow::Result<Answer> {
        let answer = call.send().await.context("the server can't be asked")?;
        if answer.is_success() {
            return Ok(answer);
        }
        let body: Value = answer.json().unwrap_or_default();
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        bail!("{} answered {}: {} {}", answer.place(), answer.status, text("/error/message"), text("/error/reason"))
    }

    /// Prints one thing; in a table its columns stand below each other.
    pub(crate) fn print(&self, value: &Value, header: &[&str], columns: Columns) -> anyhow::Result<()> {
        let cells = columns(value);
        if self.args.quiet {
            output::line(cells.first().map_or("", String::as_str));
            return Ok(());
        }
        match self.format() {
            "table" | "default" => {
                let rows: Vec<Vec<String>> =
                    header.iter().zip(cells).map(|(&name, cell)| vec![name.to_owned(), cell]).collect();
                table(&rows);
                Ok(())
            }
            format => formatted(value, format),
        }
    }

    /// Prints several things; `value` is what other formats than the table show.
    pub(crate) fn print_table(&self, value: &Value, header: &[&str], rows: Vec<Vec<String>>) -> anyhow::Result<()> {
        if self.args.quiet {
            rows.iter().filter_map(|row| row.first()).for_each(output::line);
            return Ok(());
        }
        match self.format() {
            "table" | "default" => {
                let header = header.iter().map(|&name| name.to_owned()).collect();
                table(&std::iter::once(header).chain(rows).collect::<Vec<_>>());
                Ok(())
            }
            format => formatted(value, format),
        }
    }

    fn format(&self) -> &str {
        if self.args.json { "json-pretty" } else { self.args.format.as_str() }
    }

    /// A line below a table, which other formats carry inside.
    pub(crate) fn is_table(&self) -> bool {
        !self.args.quiet && matches!(self.format(), "table" | "default")
    }
}

fn formatted(value: &Value, format: &str) -> anyhow::Result<()> {
    match format {
        "json" => output::line(value),
        "json-pretty" => output::json(value)?,
        "yaml" => output::raw(&serde_yaml::to_string(value)?),
        other => match other.split_once('=') {
            // Kratos: what a path leads to is printed as JSON, so that text keeps its quotes.
            Some(("jsonpath", path)) => output::json(&pick(value, path))?,
            Some(("jsonpointer", pointer)) => match value.pointer(pointer) {
                Some(found) => output::json(found)?,
                None => bail!("--format {other}: the pointer leads nowhere"),
            },
            _ => bail!(
                "--format {other}: expected table, json, json-pretty, yaml, jsonpath=<path> or jsonpointer=<pointer>"
            ),
        },
    }
    Ok(())
}

/// Kratos: cells are filled with tabs up to the next multiple of eight.
fn table(rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        (cells.map(|cell| cell.chars().count()).max().unwrap_or(0) + 1).next_multiple_of(8)
    };
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            line.push_str(cell);
            let tabs = (width(column) - cell.chars().count()).div_ceil(8);
            line.extend(std::iter::repeat_n('\t', tabs));
        }
        output::line(line);
    }
}

/// `a.b.0.c`, and `list.#.id` for one field of every item: the part of gjson's paths that scripts use.
fn pick(value: &Value, path: &str) -> Value {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    if first.is_empty() {
        return value.clone();
    }
    let below = match value {
        Value::Array(list) if first == "#" => {
            return match rest {
                None => list.len().into(),
                Some(rest) => list.iter().map(|item| pick(item, rest)).collect(),
            };
        }
        Value::Array(list) => first.parse().ok().and_then(|index: usize| list.get(index)),
        other => other.get(first),
    };
    match (below, rest) {
        (None, _) => Value::Null,
        (Some(found), None) => found.clone(),
        (Some(found), Some(rest)) => pick(found, rest),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The text at a pointer, or Kratos' sign for nothing.
pub(crate) fn cell(value: &Value, pointer: &str) -> String {
    let text = value.pointer(pointer).map(plain).unwrap_or_default();
    if text.is_empty() { "<none>".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_pick_fields_items_and_columns() {
        let value = json!({ "identities": [{ "id": "a" }, { "id": "b" }], "n": { "m": 1 } });
        for (path, expected) in [
            ("n.m", json!(1)),
            ("identities.1.id", json!("b")),
            ("identities.#.id", json!(["a", "b"])),
            ("identities.#", json!(2)),
            ("identities.9", Value::Null),
            ("no.where", Value::Null),
        ] {
            assert_eq!(pick(&value, path), expected, "{path}");
        }
    }
}
