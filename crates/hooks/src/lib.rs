//! Hooks: code that runs before and after a flow, behind one trait.
//!
//! A [`Hook`] is asked at each [`Moment`] whether it runs there, and is given a [`HookContext`]: the flow,
//! the request, the identity and the session as far as they exist. It may change the identity, ask for
//! [`Effects`] (issue a session, end the other sessions, add a `continue_with` step), or refuse. It never
//! writes a response, never sees the database, and never sees a token: what it asks for is carried out by
//! the flow, in one transaction with what the flow itself changes.
//!
//! Built-in hooks: `session`, `web_hook`, `revoke_active_sessions`, `require_verified_address`,
//! `show_verification_ui`. A third party adds one by a crate that implements [`Hook`] and one line that
//! registers it by name; `contrib/hook-example` is such a crate.
//!
//! Where to start: [`Registry`] (names to hooks), then [`run`] (order, precedence, what stops a flow).

pub mod context;
mod registry;
mod require_verified_address;
pub mod run;
mod services;
mod sessions;
mod verification;
pub mod web_hook;

pub use context::{Effects, Hook, HookContext, HookError, HookMessage, Moment, Request};
pub use registry::{Registry, RegistryError};
pub use run::{Hooks, Method};
pub use services::{Background, Bodies, BodyError, Pace, Services};
