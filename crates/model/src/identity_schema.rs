//! Identity schemas: which traits are allowed, and what follows from them.

use crate::credentials::CredentialsType;
use crate::identity::Identity;
use crate::message::Message;
use crate::timestamp::Timestamp;
use crate::ui::{Group, Node};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

/// What the operator allows an identity schema to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct SchemaOptions {
    /// `security.disallow_ref_in_identity_schemas`.
    pub disallow_ref: bool,
}

/// Why a document can't be an identity schema; meant for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("identity schema {id:?}, at {pointer}: {problem}")]
pub struct SchemaError {
    pub id: String,
    /// JSON pointer into the document, for example `#/properties/traits`.
    pub pointer: String,
    pub problem: String,
}

/// One refused trait.
#[derive(Clone, Debug, PartialEq)]
pub struct TraitError {
    /// Where in `{"traits": …}`, for example `#/traits/email`.
    pub pointer: String,
    /// The node that shows it, for example `traits.email`; empty when it concerns the whole form.
    pub node_name: String,
    pub message: Message,
}

/// An address that follows from the traits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivedAddress {
    /// `email` or `sms`.
    pub via: String,
    pub value: String,
}

/// What the extension keyword makes of the traits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Derived {
    pub identifiers: Vec<(CredentialsType, String)>,
    pub verifiable: Vec<DerivedAddress>,
    pub recovery: Vec<DerivedAddress>,
}

/// A compiled identity schema; clones share it.
#[derive(Clone, Debug)]
pub struct IdentitySchema(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: String,
    document: Value,
}

impl IdentitySchema {
    pub fn parse(id: &str, document: Value, _options: SchemaOptions) -> Result<Self, SchemaError> {
        Ok(Self(Arc::new(Inner {
            id: id.to_owned(),
            document,
        })))
    }
    pub fn id(&self) -> &str {
        &self.0.id
    }
    /// The document as it was given, for `GET /schemas/{id}`.
    pub fn document(&self) -> &Value {
        &self.0.document
    }
    pub fn validate(&self, _traits: &Value) -> Vec<TraitError> {
        Vec::new()
    }
    pub fn derive(&self, _traits: &mut Value) -> Derived {
        Derived::default()
    }
    pub fn reconcile(
        &self,
        _identity: &mut Identity,
        _now: Timestamp,
        _new_id: &mut dyn FnMut() -> Uuid,
    ) {
    }
    pub fn trait_nodes(&self, _group: Group) -> Vec<Node> {
        Vec::new()
    }
    pub fn keys(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The text that the admin API puts into `error.reason`.
pub fn admin_reason(_errors: &[TraitError]) -> String {
    String::new()
}

/// Fills node values from traits, as Kratos does.
pub fn set_values(_nodes: &mut Vec<Node>, _traits: &Value, _group: Group) {}
