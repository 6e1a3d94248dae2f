//! The crate at its own border: files and variables in, settings or findings out.

mod advice;
mod environment;
mod files;
mod kratos;
mod properties;
mod rate_limit;
mod refusals;
mod reload;
mod schema;

use bia_config::{ConfigErrors, Finding, LoadInput, Loaded, load};

/// A small configuration that loads without a word. Every secret in it contains `hunter2`.
pub(crate) const BASE: &str = include_str!("base.yml");

/// The base configuration with some of its text replaced.
pub(crate) fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(BASE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the base configuration has no {from:?}");
        text.replacen(from, to, 1)
    })
}

pub(crate) fn load_edited(edits: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    load_with(&edited(edits), &[])
}

pub(crate) fn load_with(text: &str, env: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    load(LoadInput {
        texts: vec![("kratos.yml".into(), text.to_owned())],
        env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..LoadInput::default()
    })
}

/// The findings as `code path place`, to compare and to read in a failing test.
pub(crate) fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} {} {}", finding.code, finding.path, finding.location)).collect()
}

pub(crate) fn told_refusal(result: &Result<Loaded, ConfigErrors>) -> Vec<String> {
    match result {
        Ok(_) => vec!["it loads".to_owned()],
        Err(errors) => {
            let text = format!("{errors}{errors:?}");
            assert!(!text.contains("hunter2"), "a secret is printed: {text}");
            told(errors.errors())
        }
    }
}
