//! The form that a flow shows: a container of nodes and messages (Kratos: `ui/container`, `ui/node`).

mod errors;
mod sort;

use crate::message::Message;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a user interface draws for a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// Where the form is submitted to, including `?flow=<id>`.
    pub action: String,
    /// Always `POST`.
    pub method: String,
    /// The nodes in the order in which they are drawn.
    pub nodes: Vec<Node>,
    /// Messages about the flow as a whole; absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
}

impl Container {
    /// An empty form that is submitted to `action`.
    pub fn new(action: impl Into<String>) -> Self {
        Self { action: action.into(), method: "POST".to_owned(), nodes: Vec::new(), messages: Vec::new() }
    }

    /// The first node with this `name`, for example `traits.email`.
    pub fn node_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.attributes.name == name)
    }

    /// Removes messages of the form and of every node; Kratos does so before it adds new ones.
    pub fn clear_messages(&mut self) {
        self.messages.clear();
        self.nodes.iter_mut().for_each(|node| node.messages.clear());
    }
}

/// The method that a node belongs to; user interfaces group by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    Default,
    Oidc,
    Profile,
    Password,
    IdentifierFirst,
}

/// HTML input types that Kratos uses on social sign-in paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InputType {
    #[serde(rename = "hidden")]
    Hidden,
    #[serde(rename = "submit")]
    Submit,
    #[serde(rename = "text")]
    Text,
    #[serde(rename = "email")]
    Email,
    #[serde(rename = "tel")]
    Tel,
    #[serde(rename = "url")]
    Url,
    #[serde(rename = "number")]
    Number,
    #[serde(rename = "checkbox")]
    Checkbox,
    #[serde(rename = "date")]
    Date,
    #[serde(rename = "datetime-local")]
    DatetimeLocal,
    #[serde(rename = "password")]
    Password,
}

/// One choice of an input that has an `enum` in the identity schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputOption {
    pub value: Value,
}

/// Attributes of an input node. Kratos has other node types; social sign-in only meets inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputAttributes {
    pub name: String,
    #[serde(rename = "type")]
    pub input_type: InputType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    pub disabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autocomplete: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maxlength: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<InputOption>,
    /// Always `input`; user interfaces switch on it.
    pub node_type: NodeType,
}

/// The kind of a node; only inputs occur here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeType {
    Input,
}

/// What a node is called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Message>,
}

/// One element of the form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    #[serde(rename = "type")]
    pub node_type: NodeType,
    pub group: Group,
    pub attributes: InputAttributes,
    pub messages: Vec<Message>,
    pub meta: Meta,
}

impl Node {
    /// An input without value or label; the `with_…` methods add them.
    pub fn input(group: Group, name: impl Into<String>, input_type: InputType) -> Self {
        Self {
            node_type: NodeType::Input,
            group,
            attributes: InputAttributes {
                name: name.into(),
                input_type,
                value: None,
                required: false,
                disabled: false,
                autocomplete: None,
                pattern: None,
                maxlength: None,
                options: Vec::new(),
                node_type: NodeType::Input,
            },
            messages: Vec::new(),
            meta: Meta::default(),
        }
    }

    /// A button that submits `name=value`.
    pub fn submit(group: Group, name: &str, value: &str, label: Message) -> Self {
        Self::input(group, name, InputType::Submit).with_value(value).with_label(label)
    }

    /// The hidden anti-CSRF field; its value is filled in when the flow is rendered for a browser.
    pub fn csrf_token(value: &str) -> Self {
        let mut node = Self::input(Group::Default, "csrf_token", InputType::Hidden).with_value(value);
        node.attributes.required = true;
        node
    }

    #[must_use]
    pub fn with_value(mut self, value: impl Into<Value>) -> Self {
        self.attributes.value = Some(value.into());
        self
    }

    #[must_use]
    pub fn with_label(mut self, label: Message) -> Self {
        self.meta.label = Some(label);
        self
    }

    /// The value as text, if it has one that is text.
    pub fn value_str(&self) -> Option<&str> {
        self.attributes.value.as_ref().and_then(Value::as_str)
    }
}
