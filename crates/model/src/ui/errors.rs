//! How failures reach the form (Kratos: `ui/container/container.go`).

use super::{Container, Group, InputType, Node};
use crate::error::{self, ApiError};
use crate::identity_schema::TraitError;
use crate::message::Message;

impl Container {
    /// Attaches each failure to its node; unknown names get a new text node, nameless ones go to the form.
    /// Kratos: such new nodes belong to the group `default`, whatever the flow uses for its traits.
    pub fn apply_errors(&mut self, errors: &[TraitError]) {
        for error in errors {
            self.add_message(error.message.clone(), &error.node_name);
        }
    }

    /// Shows `message` on the node with that name, or on the form when `node_name` is empty.
    pub fn add_message(&mut self, message: Message, node_name: &str) {
        if node_name.trim().is_empty() {
            self.messages.push(message);
        } else if let Some(node) = self.node_mut(node_name) {
            node.messages.push(message);
        } else {
            let mut node = Node::input(Group::Default, node_name, InputType::Text);
            node.messages.push(message);
            self.nodes.push(node);
        }
    }

    /// Shows an API error in the form if it belongs there; `false` means that it has to be answered as an error.
    pub fn apply_api_error(&mut self, error: &ApiError) -> bool {
        let message = match (error.id.as_deref(), error.code) {
            (Some(error::id::IDENTITY_DISABLED), _) => Message::identity_disabled(),
            (_, 400) => Message::generic(error.reason.as_deref().unwrap_or("")),
            _ => return false,
        };
        self.messages.push(message);
        true
    }

    /// Removes messages and the values of all nodes except those named.
    pub fn reset(&mut self, keep: &[&str]) {
        self.clear_messages();
        for node in &mut self.nodes {
            if !keep.contains(&node.attributes.name.as_str()) {
                node.attributes.value = None;
            }
        }
    }
}
