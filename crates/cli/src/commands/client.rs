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

    /// Prints one thing or a list of them.
    pub(crate) fn print(&self, value: &Value, header: &[&str], columns: Columns) -> anyhow::Result<()> {
        let rows = || match value {
            Value::Array(list) => list.iter().map(columns).collect(),
            one => vec![columns(one)],
        };
        let format = if self.args.json { "json-pretty" } else { self.args.format.as_str() };
        if self.args.quiet {
            rows().iter().filter_map(|row: &Vec<String>| row.first()).for_each(output::line);
            return Ok(());
        }
        match format {
            "table" => table(header, &rows()),
            "json" => output::line(value),
            "json-pretty" => output::json(value)?,
            "yaml" => output::raw(&serde_yaml::to_string(value)?),
            other => match other.strip_prefix("jsonpath=").or_else(|| other.strip_prefix("jsonpointer=")) {
                Some(path) => output::line(plain(&pick(value, path))),
                None => bail!("--format {other}: expected table, json, json-pretty, yaml or jsonpath=<path>"),
            },
        }
        Ok(())
    }

    /// A line below a table, which other formats carry inside.
    pub(crate) fn is_table(&self) -> bool {
        !self.args.quiet && !self.args.json && self.args.format == "table"
    }
}

/// Columns under each other, two spaces apart.
fn table(header: &[&str], rows: &[Vec<String>]) {
    let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&header).chain(rows).collect();
    let width = |column: usize| {
        all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    for row in &all {
        let cells = row.iter().enumerate().map(|(column, cell)| format!("{cell:<width$}", width = width(column)));
        output::line(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// `a.b.0.c`, and `list.#.id` for one field of every item, as Kratos' `jsonpath` has it.
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
