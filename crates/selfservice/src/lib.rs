//! The self-service flows — login, registration, settings, logout — as functions from input to outcome.
//!
//! A function here is given [`Deps`] (built once), a [`Context`] (the facts of one request) and its input,
//! and answers a [`Reply`]: an [`Outcome`] that says what happened, and [`Effects`] on cookies. There are no
//! HTTP types in this crate, and nothing here knows how an outcome is written to the wire; the server does.
//!
//! What it never does: bind a socket, read a configuration file, write a cookie, know a database dialect.
//!
//! Where to start: one sign-in is [`login::create_flow`] → [`login::submit`] → `oidc/start.rs` → the provider
//! → [`oidc::callback`](fn@oidc::callback), the one dispatcher, which picks `oidc/login.rs`,
//! `oidc/registration.rs` or `oidc/settings.rs`.

pub mod context;
pub mod csrf;
pub mod deps;
mod error;
mod flow;
pub mod flow_errors;
pub mod front_channel;
mod home_realm;
mod hooks;
mod imports;
pub mod login;
pub mod logout;
mod oauth2;
pub mod oidc;
pub mod outcome;
mod profile;
pub mod recheck;
pub mod registration;
pub mod return_to;
mod schema_choice;
pub mod settings;
pub mod step_up;
mod submit;
pub mod test_login;
pub mod token_exchange;
mod ui;

pub use context::{Body, Context, Csrf, InitQuery, SubmitInput};
pub use deps::{Deps, with_query};
pub use error::store_error;
pub use imports::{Imports, Texts as Imported, read_folder as read_imports};
pub use outcome::{Effects, Outcome, Redirect, Reply, SessionCookie};

use bia_model::{Flow, FlowKind};

/// Stores a fresh flow in place of one that expired and tells the client about it (contract §1.5).
pub(crate) async fn replace_expired(deps: &Deps, context: &Context, old: &Flow) -> Reply {
    let replaced = match old.kind {
        FlowKind::Login => login::replacement(deps, context, old).await,
        FlowKind::Registration => registration::replacement(deps, context, old).await,
        FlowKind::Settings => settings::replacement(deps, context, old).await,
    };
    match replaced {
        Ok(new) => flow::replaced(context, old, new),
        Err(error::FlowError::Api(error)) => flow::refuse(Some(old), *error),
        Err(_) => flow::refuse(Some(old), flow::gone(deps, old)),
    }
}
