//! Web hooks: the address they call and the template of what they send.

use crate::finding::{Area, Finding};
use bia_config::{Config, Hook, Source, WebHookConfig};
use bia_mapper::Mapper;
use bia_outbound::Sources;
use url::Url;

/// Largest template.
const TEXT_MAX: usize = 1024 * 1024;

pub(crate) async fn check(config: &Config, sources: &Sources, mapper: &Mapper) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut count = 0_usize;
    for (path, hooks) in lists(config) {
        for (index, hook) in hooks.iter().enumerate() {
            count += 1;
            if let Hook::WebHook(hook) = hook {
                let key = format!("{path}.{index}.config");
                findings.extend(address(hook, &key));
                findings.extend(template(hook, &key, sources, mapper).await);
            }
        }
    }
    if count > 0 && findings.is_empty() {
        findings.push(Finding::good(Area::Hooks, "hooks", format!("{count} hook(s) can run")));
    }
    findings
}

fn lists(config: &Config) -> Vec<(&'static str, &Vec<Hook>)> {
    let flows = &config.selfservice.flows;
    vec![
        ("selfservice.flows.login.before.hooks", &flows.login.before.hooks),
        ("selfservice.flows.login.after.hooks", &flows.login.after.hooks),
        ("selfservice.flows.login.after.oidc.hooks", &flows.login.after.oidc.hooks),
        ("selfservice.flows.registration.before.hooks", &flows.registration.before.hooks),
        ("selfservice.flows.registration.after.hooks", &flows.registration.after.hooks),
        ("selfservice.flows.registration.after.oidc.hooks", &flows.registration.after.oidc.hooks),
        ("selfservice.flows.settings.before.hooks", &flows.settings.before.hooks),
        ("selfservice.flows.settings.after.hooks", &flows.settings.after.hooks),
        ("selfservice.flows.settings.after.oidc.hooks", &flows.settings.after.oidc.hooks),
        ("selfservice.flows.settings.after.profile.hooks", &flows.settings.after.profile.hooks),
    ]
}

/// Identities, and keys in headers, travel to this address.
fn address(hook: &WebHookConfig, key: &str) -> Option<Finding> {
    let Ok(url) = Url::parse(&hook.url) else {
        return Some(
            Finding::problem(Area::Hooks, "web_hook_address", "a web hook's url is no address")
                .key(format!("{key}.url"))
                .why("The hook fails, and with it every flow that runs it.")
                .fix("Write an absolute address, such as https://hooks.example.com/after-login."),
        );
    };
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    (url.scheme() == "http" && !local).then(|| {
        // The path may be a secret; the host is not.
        let host = url.host_str().unwrap_or_default();
        Finding::warning(Area::Hooks, "web_hook_http", format!("a web hook calls {host} over plain http"))
            .key(format!("{key}.url"))
            .why("Traits and the hook's own credentials can be read on the way, and a made-up answer can change an identity.")
            .fix("Use https, save inside a network that you trust as a whole.")
    })
}

async fn template(hook: &WebHookConfig, key: &str, sources: &Sources, mapper: &Mapper) -> Option<Finding> {
    let source = hook.body.as_ref()?;
    if !matches!(source, Source::File(_) | Source::Base64(_)) {
        return None;
    }
    let problem = |what: String| {
        Finding::problem(Area::Hooks, "web_hook_template", what)
            .key(format!("{key}.body"))
            .why("The hook fails, and with it every flow that runs it.")
            .fix("A relative path counts from the working directory; `bia mapper check` reads such a template, too.")
    };
    let text = match sources.text(&source.to_text(), TEXT_MAX).await {
        Ok(text) => text,
        Err(error) => return Some(problem(format!("the template of a web hook can't be read: {error}"))),
    };
    let name = source.to_string();
    let checked = mapper.check(&bia_mapper::Source { name: &name, text: &text }).await;
    checked.err().map(|error| problem(format!("the template of a web hook can't be used: {}", error.diagnostic())))
}
