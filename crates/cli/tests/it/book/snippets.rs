//! Fenced blocks that are no shell: each language has its check, and one without a check fails.

use super::{Block, Page, pages};
use crate::support::{bia, root, run};
use std::path::PathBuf;

fn blocks() -> Vec<Block> {
    pages().iter().flat_map(Page::blocks).collect()
}

/// What is wrong with a block; `None` for those that another test holds.
fn problem(block: &Block) -> Option<String> {
    match (block.language(), block.mark("of"), block.mark("file")) {
        ("", ..) => Some("says not what it is; `text` if nothing can check it".to_owned()),
        (_, Some(file), _) => not_in_file(block, file),
        (_, _, Some(_)) | ("text" | "sh" | "bash", ..) => None,
        ("yaml", ..) => yaml(block),
        ("json", ..) => serde_json::from_str::<serde_json::Value>(&block.text).err().map(|error| error.to_string()),
        ("jsonnet", ..) => jsonnet(block),
        ("html", ..) if block.mark("template").is_some() => None,
        (other, ..) => {
            Some(format!("`{other}` has no check: name the file that it is part of, `{other} of=contrib/…`"))
        }
    }
}

fn yaml(block: &Block) -> Option<String> {
    let value: serde_yaml::Value = match serde_yaml::from_str(&block.text) {
        Ok(value) => value,
        Err(error) => return Some(error.to_string()),
    };
    match block.info.split_once(' ').map(|(_, rest)| rest) {
        // A whole configuration or a part of one: `examples.rs` loads it.
        None => None,
        Some("provider") => provider(value),
        Some(other) => Some(format!("`yaml {other}` says not how it is checked")),
    }
}

/// Part of a provider's entry, laid over one that is sound.
fn provider(part: serde_yaml::Value) -> Option<String> {
    let mut entry: serde_yaml::Mapping = serde_yaml::from_str(
        "{ id: microsoft, provider: microsoft, microsoft_tenant: 8eaef023-2b34-4da1-9baa-8bc8c9d6a490, mapper_url: 'base64://e30=', \
         client_id: 7e57c11e-0000-4000-8000-000000000001, scope: [profile, email, offline_access, User.Read] }",
    )
    .expect("YAML");
    let own = part.as_mapping()?;
    let is_proof =
        |key: &str| own.contains_key(key) || own.get("microsoft").is_some_and(|ours| ours.get(key).is_some());
    if !["client_secret", "client_secrets", "client_secret_file", "client_certificate", "federated_token_file"]
        .into_iter()
        .any(is_proof)
    {
        entry.insert("client_secret".into(), "shown-elsewhere".into());
    }
    entry.extend(own.clone());
    let mut config: serde_yaml::Value = serde_yaml::from_str(
        "{ dsn: memory, identity: { schemas: [{ id: default, url: 'base64://e30=' }] }, selfservice: { default_browser_return_url: \
         'https://app.example.com/', methods: { oidc: { enabled: true, config: { providers: [] } } } } }",
    )
    .expect("YAML");
    config["selfservice"]["methods"]["oidc"]["config"]["providers"] = serde_yaml::Value::Sequence(vec![entry.into()]);
    let text = serde_yaml::to_string(&config).expect("YAML");
    bia_config::load_text(PathBuf::from("snippet.yml"), &text).err().map(|errors| errors.to_string())
}

fn jsonnet(block: &Block) -> Option<String> {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("snippet.jsonnet"), &block.text).expect("written");
    let (code, _, err) = run(bia(folder.path()).args(["jsonnet", "format", "snippet.jsonnet"]));
    (code != 0).then_some(err)
}

/// The lines of a block one after the other in a file, whatever their indentation.
fn not_in_file(block: &Block, file: &str) -> Option<String> {
    let Ok(text) = std::fs::read_to_string(root().join(file)) else { return Some(format!("{file} can't be read")) };
    let lines =
        |text: &str| text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (wanted, there) = (lines(&block.text), lines(&text));
    (!there.windows(wanted.len().max(1)).any(|part| part == wanted)).then(|| format!("is not (any more) in {file}"))
}

#[test]
fn every_fenced_block_is_checked() {
    let blocks = blocks();
    let wrong: Vec<String> =
        blocks.iter().filter_map(|block| Some(format!("{}: {}", block.place(), problem(block)?))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(blocks.len() > 60, "only {} blocks were found", blocks.len());
}

#[test]
fn blocks_that_are_wrong_are_found() {
    let block = |info: &str, text: &str| Block {
        page: "x.md".to_owned(),
        line: 1,
        info: info.to_owned(),
        text: text.to_owned(),
    };
    for (info, text) in [
        ("", "anything"),
        ("json", "{"),
        ("jsonnet", "{ a: "),
        ("yaml", "a: [b"),
        ("yaml provider", "microsoft_tennant: x"),
        ("yaml something", "a: b"),
        ("nginx", "listen 80;"),
        ("toml of=Cargo.toml", "nobody wrote this"),
    ] {
        assert!(problem(&block(info, text)).is_some(), "{info}: {text}");
    }
    for (info, text) in [
        ("json", "{}"),
        ("jsonnet", "{ a: 1 }"),
        ("yaml provider", "recheck: 15m"),
        ("toml of=Cargo.toml", "[workspace]\nresolver = \"3\""),
    ] {
        assert_eq!(problem(&block(info, text)), None, "{info}: {text}");
    }
}

/// Editors complete a `kratos.yml` only when its first line says by which schema.
#[test]
fn every_example_configuration_names_its_schema() {
    let mut found = Vec::new();
    for folder in ["config", "contrib"] {
        collect(&root().join(folder), &mut found);
    }
    assert!(found.len() >= 2, "{found:?}");
    for path in found {
        let text = std::fs::read_to_string(&path).expect("file");
        assert!(text.starts_with("# yaml-language-server: $schema="), "{} lacks its first line", path.display());
    }
}

/// Files that are a configuration of ours.
fn collect(folder: &std::path::Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("kratos.yml")) {
            found.push(path);
        }
    }
}
