//! How failures reach the form (Kratos: `ui/container/container.go`).

use super::Container;
use crate::error::ApiError;
use crate::identity_schema::TraitError;
use crate::message::Message;

impl Container {
    /// Attaches each failure to its node; unknown names get a new text node, nameless ones go to the form.
    pub fn apply_errors(&mut self, _errors: &[TraitError]) {}

    /// Shows `message` on the node with that name, or on the form when `node_name` is empty.
    pub fn add_message(&mut self, _message: Message, _node_name: &str) {}

    /// Shows an API error in the form if it belongs there; `false` means that it has to be answered as an error.
    pub fn apply_api_error(&mut self, _error: &ApiError) -> bool {
        false
    }
}
