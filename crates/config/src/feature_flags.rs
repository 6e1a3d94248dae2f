//! `feature_flags`: Kratos' switches between old and new behaviour.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Switches of Kratos v1.3; all off by default.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FeatureFlags {
    /// Send `Ory-Session-Cache-For` with `/sessions/whoami`, so that proxies may keep the answer. Default: false.
    pub cacheable_sessions: bool,
    /// Longest time that header grants. Default: the session's remaining time.
    #[serde(with = "crate::duration::option")]
    #[schemars(schema_with = "crate::duration::schema")]
    pub cacheable_sessions_max_age: Option<Duration>,
    /// Recovery and verification only. Default: false.
    pub use_continue_with_transitions: bool,
    /// Recovery only. Default: false.
    pub choose_recovery_address: bool,
    /// Verification only. Default: false.
    pub legacy_continue_with_verification_ui: bool,
    /// `require_verified_address` counts for passwords only. Default: false.
    pub legacy_require_verified_login_error: bool,
    /// Answer `PATCH /admin/sessions/{id}/extend` with 204 and no body. Default: false.
    pub faster_session_extend: bool,
    /// Node group of trait fields in a password registration. Default: `default`.
    pub password_profile_registration_node_group: NodeGroup,
    /// Put the trait fields of an interrupted OIDC registration into group `oidc` instead of `default`. Default: false.
    pub legacy_oidc_registration_node_group: bool,
    /// Allow unbounded wildcards in return URLs and CORS origins. Insecure. Default: false.
    pub legacy_allow_insecure_origins: bool,
    /// Code method only. Default: false.
    pub refresh_login_choose_address: bool,
}

/// A node group that the flag above may name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NodeGroup {
    /// Group `password`.
    Password,
    /// Group `default`.
    #[default]
    Default,
}
