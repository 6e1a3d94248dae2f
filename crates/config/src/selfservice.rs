//! `selfservice`: flows, return addresses and methods.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::session::RequiredAal;

mod after;
mod methods;

pub use after::{AfterMethod, Before, LoginAfter, RegistrationAfter, SettingsAfter, VerificationAfter};
pub use methods::{Methods, ProfileMethod};

/// Everything people do themselves: sign in, register, change their data, sign out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selfservice {
    /// Where a browser goes when a flow ends and names no other place. Required. Example: `https://app.contoso.com/`.
    #[schemars(extend("format" = "uri-reference"))]
    pub default_browser_return_url: String,
    /// Addresses that `?return_to=` may name, by prefix. Default: none besides Bia's own.
    #[serde(default)]
    #[schemars(extend("items" = { "type": "string", "format": "uri-reference" }))]
    pub allowed_return_urls: Vec<String>,
    /// Pages, lifetimes and hooks of each flow.
    #[serde(default)]
    pub flows: Flows,
    /// Ways to sign in.
    #[serde(default)]
    pub methods: Methods,
}

/// `selfservice.flows`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Flows {
    /// Signing in.
    pub login: LoginFlowConfig,
    /// Registering.
    pub registration: RegistrationFlowConfig,
    /// Changing one's own data, linking and unlinking providers.
    pub settings: SettingsFlowConfig,
    /// Signing out.
    pub logout: LogoutFlowConfig,
    /// The error page.
    pub error: ErrorFlowConfig,
    /// Kratos' e-mail verification; Bia sends no mail, so it stays off.
    pub verification: VerificationFlowConfig,
    /// Kratos' account recovery; Bia sends no mail, so it stays off.
    pub recovery: RecoveryFlowConfig,
}

/// `selfservice.flows.login`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoginFlowConfig {
    /// The login page. Default: the built-in one below `/ui`.
    #[schemars(extend("format" = "uri-reference"))]
    pub ui_url: String,
    /// How long a login flow stays open. Default: `1h`.
    #[serde(with = "crate::duration")]
    #[schemars(schema_with = "crate::duration::schema")]
    pub lifespan: Duration,
    /// One screen for everything, or the identifier first. Default: `unified`.
    pub style: LoginStyle,
    /// Hooks before the flow starts.
    pub before: Before,
    /// Hooks and return address after a login.
    pub after: LoginAfter,
}

impl Default for LoginFlowConfig {
    fn default() -> Self {
        Self {
            ui_url: fallback("login"),
            lifespan: one_hour(),
            style: LoginStyle::default(),
            before: Before::default(),
            after: LoginAfter::default(),
        }
    }
}

/// `selfservice.flows.registration`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrationFlowConfig {
    /// Whether new people may register. Default: true.
    pub enabled: bool,
    /// Tell somebody who has an account which methods it has. Default: false.
    pub login_hints: bool,
    /// The registration page. Default: the built-in one below `/ui`.
    #[schemars(extend("format" = "uri-reference"))]
    pub ui_url: String,
    /// How long a registration flow stays open. Default: `1h`.
    #[serde(with = "crate::duration")]
    #[schemars(schema_with = "crate::duration::schema")]
    pub lifespan: Duration,
    /// Hooks before the flow starts.
    pub before: Before,
    /// Hooks and return address after a registration.
    pub after: RegistrationAfter,
    /// Older switch for `style: unified`. Default: false.
    pub enable_legacy_one_step: bool,
    /// Traits first, or everything on one screen. Default: `profile_first`.
    pub style: RegistrationStyle,
}

impl Default for RegistrationFlowConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            login_hints: false,
            ui_url: fallback("registration"),
            lifespan: one_hour(),
            before: Before::default(),
            after: RegistrationAfter::default(),
            enable_legacy_one_step: false,
            style: RegistrationStyle::default(),
        }
    }
}

/// `selfservice.flows.settings`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsFlowConfig {
    /// The settings page. Default: the built-in one below `/ui`.
    #[schemars(extend("format" = "uri-reference"))]
    pub ui_url: String,
    /// How long a settings flow stays open. Default: `1h`.
    #[serde(with = "crate::duration")]
    #[schemars(schema_with = "crate::duration::schema")]
    pub lifespan: Duration,
    /// How long after signing in links may be changed without signing in again; `0s` means always. Default: `1h`.
    #[serde(with = "crate::duration")]
    #[schemars(schema_with = "crate::duration::schema")]
    pub privileged_session_max_age: Duration,
    /// Assurance a session must have. Default: `highest_available`.
    pub required_aal: RequiredAal,
    /// Hooks and return address after a change.
    pub after: SettingsAfter,
    /// Hooks before the flow starts.
    pub before: Before,
}

impl Default for SettingsFlowConfig {
    fn default() -> Self {
        Self {
            ui_url: fallback("settings"),
            lifespan: one_hour(),
            privileged_session_max_age: one_hour(),
            required_aal: RequiredAal::default(),
            after: SettingsAfter::default(),
            before: Before::default(),
        }
    }
}

/// `selfservice.flows.logout`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogoutFlowConfig {
    /// Send `Clear-Site-Data` with a logout over HTTPS. Default: false.
    pub clear_browser_data: bool,
    /// Where a browser goes after signing out.
    pub after: ReturnOnly,
}

/// An `after` block that only names a return address.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReturnOnly {
    /// Where the browser goes. Default: `selfservice.default_browser_return_url`.
    #[schemars(extend("format" = "uri-reference"))]
    pub default_browser_return_url: Option<String>,
}

/// `selfservice.flows.error`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ErrorFlowConfig {
    /// The error page; it gets `?id=`. Default: the built-in one below `/ui`.
    #[schemars(extend("format" = "uri-reference"))]
    pub ui_url: String,
}

impl Default for ErrorFlowConfig {
    fn default() -> Self {
        Self { ui_url: fallback("error") }
    }
}

/// `selfservice.flows.verification`, read but never run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VerificationFlowConfig {
    /// Kratos sends verification mails; Bia warns instead. Default: false.
    pub enabled: bool,
    /// The verification page. Default: Ory's fallback page.
    #[schemars(extend("format" = "uri-reference"))]
    pub ui_url: String,
    /// Not used.
    pub after: VerificationAfter,
    /// Not used.
    #[serde(with = "crate::duration")]
    #[schemars(schema_with = "crate::duration::schema")]
    pub lifespan: Duration,
    /// Not used.
    pub before: Before,
    /// Not used.
    #[serde(rename = "use")]
    pub strategy: MailStrategy,
    /// Not used.
    pub notify_unknown_recipients: bool,
}

impl Default for VerificationFlowConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            ui_url: fallback("verification"),
            after: VerificationAfter::default(),
            lifespan: one_hour(),
            before: Before::default(),
            strategy: MailStrategy::default(),
            notify_unknown_recipients: false,
        }
    }
}

/// `selfservice.flows.recovery`, read but never run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecoveryFlowConfig {
    /// Kratos sends recovery mails; Bia warns instead. Default: false.
    pub enabled: bool,
    /// The recovery page. Default: Ory's fallback page.
    #[schemars(extend("format" = "uri-reference"))]
    pub ui_url: String,
    /// Not used.
    pub after: VerificationAfter,
    /// Not used.
    #[serde(with = "crate::duration")]
    #[schemars(schema_with = "crate::duration::schema")]
    pub lifespan: Duration,
    /// Not used.
    pub before: Before,
    /// Not used.
    #[serde(rename = "use")]
    pub strategy: MailStrategy,
    /// Not used.
    pub notify_unknown_recipients: bool,
}

impl Default for RecoveryFlowConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            ui_url: fallback("recovery"),
            after: VerificationAfter::default(),
            lifespan: one_hour(),
            before: Before::default(),
            strategy: MailStrategy::default(),
            notify_unknown_recipients: false,
        }
    }
}

/// Whether nobody configured this page.
pub(crate) fn is_fallback(ui_url: &str) -> bool {
    ui_url.starts_with("https://www.ory.com/kratos/docs/fallback/")
}

fn fallback(page: &str) -> String {
    // Kratos: the page that browsers see when no page was configured.
    format!("https://www.ory.com/kratos/docs/fallback/{page}")
}

fn one_hour() -> Duration {
    Duration::from_secs(3600)
}

/// How the login page asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginStyle {
    /// Everything on one screen.
    #[default]
    Unified,
    /// The identifier first; provider buttons stay on the first screen.
    IdentifierFirst,
}

/// How the registration page asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationStyle {
    /// Everything on one screen.
    Unified,
    /// Traits first.
    #[default]
    ProfileFirst,
}

/// How Kratos verifies and recovers by mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailStrategy {
    /// A link.
    Link,
    /// A code.
    #[default]
    Code,
}
