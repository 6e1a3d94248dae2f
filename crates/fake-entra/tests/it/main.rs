//! The stand-in as its users see it: over HTTP, steered by [`bia_fake_entra::Control`].

mod apple;
mod assertions;
mod authorize;
mod browser;
mod control_api;
mod discovery;
mod endpoint_faults;
mod graph;
mod id_token_faults;
mod lookalikes;
mod people;
mod plain;
mod signing_out;
mod token;
mod wire;
