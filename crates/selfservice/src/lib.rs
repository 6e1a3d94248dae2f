//! The self-service flows — login, registration, settings, logout — as functions from input to outcome.
//!
//! A function here is given [`Deps`] (built once), a [`Context`] (the facts of one request) and its input,
//! and answers a [`Reply`]: an [`Outcome`] that says what happened, and [`Effects`] on cookies. There are no
//! HTTP types in this crate, and nothing here knows how an outcome is written to the wire; the server does.
//!
//! What it never does: bind a socket, read a configuration file, write a cookie, know a database dialect.
//!
//! Where to start: one sign-in is [`login::create_flow`] → [`login::submit`] → [`oidc::start`] → the provider
//! → [`oidc::callback`], the one dispatcher, which picks [`oidc::login`], [`oidc::registration`] or
//! [`oidc::settings`].

pub mod context;
pub mod outcome;

pub use context::{Body, Context, Csrf, InitQuery, SubmitInput};
pub use outcome::{Effects, Outcome, Redirect, Reply, SessionCookie};
