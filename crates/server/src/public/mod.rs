//! Handlers of the public port.

pub(crate) mod admin_consent;
pub(crate) mod forward_auth;
pub(crate) mod methods_oidc;
pub(crate) mod pages;
pub(crate) mod schemas;
pub(crate) mod self_service;
pub(crate) mod sessions;
pub(crate) mod well_known;
pub(crate) mod whoami;
