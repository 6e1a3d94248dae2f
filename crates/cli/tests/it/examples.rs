//! What people copy has to work: every YAML file in `config/`, every YAML block in the documentation.

use crate::book::{Block, Page, pages};
use crate::support::{bia, root, run};
use std::path::{Path, PathBuf};

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("entry").path());
    paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect()
}

#[test]
fn every_example_configuration_loads() {
    let found = files(&root().join("config"), ".yml");
    assert!(found.len() >= 2, "{found:?}");
    for path in found {
        let text = std::fs::read_to_string(&path).expect("file");
        // `bia dev` copies its files beside each other; `bia serve` is started in the repository.
        let config = format!("://{}/config/", root().display());
        let text = text.replace("://.bia/", &config).replace("://config/", &config);
        let loaded =
            bia_config::load_text(&path, &text).unwrap_or_else(|errors| panic!("{}: {errors}", path.display()));
        assert!(!loaded.config.providers().is_empty(), "{}", path.display());
    }
}

#[test]
fn the_example_has_nothing_to_be_said_against_but_its_gap_and_kratos_reads_it_too() {
    let check = |more: &[&str], secret: Option<&str>| {
        let mut command = bia(&root());
        command.args(["config", "check", "-c", "config/kratos.yml"]).args(more);
        // As the README has it.
        command.envs(secret.map(|secret| ("SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_0_CLIENT_SECRET", secret)));
        run(&mut command)
    };
    let (code, out, _) = check(&["--strict", "--for", "kratos"], Some("a-value~of.the-secret"));
    assert_eq!(code, 0, "{out}");
    let (code, out, _) = check(&[], None);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("client_secret (config/kratos.yml:") && out.contains("is a placeholder"), "{out}");
    assert!(out.contains("0 error(s), 1 advice, 0 warning(s)") && !out.contains("replace-me"), "{out}");
}

/// A block is a whole file, or a part of one that is laid over a minimal file.
const MINIMAL: &str = "dsn: memory
identity: { schemas: [{ id: default, url: 'base64://e30=' }] }
selfservice: { default_browser_return_url: 'https://app.example.com/' }
";

/// Providers may be shown without what every provider needs.
fn complete(block: &str) -> String {
    let mut value: serde_yaml::Value = serde_yaml::from_str(block).expect("YAML");
    let mut at = Some(&mut value);
    for key in ["selfservice", "methods", "oidc", "config", "providers"] {
        at = at.and_then(|value| value.get_mut(key));
    }
    for provider in at.and_then(serde_yaml::Value::as_sequence_mut).into_iter().flatten() {
        let provider = provider.as_mapping_mut().expect("provider");
        let has = |provider: &serde_yaml::Mapping, key: &str| provider.contains_key(key);
        let borrows = has(provider, "credentials_from");
        let microsoft = provider.get("microsoft").cloned().unwrap_or_default();
        let proves_itself = borrows
            || ["client_secret_file", "client_secrets"].iter().any(|key| has(provider, key))
            || ["client_certificate", "federated_token_file"].iter().any(|key| microsoft.get(key).is_some());
        let defaults = [
            ("mapper_url", "base64://e30=", false),
            ("client_id", "00001111-aaaa-2222-bbbb-3333cccc4444", borrows),
            ("client_secret", "shown-elsewhere", proves_itself),
        ];
        for (key, text, needless) in defaults {
            if !needless && !has(provider, key) {
                provider.insert(key.into(), text.into());
            }
        }
    }
    serde_yaml::to_string(&value).expect("YAML")
}

/// Comments alone configure nothing.
fn has_keys(block: &Block) -> bool {
    !serde_yaml::from_str::<serde_yaml::Value>(&block.text).expect("YAML").is_null()
}

#[test]
fn every_yaml_block_in_the_documentation_loads() {
    let blocks: Vec<Block> =
        pages().iter().flat_map(Page::blocks).filter(|block| block.info == "yaml").filter(has_keys).collect();
    for block in &blocks {
        let name = PathBuf::from(format!("{}.line-{}.yml", block.page, block.line + 1));
        let texts = vec![(PathBuf::from("minimal.yml"), MINIMAL.to_owned()), (name, complete(&block.text))];
        let extra_hooks = &["greeter", "domain_gate", "company_policy"];
        if let Err(errors) = bia_config::load(bia_config::LoadInput { texts, extra_hooks, ..Default::default() }) {
            panic!("{errors}");
        }
    }
    assert!(blocks.len() >= 12, "only {} blocks were found", blocks.len());
}
