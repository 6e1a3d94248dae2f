//! Whether configured mappers can be read and parse, before somebody's login finds out.

use crate::assemble::mapper_settings;
use bia_config::{Finding, KeyPath, Loaded, Severity, Source};
use bia_mapper::Mapper;
use bia_outbound::Sources;

/// Largest mapper text.
const SOURCE_BYTES_MAX: usize = 1024 * 1024;

/// Advice on file and base64 mappers. Those on the web are left alone: starting never waits for the network.
pub(crate) async fn check_mappers(loaded: &Loaded, sources: &Sources) -> Vec<Finding> {
    // Workers of their own, so that none is kept before somebody signs in.
    let mapper = Mapper::new(mapper_settings(&loaded.config));
    let mut findings = Vec::new();
    for (index, provider) in loaded.config.providers().iter().enumerate() {
        // Bad base64 and unknown schemes are the configuration's own advice.
        if !matches!(provider.mapper_url, Source::File(_) | Source::Base64(_))
            || matches!(provider.mapper_url.decode(), Some(Err(_)))
        {
            continue;
        }
        let path = format!("selfservice.methods.oidc.config.providers.{index}.mapper_url");
        let advice = |code, message, help| Finding {
            severity: Severity::Advice,
            code,
            path: KeyPath::of(&path),
            location: loaded.locate(&path),
            message,
            help,
        };
        match sources.text(&provider.mapper_url.to_text(), SOURCE_BYTES_MAX).await {
            Err(error) => {
                let message = format!("the mapper of provider `{}` can't be read: {error}.", provider.id);
                let help = "Nobody can sign up with it; a relative path counts from the working directory.";
                findings.push(advice("mapper_unreadable", message, Some(help.to_owned())));
            }
            Ok(text) => {
                let name = provider.mapper_url.to_string();
                let source = bia_mapper::Source { name: &name, text: &text };
                if let Err(error) = mapper.check(&source).await {
                    let message =
                        format!("the mapper of provider `{}` can't be used: {}", provider.id, error.diagnostic());
                    findings.push(advice("mapper_syntax", message, None));
                }
            }
        }
    }
    mapper.shutdown().await;
    findings
}
