//! The nouns of the Kratos API and their rules, with no I/O: the same JSON as Kratos, nothing else.
//!
//! Every other crate speaks in these types. A value here is either exactly what travels over the wire
//! ([`ui`], [`message`], [`error`], [`continue_with`]) or a record that knows how to show itself to a
//! client ([`Identity`], [`Session`], [`Flow`]).
//!
//! What this crate never does: read a file, ask a clock, call the network, know a database or an HTTP
//! framework. Times and identifiers are given to it.
//!
//! Where to start: [`flow::Flow`] (one login, registration or settings attempt), [`identity::Identity`],
//! [`session::Session`], [`claims::Claims`] (what passes from the provider to the mapper) and
//! [`identity_schema::IdentitySchema`] (which traits are allowed, and what the form looks like), with
//! [`form`] (what was posted) and [`merge`] (how that meets what the mapper says).
//!
//! ```
//! use bia_model::message::Message;
//! let message = Message::sign_in_with("Contoso", "microsoft");
//! assert_eq!(message.id, 1_010_002);
//! assert_eq!(message.text, "Sign in with Contoso");
//! ```

pub mod capture;
pub mod claims;
pub mod continue_with;
pub mod credentials;
pub mod difference;
pub mod error;
pub mod flow;
pub mod form;
pub mod identity;
pub mod identity_schema;
pub mod merge;
pub mod message;
pub mod session;
pub mod timestamp;
pub mod ui;

pub use claims::Claims;
pub use continue_with::ContinueWith;
pub use credentials::{Credentials, CredentialsType, OidcConfig, OidcLink};
pub use error::ApiError;
pub use flow::{Aal, Flow, FlowKind, FlowState, FlowType};
pub use identity::{Identity, IdentityState, RecoveryAddress, VerifiableAddress};
pub use identity_schema::{IdentitySchema, SchemaError, SchemaOptions, TraitError};
pub use message::{Message, MessageType};
pub use session::{AuthenticationMethod, Device, Session};
pub use timestamp::Timestamp;
pub use ui::{Container, Group, InputType, Node};
