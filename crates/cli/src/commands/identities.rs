//! `bia list|get|import|delete|validate identities`, over the admin API of a running server.

use super::client::{Client, cell};
use crate::args::{DeleteCommand, GetCommand, ImportCommand, ListCommand, ValidateCommand};
use crate::output;
use anyhow::{Context as _, bail, ensure};
use bia_model::identity_schema::{IdentitySchema, SchemaOptions, admin_reason};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use url::form_urlencoded::byte_serialize;

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

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

pub(crate) async fn list(
    ListCommand::Identities { page_size, page_token, client, .. }: ListCommand,
) -> anyhow::Result<ExitCode> {
    let client = Client::new(client)?;
    let token = page_token.as_deref().map(|token| format!("&page_token={}", encoded(token))).unwrap_or_default();
    let path = format!("/admin/identities?page_size={}{token}", page_size.unwrap_or(250));
    let answer = client.send(client.get(&path)).await?;
    let identities: Value = answer.json()?;
    let next = answer.header("link").and_then(next_token).unwrap_or_default();
    if client.is_table() {
        client.print(&identities, &HEADER, columns)?;
        output::line(format_args!("\nNEXT PAGE TOKEN  {next}"));
    } else {
        let whole = json!({ "identities": identities, "next_page_token": next });
        client.print(&whole, &HEADER, |page| {
            let ids = page["identities"].as_array().map(Vec::as_slice).unwrap_or_default();
            vec![ids.iter().map(|identity| cell(identity, "/id")).collect::<Vec<_>>().join("\n")]
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The `page_token` of the link to the next page.
fn next_token(link: &str) -> Option<String> {
    let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    let url = next.split_once('<')?.1.split_once('>')?.0;
    let query = url.split_once('?')?.1;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "page_token")
        .map(|(_, value)| value.into_owned())
}

pub(crate) async fn get(
    GetCommand::Identity { ids, include_credentials, client }: GetCommand,
) -> anyhow::Result<ExitCode> {
    let client = Client::new(client)?;
    if let Some(other) = include_credentials.iter().find(|kind| *kind != "oidc") {
        bail!("--include-credentials {other}: only `oidc` credentials can be shown");
    }
    let query = if include_credentials.is_empty() { "" } else { "?include_credential=oidc" };
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for id in &ids {
        match client.send(client.get(&format!("/admin/identities/{}{query}", encoded(id)))).await {
            Ok(answer) => found.push(answer.json::<Value>()?),
            Err(error) => failures.push(format!("{id}: {error:#}")),
        }
    }
    print_each(&client, found)?;
    Ok(report(&failures))
}

/// One is printed as itself, several as a list.
fn print_each(client: &Client, mut found: Vec<Value>) -> anyhow::Result<()> {
    match found.len() {
        0 => Ok(()),
        1 => client.print(&found.remove(0), &HEADER, columns),
        _ => client.print(&Value::Array(found), &HEADER, columns),
    }
}

fn report(failures: &[String]) -> ExitCode {
    failures.iter().for_each(output::note);
    super::code(failures.is_empty())
}

pub(crate) async fn import(ImportCommand::Identities { files, client }: ImportCommand) -> anyhow::Result<ExitCode> {
    let client = Client::new(client)?;
    let (mut made, mut failures) = (Vec::new(), Vec::new());
    for (name, body) in bodies(&files)? {
        match client.send(client.post("/admin/identities", &body)).await {
            Ok(answer) => made.push(answer.json::<Value>()?),
            Err(error) => failures.push(format!("{name}: {error:#}")),
        }
    }
    print_each(&client, made)?;
    Ok(report(&failures))
}

pub(crate) async fn delete(DeleteCommand::Identity { ids, client }: DeleteCommand) -> anyhow::Result<ExitCode> {
    let client = Client::new(client)?;
    let mut failures = Vec::new();
    for id in &ids {
        match client.send(client.delete(&format!("/admin/identities/{}", encoded(id)))).await {
            Ok(_) => output::line(id),
            Err(error) => failures.push(format!("{id}: {error:#}")),
        }
    }
    Ok(report(&failures))
}

pub(crate) async fn validate(ValidateCommand::Identity { files, client }: ValidateCommand) -> anyhow::Result<ExitCode> {
    let client = Client::new(client)?;
    let mut failures = Vec::new();
    for (name, body) in bodies(&files)? {
        match check(&client, &body).await {
            Ok(()) => output::line(format_args!("{name}: valid")),
            Err(error) => failures.push(format!("{name}: {error:#}")),
        }
    }
    Ok(report(&failures))
}

async fn check(client: &Client, body: &Value) -> anyhow::Result<()> {
    let id = body["schema_id"].as_str().context("`schema_id` is missing; it names the schema to check against")?;
    ensure!(body["traits"].is_object(), "`traits` is missing or no object");
    let schema: Value = client.send(client.get(&format!("/schemas/{}", encoded(id)))).await?.json()?;
    let schema = IdentitySchema::parse(id, schema, SchemaOptions::default())?;
    let errors = schema.validate(&body["traits"]);
    ensure!(errors.is_empty(), "{}", admin_reason(&errors));
    Ok(())
}

/// The bodies in the files, or on standard input, each with a name for messages.
fn bodies(files: &[PathBuf]) -> anyhow::Result<Vec<(String, Value)>> {
    let mut all = Vec::new();
    let mut add = |name: &str, text: &str| -> anyhow::Result<()> {
        let value: Value = serde_json::from_str(text).with_context(|| format!("{name} is not JSON"))?;
        match value {
            Value::Array(list) => {
                all.extend(list.into_iter().enumerate().map(|(index, body)| (format!("{name}[{index}]"), body)))
            }
            one => all.push((format!("{name}[0]"), one)),
        }
        Ok(())
    };
    if files.is_empty() {
        let mut text = String::new();
        std::io::stdin().lock().take(FILE_BYTES_MAX).read_to_string(&mut text)?;
        add("STD_IN", &text)?;
    }
    for file in files {
        add(
            &file.display().to_string(),
            &std::fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?,
        )?;
    }
    Ok(all)
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
