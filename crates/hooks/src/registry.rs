//! From the names in the configuration to hooks that run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bia_config::{Before, Flows, Hook as Configured};
use bia_model::FlowKind;
use serde_json::Value;

use crate::context::{Hook, Moment};
use crate::require_verified_address::RequireVerifiedAddress;
use crate::run::{DEADLINE, Hooks, Lists, Slot};
use crate::services::Services;
use crate::sessions::{RevokeActiveSessions, Session};
use crate::verification::{self, Mail};
use crate::web_hook::{Options, WebHook};

/// Names that a third party can't take.
const BUILT_IN: [&str; 10] = [
    "session",
    "web_hook",
    "revoke_active_sessions",
    "require_verified_address",
    "verification",
    "show_verification_ui",
    "verify_new_address",
    "notify_previous_addresses",
    "b2b_sso",
    "organization",
];

/// Makes a third-party hook from its `config` (null when the configuration has none); an error is a sentence for
/// the operator, without values.
type Factory = dyn Fn(&Value) -> Result<Arc<dyn Hook>, String> + Send + Sync;

/// Why the hooks of a configuration can't be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// A third-party hook has the name of a built-in one, or is registered twice.
    #[error("the hook name `{name}` is taken; register the hook under another name")]
    NameTaken { name: String },
    /// No crate registered a hook of this name.
    #[error("{place}: no hook is called `{name}`; known are {known}")]
    UnknownHook { place: String, name: String, known: String },
    /// The hook's own settings are wrong.
    #[error("{place}: the settings of hook `{name}` are wrong: {why}")]
    Settings { place: String, name: String, why: String },
}

/// Names and how to make the hooks behind them. The built-in ones are always there.
///
/// ```
/// # use std::sync::Arc;
/// # use bia_hooks::{Hook, HookContext, HookError, Moment, Registry};
/// # struct Greeter;
/// # #[async_trait::async_trait]
/// # impl Hook for Greeter {
/// #     fn name(&self) -> &str { "greeter" }
/// #     fn runs_at(&self, _: Moment) -> bool { true }
/// #     async fn run(&self, _: Moment, _: &mut HookContext<'_>) -> Result<(), HookError> { Ok(()) }
/// # }
/// let registry = Registry::new().with("greeter", |_config| Ok(Arc::new(Greeter)));
/// assert_eq!(registry.names(), ["greeter"]);
/// ```
#[derive(Clone)]
pub struct Registry {
    factories: BTreeMap<String, Arc<Factory>>,
    taken: Vec<String>,
    deadline: Duration,
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// The built-in hooks alone.
    pub fn new() -> Self {
        Self { factories: BTreeMap::new(), taken: Vec::new(), deadline: DEADLINE }
    }

    /// Adds a third-party hook; `factory` is called once for each place in the configuration that names it.
    #[must_use]
    pub fn with<F>(mut self, name: &str, factory: F) -> Self
    where
        F: Fn(&Value) -> Result<Arc<dyn Hook>, String> + Send + Sync + 'static,
    {
        if BUILT_IN.contains(&name) || self.factories.contains_key(name) {
            self.taken.push(name.to_owned());
        } else {
            self.factories.insert(name.to_owned(), Arc::new(factory));
        }
        self
    }

    /// How long a third-party hook may take before the flow is stopped. Default: [`DEADLINE`].
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The names of third-party hooks, which the configuration loader has to accept.
    pub fn names(&self) -> Vec<&str> {
        self.factories.keys().map(String::as_str).collect()
    }

    /// Resolves every list of the configuration, and logs once what does nothing here.
    ///
    /// # Errors
    /// See [`RegistryError`]; each names the place in the configuration.
    pub fn build(&self, config: &bia_config::Config, services: &Services) -> Result<Hooks, RegistryError> {
        self.build_from(&config.selfservice.flows, &config.clients.web_hook.header_allowlist, services)
    }

    /// [`Registry::build`] from the two parts of the configuration that hooks depend on.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub fn build_from(
        &self,
        flows: &Flows,
        header_allowlist: &[String],
        services: &Services,
    ) -> Result<Hooks, RegistryError> {
        if let Some(name) = self.taken.first() {
            return Err(RegistryError::NameTaken { name: name.clone() });
        }
        let mut builder = Builder {
            registry: self,
            services,
            allowlist: crate::web_hook::canonical(header_allowlist),
            warnings: Vec::new(),
        };
        let (login, registration, settings) = (&flows.login, &flows.registration, &flows.settings);
        let none: &[Configured] = &[];
        let hooks = Hooks {
            login: builder.lists(
                FlowKind::Login,
                &login.before,
                After { global: &login.after.hooks, oidc: &login.after.oidc.hooks, profile: none },
            )?,
            registration: builder.lists(
                FlowKind::Registration,
                &registration.before,
                After { global: &registration.after.hooks, oidc: &registration.after.oidc.hooks, profile: none },
            )?,
            settings: builder.lists(
                FlowKind::Settings,
                &settings.before,
                After {
                    global: &settings.after.hooks,
                    oidc: &settings.after.oidc.hooks,
                    profile: &settings.after.profile.hooks,
                },
            )?,
            warnings: std::mem::take(&mut builder.warnings),
            background: services.background.clone(),
        };
        for warning in &hooks.warnings {
            tracing::warn!("{warning}");
        }
        Ok(hooks)
    }
}

/// The configured `after` lists of one kind of flow.
struct After<'a> {
    global: &'a [Configured],
    oidc: &'a [Configured],
    profile: &'a [Configured],
}

struct Builder<'a> {
    registry: &'a Registry,
    services: &'a Services,
    allowlist: Arc<[String]>,
    warnings: Vec<String>,
}

impl Builder<'_> {
    fn lists(&mut self, kind: FlowKind, before: &Before, after: After<'_>) -> Result<Lists, RegistryError> {
        let flow = kind.as_str();
        let at = |rest: &str| format!("selfservice.flows.{flow}.{rest}");
        let moments = after_moments(kind);
        let global = self.slots(&at("after.hooks"), after.global, moments)?;
        let mut method = |name: &str, configured: &[Configured]| -> Result<Vec<Slot>, RegistryError> {
            let own = self.slots(&at(&format!("after.{name}.hooks")), configured, moments)?;
            // Kratos: a method's list replaces the global one as soon as one of its hooks can run here. Unlike
            // Kratos, the global list then serves the moment before saving, too, so that a web hook with
            // `response.parse` in it runs instead of being passed over in silence.
            Ok(if own.is_empty() { global.clone() } else { own })
        };
        let (oidc, profile) = (method("oidc", after.oidc)?, method("profile", after.profile)?);
        let before = self.slots(&at("before.hooks"), &before.hooks, &[Moment::Before(kind)])?;
        Ok(Lists { before, oidc, profile })
    }

    /// The hooks of one list that run at any of these moments, `session` last.
    fn slots(&mut self, place: &str, list: &[Configured], moments: &[Moment]) -> Result<Vec<Slot>, RegistryError> {
        let mut slots = Vec::with_capacity(list.len());
        for (index, configured) in list.iter().enumerate() {
            let place = format!("{place}[{index}]");
            let Some(slot) = self.slot(&place, configured)? else {
                continue;
            };
            if moments.iter().any(|moment| slot.hook.runs_at(*moment)) {
                slots.push(slot);
            } else {
                self.warnings.push(format!("{place}: hook `{}` does nothing at this place", configured.name()));
            }
        }
        // Kratos: `session` ends the flow, so it comes after everything else, wherever it was listed.
        slots.sort_by_key(|slot| slot.deadline.is_none() && slot.hook.name() == "session");
        Ok(slots)
    }

    fn slot(&mut self, place: &str, configured: &Configured) -> Result<Option<Slot>, RegistryError> {
        let built_in = |hook: Arc<dyn Hook>| Ok(Some(Slot { hook, deadline: None }));
        match configured {
            Configured::Session => built_in(Arc::new(Session)),
            Configured::RevokeActiveSessions => built_in(Arc::new(RevokeActiveSessions)),
            Configured::RequireVerifiedAddress => {
                self.warnings.push(format!(
                    "{place}: `require_verified_address` refuses people without a verified address; Bia sends no mail, so only the mapper's `verified_addresses` or the admin API verify one"
                ));
                built_in(Arc::new(RequireVerifiedAddress))
            }
            Configured::WebHook(settings) => {
                let options = Options::new(settings).map_err(|why| RegistryError::Settings {
                    place: place.to_owned(),
                    name: configured.name().to_owned(),
                    why,
                })?;
                self.warnings.extend(options.advice().map(|advice| format!("{place}: {advice}")));
                let hook = WebHook::new(options, Arc::clone(&self.allowlist), self.services.clone());
                built_in(Arc::new(hook))
            }
            Configured::Verification
            | Configured::ShowVerificationUi
            | Configured::VerifyNewAddress
            | Configured::NotifyPreviousAddresses => {
                let name = configured.name();
                self.warnings.push(format!("{place}: Bia sends no mail, so hook `{name}` does nothing"));
                let known = verification::NAMES.into_iter().find(|known| *known == name);
                built_in(Arc::new(Mail(known.unwrap_or("verification"))))
            }
            Configured::Organization { name } => {
                // Kratos warns at each run; once is enough.
                self.warnings.push(format!("{place}: hook `{name}` is accepted and ignored, as in Kratos"));
                Ok(None)
            }
            Configured::Other { name, config } => self.third_party(place, name, config).map(Some),
        }
    }

    fn third_party(&self, place: &str, name: &str, config: &Value) -> Result<Slot, RegistryError> {
        let Some(factory) = self.registry.factories.get(name) else {
            let known = BUILT_IN.into_iter().chain(self.registry.names()).collect::<Vec<_>>().join(", ");
            return Err(RegistryError::UnknownHook { place: place.to_owned(), name: name.to_owned(), known });
        };
        let hook = factory(config).map_err(|why| RegistryError::Settings {
            place: place.to_owned(),
            name: name.to_owned(),
            why,
        })?;
        Ok(Slot { hook, deadline: Some(self.registry.deadline) })
    }
}

fn after_moments(kind: FlowKind) -> &'static [Moment] {
    match kind {
        FlowKind::Login => &[Moment::LoginAfter],
        FlowKind::Registration => &[Moment::RegistrationBeforeInsert, Moment::RegistrationAfterInsert],
        FlowKind::Settings => &[Moment::SettingsBeforeSave, Moment::SettingsAfterSave],
    }
}
