//! One file for each area; every check returns findings and changes nothing.

pub(crate) mod configuration;
pub(crate) mod cookies;
pub(crate) mod credentials;
pub(crate) mod database;
pub(crate) mod files;
pub(crate) mod network;
pub(crate) mod providers;
pub(crate) mod serving;
mod tls;
