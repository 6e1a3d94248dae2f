//! What a configuration is made of beyond its own files: the texts and folders that it names.

use std::path::Path;

use crate::config::Config;
use crate::hooks::Hook;
use crate::source::Source;

/// A text that a key names.
#[derive(Clone, Debug)]
pub struct NamedText<'a> {
    /// The key, dotted.
    pub key: String,
    /// Where the text is.
    pub source: &'a Source,
    /// What it is for.
    pub kind: TextKind,
}

/// What a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// An identity schema.
    Schema,
    /// Jsonnet: a provider's mapper, a web hook's body, a tokenizer's claims.
    Jsonnet,
    /// Private keys.
    Keys,
}

impl Config {
    /// Every text that the configuration names, in the order of its keys.
    pub fn texts(&self) -> Vec<NamedText<'_>> {
        let mut texts = Vec::new();
        let mut add = |key: String, source, kind| texts.push(NamedText { key, source, kind });
        for (index, schema) in self.identity.schemas.iter().enumerate() {
            add(format!("identity.schemas.{index}.url"), &schema.url, TextKind::Schema);
        }
        for (index, provider) in self.providers().iter().enumerate() {
            let key = format!("selfservice.methods.oidc.config.providers.{index}.mapper_url");
            add(key, &provider.mapper_url, TextKind::Jsonnet);
        }
        for (name, template) in &self.session.whoami.tokenizer.templates {
            let key = format!("session.whoami.tokenizer.templates.{name}");
            if let Some(mapper) = &template.claims_mapper_url {
                add(format!("{key}.claims_mapper_url"), mapper, TextKind::Jsonnet);
            }
            add(format!("{key}.jwks_url"), &template.jwks_url, TextKind::Keys);
        }
        for (key, hooks) in self.hook_lists() {
            for (index, hook) in hooks.iter().enumerate() {
                if let Hook::WebHook(web_hook) = hook
                    && let Some(body) = &web_hook.body
                {
                    add(format!("selfservice.flows.{key}.{index}.config.body"), body, TextKind::Jsonnet);
                }
            }
        }
        texts
    }

    /// Every folder whose files are part of the configuration, with its key.
    pub fn folders(&self) -> Vec<(&'static str, &Path)> {
        let named = [
            ("bia.mapper.import_dir", &self.bia.mapper.import_dir),
            ("bia.ui.templates_dir", &self.bia.ui.templates_dir),
            ("bia.ui.languages_dir", &self.bia.ui.languages_dir),
        ];
        named.into_iter().filter_map(|(key, folder)| Some((key, folder.as_deref()?))).collect()
    }

    /// The lists of hooks that run here.
    fn hook_lists(&self) -> [(&'static str, &[Hook]); 10] {
        let flows = &self.selfservice.flows;
        let (login, registration, settings) = (&flows.login, &flows.registration, &flows.settings);
        [
            ("login.before.hooks", &login.before.hooks),
            ("login.after.hooks", &login.after.hooks),
            ("login.after.oidc.hooks", &login.after.oidc.hooks),
            ("registration.before.hooks", &registration.before.hooks),
            ("registration.after.hooks", &registration.after.hooks),
            ("registration.after.oidc.hooks", &registration.after.oidc.hooks),
            ("settings.before.hooks", &settings.before.hooks),
            ("settings.after.hooks", &settings.after.hooks),
            ("settings.after.oidc.hooks", &settings.after.oidc.hooks),
            ("settings.after.profile.hooks", &settings.after.profile.hooks),
        ]
    }
}
