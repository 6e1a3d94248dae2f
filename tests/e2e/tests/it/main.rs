//! The program as its users meet it: a process, browsers, and a provider that may misbehave.
//!
//! One file per promise: `addresses` (what goes to the provider),
//! `catalogue` and `envelope` (every message and error that clients know), `hooks`, `session_token`, `secrets` (rotation, several
//! instances), `instances` (two behind one address), `listeners`, `network` and `tls_proxy`, `limits`, `lifecycle`, `faults`,
//! `reload` and `storm` (a configuration that changes while people sign in),
//! `observability` (what operators see of it),
//! `credentials` (secrets, certificates and tokens of the program itself, and refusals explained), `doctor`, `staging` (one file, two tenants), `tabs`, `words` (what visitors read when something fails).

mod addresses;
mod catalogue;
mod credentials;
mod doctor;
mod envelope;
mod faults;
mod hooks;
mod instances;
mod lifecycle;
mod limits;
mod listeners;
mod network;
mod observability;
mod reload;
mod scenes;
mod secrets;
mod session_token;
mod staging;
mod storm;
mod tabs;
mod tls_proxy;
#[cfg(feature = "otel")]
mod traces;
mod words;
