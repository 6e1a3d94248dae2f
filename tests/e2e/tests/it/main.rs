//! The program as its users meet it: a process, browsers, and a provider that may misbehave.
//!
//! One file per promise: `kill` (nothing that a browser was told of is lost), `addresses` (what goes to the provider),
//! `catalogue` and `envelope` (every message and error that clients know), `hooks`, `session_token`, `secrets` (rotation, several
//! instances), `listeners`, `network` and `tls_proxy`, `attacks` and `limits`, `quiet_log`, `lifecycle`, `faults`,
//! `reload` and `storm` (a configuration that changes while people sign in),
//! `observability` (what operators see of it),
//! `credentials` (secrets, certificates and tokens of the program itself, and refusals explained), `doctor`.

mod addresses;
mod attacks;
mod catalogue;
mod credentials;
mod doctor;
mod envelope;
mod faults;
mod hooks;
mod kill;
mod lifecycle;
mod limits;
mod listeners;
mod network;
mod observability;
mod quiet_log;
mod reload;
mod scenes;
mod secrets;
mod session_token;
mod storm;
mod tls_proxy;
#[cfg(feature = "otel")]
mod traces;
