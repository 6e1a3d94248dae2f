//! The order in which a form's nodes are delivered (Kratos: `ui/node/node.go`); user interfaces draw in it.

use super::{Container, Group, Node};
use crate::flow::FlowKind;
use crate::identity_schema::go_text;
use serde_json::Value;

impl Container {
    /// Puts the nodes into Kratos' order. `schema_keys` are [`crate::IdentitySchema::keys`].
    pub fn sort(&mut self, kind: FlowKind, schema_keys: &[String]) {
        let keys = key_order(kind, schema_keys);
        self.nodes.sort_by_key(|node| group_rank(kind, node.group));
        let mut placed: Vec<(Place, Node)> = Vec::with_capacity(self.nodes.len());
        // Kratos: nodes of different groups are never compared, so a node only moves past its own group.
        // That is no total order; an insertion sort is what gives it a meaning.
        for node in self.nodes.drain(..) {
            let place = Place::of(&node, &keys);
            let passed = placed.iter().rev().take_while(|(other, _)| place.precedes(other)).count();
            placed.insert(placed.len() - passed, (place, node));
        }
        self.nodes.extend(placed.into_iter().map(|(_, node)| node));
    }
}

/// What decides about the place of a node inside its group.
struct Place {
    group: Group,
    key: usize,
    value: String,
}

impl Place {
    fn of(node: &Node, keys: &[&str]) -> Self {
        let name = node.attributes.name.as_str();
        let key = match name {
            "method" => usize::MAX,
            name => keys.iter().position(|key| name.starts_with(key)).unwrap_or(keys.len()),
        };
        let value = match &node.attributes.value {
            None | Some(Value::Null) => "<nil>".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.as_f64().map(go_text::float).unwrap_or_default(),
            Some(other) => other.to_string(),
        };
        let group = match node.group {
            Group::Password => Group::Default,
            group => group,
        };
        Self { group, key, value }
    }

    fn precedes(&self, other: &Self) -> bool {
        self.group == other.group && (self.key, &self.value) < (other.key, &other.value)
    }
}

fn key_order(kind: FlowKind, schema_keys: &[String]) -> Vec<&str> {
    let schema = schema_keys.iter().map(String::as_str);
    match kind {
        FlowKind::Login => vec!["csrf_token", "identifier", "password"],
        FlowKind::Registration => std::iter::once("csrf_token")
            .chain(schema.clone().take(1))
            .chain(std::iter::once("password"))
            .chain(schema.skip(1))
            .collect(),
        FlowKind::Settings => schema.collect(),
    }
}

/// Groups that a flow doesn't know come first.
fn group_rank(kind: FlowKind, group: Group) -> i8 {
    let order: &[Group] = match kind {
        FlowKind::Login => &[Group::Oidc, Group::Default, Group::Password],
        FlowKind::Registration => &[Group::Oidc, Group::Default, Group::Password, Group::Profile],
        FlowKind::Settings => &[Group::Default, Group::Profile, Group::Password, Group::Oidc],
    };
    order.iter().position(|known| *known == group).and_then(|place| i8::try_from(place).ok()).unwrap_or(-1)
}
