//! `bia list|get|import|delete|validate identities`, over the admin API of a running server.

use super::client::{Client, Columns, cell};
use crate::args::{self, DeleteCommand, GetCommand, ListCommand, ValidateCommand};
use crate::output;
use anyhow::{Context as _, bail, ensure};
use bia_identity::admin::CreateIdentityBody;
use bia_model::identity_schema::{IdentitySchema, SchemaOptions, admin_reason};
use bia_moving::encoded;
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Largest file of identities.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
const HEADER: [&str; 6] = ["ID", "EXTERNAL ID", "VERIFIED ADDRESSES", "RECOVERY ADDRESSES", "SCHEMA ID", "SCHEMA URL"];

fn columns(identity: &Value) -> Vec<String> {
    let addresses = |key: &str| {
        let list = identity[key].as_array().map(Vec::as_slice).unwrap_or_default();
        let values: Vec<&str> = list.iter().filter_map(|address| address["value"].as_str()).collect();
        if values.is_empty() { "<none>".to_owned() } else { values.join(", ") }
    };
    vec![
        cell(identity, "/id"),
        cell(identity, "/external_id"),
        addresses("verifiable_addresses"),
        addresses("recovery_addresses"),
        cell(identity, "/schema_id"),
        cell(identity, "/schema_url"),
    ]
}

pub(crate) async fn list(
    ListCommand::Identities { page_size, page_token, client, .. }: ListCommand,
) -> anyhow::Result<ExitCode> {
    let client = Client::new(client)?;
    let token = page_token.as_deref().map(|token| format!("&page_token={}", encoded(token))).unwrap_or_default();
    let path = format!("/admin/identities?page_size={page_size}{token}");
    let answer = client.send(client.get(&path)).await?;
    let identities: Value = answer.json()?;
    let next = answer.header("link").and_then(next_token).unwrap_or_default();
    let rows = identities.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(columns).collect();
    let whole = json!({ "identities": identities, "next_page_token": next });
    client.print_table(&whole, &HEADER, rows)?;
    if client.is_table() {
        output::line(format_args!("\t\nNEXT PAGE TOKEN\t{next}\t"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The `page_token` of the link to the next page.
fn next_token(link: &str) -> Option<String> {
    let query = bia_moving::next_page(link)?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "page_token").map(|(_, value)| value.into_owned())
}

pub(crate) async fn get(
    GetCommand::Identity { ids, external_id, include_credentials, client }: GetCommand,
) -> anyhow::Result<ExitCode> {
    let client = Client::new(client)?;
    if let Some(other) = include_credentials.iter().find(|kind| *kind != "oidc") {
        bail!("--include-credentials {other}: only `oidc` credentials can be shown");
    }
    let folder = if external_id { "by/external/" } else { "" };
    let query = if include_credentials.is_empty() { "" } else { "?include_credential=oidc" };
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for id in &ids {
        match client.send(client.get(&format!("/admin/identities/{folder}{}{query}", encoded(id)))).await {
            Ok(answer) => found.push(answer.json::<Value>()?),
            Err(error) => failures.push(format!("{id}: {error:#}")),
        }
    }
    if !found.is_empty() {
        print_each(&client, found, &HEADER, columns)?;
    }
    Ok(report(&failures))
}

/// One is printed as itself, any other number as a list.
fn print_each(client: &Client, mut found: Vec<Value>, header: &[&str], columns: Columns) -> anyhow::Result<()> {
    if let [_] = found.as_slice() {
        return client.print(&found.remove(0), header, columns);
    }
    let rows = found.iter().map(columns).collect();
    client.print_table(&Value::Array(found), header, rows)
}

fn report(failures: &[String]) -> ExitCode {
    failures.iter().for_each(output::note);
    super::code(failures.is_empty())
}

pub(crate) async fn import(files: Vec<PathBuf>, client: args::Client) -> anyhow::Result<ExitCode> {
    let client = Client::new(client)?;
    let (mut made, mut failures) = (Vec::new(), Vec::new());
    for (name, body) in bodies(&files)? {
        match client.send(client.post("/admin/identities", &body)).await {
            Ok(answer) => made.push(answer.json::<Value>()?),
            Err(error) => failures.push(format!("{name}: {error:#}")),
        }
    }
    print_each(&client, made, &HEADER, columns)?;
    Ok(report(&failures))
}

pub(crate) async fn delete(DeleteCommand::Identity { ids, client }: DeleteCommand) -> anyhow::Result<ExitCode> {
    let client = Client::new(client)?;
    let mut deleted = Vec::new();
    let mut failures = Vec::new();
    for id in &ids {
        match client.send(client.delete(&format!("/admin/identities/{}", encoded(id)))).await {
            Ok(_) => deleted.push(json!(id)),
            Err(error) => failures.push(format!("{id}: {error:#}")),
        }
    }
    if !deleted.is_empty() {
        print_each(&client, deleted, &["ID"], |id| vec![cell(id, "")])?;
    }
    Ok(report(&failures))
}

pub(crate) async fn validate(ValidateCommand::Identity { files, client }: ValidateCommand) -> anyhow::Result<ExitCode> {
    let client = Client::new(client)?;
    let mut failures = Vec::new();
    for (name, body) in bodies(&files)? {
        match check(&client, &body).await {
            Ok(()) => {}
            Err(error) => failures.push(format!("{name}: {error:#}")),
        }
    }
    if failures.is_empty() {
        output::line("All identity files are valid.");
    }
    Ok(report(&failures))
}

async fn check(client: &Client, body: &Value) -> anyhow::Result<()> {
    // As strict as the API: a key with a typo would be lost otherwise.
    if let Err(error) = serde_json::from_value::<CreateIdentityBody>(body.clone()) {
        bail!("not a body of `POST /admin/identities`: {}", without_values(&error));
    }
    let id = body["schema_id"].as_str().context("`schema_id` is missing; it names the schema to check against")?;
    ensure!(body["traits"].is_object(), "`traits` is missing or no object");
    let schema: Value = client.send(client.get(&format!("/schemas/{}", encoded(id)))).await?.json()?;
    let schema = IdentitySchema::parse(id, schema, SchemaOptions::default())?;
    let errors = schema.validate(&body["traits"]);
    ensure!(errors.is_empty(), "{}", admin_reason(&errors));
    Ok(())
}

/// serde quotes what it found where it expected something else; the names of keys are enough.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
        Some(key) => format!("unknown key `{key}`"),
        None => "a value does not have the expected type".to_owned(),
    }
}

/// The bodies in the files, or on standard input, each with a name for messages: one, a list, or one after the other.
fn bodies(files: &[PathBuf]) -> anyhow::Result<Vec<(String, Value)>> {
    let mut all = Vec::new();
    let mut add = |name: &str, text: &str| -> anyhow::Result<()> {
        let mut index = 0;
        for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            let value = value.map_err(|error| {
                anyhow::anyhow!("{name} is not JSON: line {}, column {}", error.line(), error.column())
            })?;
            let bodies = if let Value::Array(list) = value { list } else { vec![value] };
            for body in bodies {
                all.push((format!("{name}[{index}]"), body));
                index += 1;
            }
        }
        Ok(())
    };
    if files.is_empty() {
        add("STD_IN", &read(std::io::stdin().lock()).context("STD_IN can't be read")?)?;
    }
    for file in files {
        let unreadable = || format!("{} can't be read", file.display());
        add(
            &file.display().to_string(),
            &read(std::fs::File::open(file).with_context(unreadable)?).with_context(unreadable)?,
        )?;
    }
    Ok(all)
}

fn read(from: impl std::io::Read) -> anyhow::Result<String> {
    let mut text = String::new();
    let size = from.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)? as u64;
    ensure!(size <= FILE_BYTES_MAX, "more than {} MiB at once; cut it into several files", FILE_BYTES_MAX >> 20);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_token_is_read_from_the_link_header() {
        let link = "</admin/identities?page_size=2>; rel=\"first\", <http://x/admin/identities?page_size=2&page_token=a%2Bb>; rel=\"next\"";
        assert_eq!(next_token(link).as_deref(), Some("a+b"));
        assert_eq!(next_token("</x?page_token=a>; rel=\"first\""), None);
    }
}
