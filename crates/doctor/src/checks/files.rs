//! What the configuration points at: identity schemas and mappers.

use crate::examination::PROVIDERS;
use crate::finding::{Area, Finding, Level};
use bia_config::{Config, Source};
use bia_identity::Schemas;
use bia_mapper::{LintSeverity, Mapper};
use bia_outbound::Sources;
use std::sync::Arc;

/// Largest text of either.
const TEXT_MAX: usize = 1024 * 1024;

pub(crate) async fn schemas(config: &Config, sources: &Arc<Sources>) -> Vec<Finding> {
    match Schemas::load(Arc::new(config.clone()), sources.clone()).await {
        Ok(_) => vec![Finding::good(
            Area::Schema,
            "schemas",
            format!("{} identity schema(s) can be used", config.identity.schemas.len()),
        )],
        Err(errors) => errors
            .iter()
            .map(|error| {
                Finding::problem(Area::Schema, "identity_schema", error.to_string())
                    .key("identity.schemas")
                    .why("Bia does not start without its identity schemas.")
                    .fix("A relative path counts from the working directory.")
            })
            .collect(),
    }
}

/// Parses and lints the mapper of every enabled provider against the default schema. Those on the web are left alone.
pub(crate) async fn mappers(config: &Config, sources: &Sources, mapper: &Mapper) -> Vec<Finding> {
    let schema = match config.identity.schema(&config.identity.default_schema_id) {
        Some(schema) if !matches!(schema.url, Source::Http(_)) => {
            sources.text(&schema.url.to_text(), TEXT_MAX).await.ok()
        }
        _ => None,
    };
    let mut findings = Vec::new();
    for (index, provider) in config.providers().iter().enumerate().filter(|(_, provider)| provider.enabled) {
        let key = format!("{PROVIDERS}.{index}.mapper_url");
        if !matches!(provider.mapper_url, Source::File(_) | Source::Base64(_)) {
            continue;
        }
        let unusable = |code, what: String| {
            Finding::problem(Area::Mapper, code, what)
                .key(key.clone())
                .why("Nobody can sign up with this provider.")
                .fix("A relative path counts from the working directory; `bia mapper check` says more about the text.")
        };
        let text = match sources.text(&provider.mapper_url.to_text(), TEXT_MAX).await {
            Ok(text) => text,
            Err(error) => {
                findings.push(unusable(
                    "mapper_unreadable",
                    format!("the mapper of `{}` can't be read: {error}", provider.id),
                ));
                continue;
            }
        };
        let name = provider.mapper_url.to_string();
        match mapper.lint(&bia_mapper::Source { name: &name, text: &text }, schema.as_deref()).await {
            Err(error) => findings.push(unusable(
                "mapper_syntax",
                format!("the mapper of `{}` can't be used: {}", provider.id, error.diagnostic()),
            )),
            Ok(found) if found.is_empty() => {
                findings.push(Finding::good(
                    Area::Mapper,
                    "mapper",
                    format!("the mapper of `{}` parses, and the linter finds nothing", provider.id),
                ));
            }
            Ok(found) => findings.extend(found.into_iter().map(|lint| {
                let level = if lint.severity == LintSeverity::Error { Level::Problem } else { Level::Warning };
                let mut finding =
                    Finding::new(level, Area::Mapper, "mapper_lint", format!("{} ({})", lint.message, lint.rule))
                        .key(key.clone());
                if lint.line > 0 {
                    finding.place = format!("{name}:{}:{}", lint.line, lint.column);
                }
                finding.fix(lint.hint.unwrap_or_default())
            })),
        }
    }
    findings
}
