//! The server at its own border: real sockets on loopback, a real store in memory, no provider.

mod admin;
mod admin_consent;
mod client;
mod flows;
mod identity_headers;
mod listeners;
mod pages;
mod rate_limit;
mod routes;
mod sessions;
mod shutdown;
mod whoami;
mod world;
