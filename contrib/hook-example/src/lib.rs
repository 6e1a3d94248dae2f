//! `company_policy`: a third-party hook, small enough to copy.
//!
//! It lets only people of certain e-mail domains register and sign in, notes the domain in
//! `metadata_public`, and points new people to a welcome page with a `continue_with` step. The README
//! beside this crate says how to write a hook of one's own; the page `docs/hooks.md` says what each moment
//! allows.
//!
//! One line registers it: `Registry::new().with(NAME, from_config)`.

use std::sync::Arc;

use async_trait::async_trait;
use bia_hooks::{Hook, HookContext, HookError, HookMessage, Moment};
use bia_model::{ContinueWith, Identity, Message};
use serde::Deserialize;
use serde_json::{Value, json};

/// What `hook:` in the configuration says.
pub const NAME: &str = "company_policy";

/// The number of the refusal, by which user interfaces translate it. Kratos' own numbers have seven digits.
pub const DOMAIN_NOT_ALLOWED: i64 = 900_000_001;

/// The hook's `config`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// E-mail domains that may come in, compared without case.
    allowed_domains: Vec<String>,
    /// Where new people are pointed to; left out, nobody is.
    #[serde(default)]
    welcome_url: Option<String>,
}

/// Makes the hook from the `config` beside its name.
///
/// # Errors
/// A sentence for the operator, who reads it at start. It names keys, never values.
pub fn from_config(config: &Value) -> Result<Arc<dyn Hook>, String> {
    let mut settings = Settings::deserialize(config)
        .map_err(|_| "expected `allowed_domains`, a list of domains, and perhaps `welcome_url`".to_owned())?;
    if settings.allowed_domains.is_empty() {
        return Err("`allowed_domains` is empty, so nobody could come in; list at least one domain".to_owned());
    }
    for domain in &mut settings.allowed_domains {
        *domain = domain.to_ascii_lowercase();
    }
    Ok(Arc::new(CompanyPolicy { settings }))
}

struct CompanyPolicy {
    settings: Settings,
}

#[async_trait]
impl Hook for CompanyPolicy {
    fn name(&self) -> &str {
        NAME
    }

    fn runs_at(&self, moment: Moment) -> bool {
        match moment {
            Moment::LoginAfter | Moment::RegistrationBeforeInsert => true,
            Moment::RegistrationAfterInsert => self.settings.welcome_url.is_some(),
            _ => false,
        }
    }

    async fn run(&self, moment: Moment, context: &mut HookContext<'_>) -> Result<(), HookError> {
        match moment {
            Moment::RegistrationAfterInsert => self.welcome(context),
            _ => {
                if let Some(identity) = context.identity.as_deref_mut() {
                    let domain = self.allowed_domain(identity)?;
                    // At a registration this is saved with the person; at a login changes are not kept.
                    note_domain(identity, &domain);
                }
            }
        }
        Ok(())
    }
}

impl CompanyPolicy {
    /// The person's domain, or a refusal on the field it comes from.
    fn allowed_domain(&self, identity: &Identity) -> Result<String, HookError> {
        let email = identity.traits.get("email").and_then(Value::as_str).unwrap_or_default();
        // After the last `@`: `mallory@contoso.example@evil.example` belongs to evil.example.
        let domain = email.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase()).unwrap_or_default();
        if self.settings.allowed_domains.contains(&domain) {
            return Ok(domain);
        }
        Err(HookError::Messages(vec![HookMessage {
            pointer: "#/traits/email".to_owned(),
            messages: vec![Message::error(DOMAIN_NOT_ALLOWED, "Please use the e-mail address of your company.")],
        }]))
    }

    fn welcome(&self, context: &mut HookContext<'_>) {
        if let Some(url) = &self.settings.welcome_url {
            let step = json!({ "action": "show_welcome", "url": url });
            context.effects.continue_with.push(ContinueWith::Other(step));
        }
    }
}

/// Adds to what the mapper put into `metadata_public`, instead of replacing it.
fn note_domain(identity: &mut Identity, domain: &str) {
    let metadata = identity.metadata_public.get_or_insert_with(|| json!({}));
    if let Some(fields) = metadata.as_object_mut() {
        fields.insert("company_domain".to_owned(), json!(domain));
    }
}
