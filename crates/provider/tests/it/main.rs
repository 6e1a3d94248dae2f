//! The crate at its own border: real providers from a configuration, a stand-in for Entra on loopback, and a browser
//! that only follows one redirect at a time.

mod caches;
mod credentials;
mod elliptic;
mod graph;
mod microsoft;
mod others;
mod properties;
mod rules;
mod support;
mod token_endpoint;
