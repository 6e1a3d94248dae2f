//! Identity schemas: which traits are allowed, and what follows from them (contract §7).
//!
//! [`IdentitySchema::parse`] checks and compiles a document once; clones are cheap. Everything else is a
//! question to the compiled schema: is this valid ([`IdentitySchema::validate`]), which identifiers and
//! addresses follow ([`IdentitySchema::derive`], [`IdentitySchema::reconcile`]), what does the form look
//! like ([`IdentitySchema::trait_nodes`]).

mod compile;
mod extension;
mod failure;
mod formats;
pub(crate) mod go_text;
mod meta;
pub(crate) mod nodes;
mod normalise;
mod reconcile;
mod rule;
#[cfg(test)]
mod tests;
mod validate;

use crate::credentials::CredentialsType;
use crate::identity::Identity;
use crate::message::Message;
use crate::timestamp::Timestamp;
use crate::ui::{Group, Node};
pub(crate) use failure::escape;
pub use nodes::set_values;
use serde_json::{Map, Value};
use std::sync::Arc;
use uuid::Uuid;

/// What the operator allows an identity schema to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct SchemaOptions {
    /// `security.disallow_ref_in_identity_schemas`. References inside the document are always allowed and
    /// those that lead out of it never are, so both settings mean the same here.
    pub disallow_ref: bool,
}

/// Why a document can't be an identity schema; meant for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("identity schema {id:?}, at {pointer}: {problem}")]
pub struct SchemaError {
    pub id: String,
    /// Where in the document, for example `#/properties/traits`.
    pub pointer: String,
    pub problem: String,
}

impl SchemaError {
    fn new(id: &str, pointer: &str, problem: impl Into<String>) -> Self {
        Self { id: id.to_owned(), pointer: pointer.to_owned(), problem: problem.into() }
    }
}

/// One refused trait.
#[derive(Clone, Debug, PartialEq)]
pub struct TraitError {
    /// Where in `{"traits": …}`, for example `#/traits/email`.
    pub pointer: String,
    /// The node that shows it, for example `traits.email`; empty when it concerns the whole form.
    pub node_name: String,
    pub message: Message,
    /// The whole validation as the admin API reports it; the same for all errors of one validation.
    pub report: Arc<str>,
}

impl TraitError {
    /// A failure from elsewhere, for example from a web hook; `pointer` is `#/traits/email` or `#/`.
    pub fn new(pointer: &str, message: Message) -> Self {
        Self {
            pointer: pointer.to_owned(),
            node_name: failure::node_name(pointer),
            report: format!("I[{pointer}] S[] {}", message.text).into(),
            message,
        }
    }
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
    code_addresses: Vec<DerivedAddress>,
}

/// A compiled identity schema; clones share it.
#[derive(Clone, Debug)]
pub struct IdentitySchema(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    id: String,
    document: Value,
    rules: rule::Rules,
    fields: Vec<nodes::Field>,
    keys: Vec<String>,
    has_phones: bool,
}

impl IdentitySchema {
    /// Checks a document and compiles it. The error names the place in the document and what to do.
    pub fn parse(id: &str, document: Value, _options: SchemaOptions) -> Result<Self, SchemaError> {
        meta::check(id, &document)?;
        let rules = compile::compile(id, &document)?;
        Ok(Self(Arc::new(Compiled {
            id: id.to_owned(),
            fields: nodes::fields(&rules),
            keys: nodes::keys(&document),
            has_phones: rules
                .list
                .iter()
                .any(|rule| rule.extension.as_ref().is_some_and(extension::Extension::is_phone)),
            rules,
            document,
        })))
    }

    /// The key in `identity.schemas`.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The document as it was given, for `GET /schemas/{id}`.
    pub fn document(&self) -> &Value {
        &self.0.document
    }

    /// Everything that is wrong with the traits, in Kratos' order; empty when nothing is.
    pub fn validate(&self, traits: &Value) -> Vec<TraitError> {
        let mut traits = traits.clone();
        self.run(&mut traits).1.map(failure::Failure::into_errors).unwrap_or_default()
    }

    /// The identifiers and addresses that follow from the traits, whose phone numbers become E.164.
    pub fn derive(&self, traits: &mut Value) -> Derived {
        self.run(traits).0
    }

    /// Gives the identity the addresses and the non-oidc credentials that follow from its traits.
    /// Equal addresses keep id and state, others are dropped, new ones are pending.
    pub fn reconcile(&self, identity: &mut Identity, now: Timestamp, new_id: &mut dyn FnMut() -> Uuid) {
        let derived = self.derive(&mut identity.traits);
        reconcile::apply(&derived, identity, now, new_id);
    }

    /// One input per leaf of the traits, by name; [`crate::Container::sort`] brings them into document order.
    pub fn trait_nodes(&self, group: Group) -> Vec<Node> {
        self.0.fields.iter().filter_map(|field| field.node(group)).collect()
    }

    /// The names of all leaves (`traits.email`, …) in document order.
    pub fn keys(&self) -> Vec<String> {
        self.0.keys.clone()
    }

    /// Whether the schema makes any trait an address that can be verified.
    pub fn has_verifiable_addresses(&self) -> bool {
        let mut extensions = self.0.rules.list.iter().filter_map(|rule| rule.extension.as_ref());
        extensions.any(extension::Extension::is_verifiable)
    }

    pub(crate) fn fields(&self) -> &[nodes::Field] {
        &self.0.fields
    }

    fn run(&self, traits: &mut Value) -> (Derived, Option<failure::Failure>) {
        let Compiled { rules, has_phones, .. } = &*self.0;
        if let (true, Some(rule)) = (*has_phones, rules.list[0].properties.get("traits")) {
            reconcile::normalise_phones(rules, *rule, traits, &mut Vec::new());
        }
        let mut document = Map::new();
        document.insert("traits".to_owned(), traits.take());
        let mut document = Value::Object(document);
        let mut run = validate::Run::new(rules);
        let failure = run.check(0, &document);
        *traits = document["traits"].take();
        (run.derived, failure)
    }
}

/// The text that the admin API puts into `error.reason` (contract §1.8); empty without errors.
pub fn admin_reason(errors: &[TraitError]) -> String {
    errors.first().map(|error| error.report.to_string()).unwrap_or_default()
}
