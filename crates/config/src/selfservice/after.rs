//! Hooks and return addresses before and after each flow.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::hooks::Hook;

/// Hooks before a flow starts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Before {
    /// `web_hook` alone, besides hooks that were compiled in. Default: none.
    #[schemars(extend("uniqueItems" = true))]
    pub hooks: Vec<Hook>,
}

/// Hooks and return address for one method.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AfterMethod {
    /// Where the browser goes. Default: the flow's, then the global one.
    #[schemars(extend("format" = "uri-reference"))]
    pub default_browser_return_url: Option<String>,
    /// Hooks in order. A list here replaces the flow's own list.
    #[schemars(extend("uniqueItems" = true))]
    pub hooks: Vec<Hook>,
}

/// `selfservice.flows.login.after`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoginAfter {
    /// Where the browser goes. Default: the global one.
    #[schemars(extend("format" = "uri-reference"))]
    pub default_browser_return_url: Option<String>,
    /// Hooks for methods without a list of their own.
    #[schemars(extend("uniqueItems" = true))]
    pub hooks: Vec<Hook>,
    /// After a login with a provider.
    pub oidc: AfterMethod,
    /// Kratos' password method; not used.
    pub password: AfterMethod,
    /// Kratos' WebAuthn method; not used.
    pub webauthn: AfterMethod,
    /// Kratos' passkey method; not used.
    pub passkey: AfterMethod,
    /// Kratos' code method; not used.
    pub code: AfterMethod,
    /// Kratos' TOTP method; not used.
    pub totp: AfterMethod,
    /// Kratos' lookup-secret method; not used.
    pub lookup_secret: AfterMethod,
}

/// `selfservice.flows.registration.after`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrationAfter {
    /// Where the browser goes. Default: the global one.
    #[schemars(extend("format" = "uri-reference"))]
    pub default_browser_return_url: Option<String>,
    /// Hooks for methods without a list of their own; `session` cannot stand here.
    #[schemars(extend("uniqueItems" = true))]
    pub hooks: Vec<Hook>,
    /// After a registration with a provider. Put `session` here, or new people end up signed out.
    pub oidc: AfterMethod,
    /// Kratos' password method; not used.
    pub password: AfterMethod,
    /// Kratos' WebAuthn method; not used.
    pub webauthn: AfterMethod,
    /// Kratos' passkey method; not used.
    pub passkey: AfterMethod,
    /// Kratos' code method; not used.
    pub code: AfterMethod,
}

/// `selfservice.flows.settings.after`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsAfter {
    /// Where the browser goes. Default: the settings page.
    #[schemars(extend("format" = "uri-reference"))]
    pub default_browser_return_url: Option<String>,
    /// Hooks for methods without a list of their own.
    #[schemars(extend("uniqueItems" = true))]
    pub hooks: Vec<Hook>,
    /// After linking or unlinking a provider.
    pub oidc: AfterMethod,
    /// After changing traits.
    pub profile: AfterMethod,
    /// Kratos' password method; not used.
    pub password: AfterMethod,
    /// Kratos' TOTP method; not used.
    pub totp: AfterMethod,
    /// Kratos' WebAuthn method; not used.
    pub webauthn: AfterMethod,
    /// Kratos' passkey method; not used.
    pub passkey: AfterMethod,
    /// Kratos' lookup-secret method; not used.
    pub lookup_secret: AfterMethod,
}

/// `after` of the two mail flows.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VerificationAfter {
    /// Not used.
    #[schemars(extend("format" = "uri-reference"))]
    pub default_browser_return_url: Option<String>,
    /// Not used.
    #[schemars(extend("uniqueItems" = true))]
    pub hooks: Vec<Hook>,
}
