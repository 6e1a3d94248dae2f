//! One file for each area; every check returns findings and changes nothing.

pub(crate) mod configuration;
pub(crate) mod cookies;
pub(crate) mod credentials;
pub(crate) mod database;
pub(crate) mod files;
pub(crate) mod home_realm;
pub(crate) mod hooks;
pub(crate) mod listener_tls;
mod local;
pub(crate) mod mappers;
pub(crate) mod network;
pub(crate) mod providers;
pub(crate) mod public;
pub(crate) mod serving;
pub(crate) mod stand_in;
mod tls;
