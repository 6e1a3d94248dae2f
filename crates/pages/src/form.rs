//! A flow's nodes as forms.
//!
//! Login and registration are one form, since what was typed has to travel with the provider's button. Settings has
//! one form for each group, so that saving the profile does not send half of a link.

use crate::node::{Node, Reader, Shape, Text};
use crate::safe_url;
use serde::Serialize;
use serde_json::Value;

/// More nodes than any schema makes.
const MAX_NODES: usize = 1000;

/// The message ids that change how a page looks.
pub(crate) mod id {
    pub(crate) const LINK_ACCOUNT: i64 = 1_010_016;
    pub(crate) const CONTINUE: i64 = 1_040_003;
}

/// A flow, ready for a template.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) method: &'static str,
    /// About the flow as a whole, and those of nodes that cannot be seen.
    pub(crate) messages: Vec<Text>,
    pub(crate) hidden: Vec<Node>,
    pub(crate) providers: Vec<Node>,
    pub(crate) fields: Vec<Node>,
    pub(crate) buttons: Vec<Node>,
    /// The button that Enter in a field presses, when another one comes first in the form.
    pub(crate) default_button: Option<Node>,
    /// The providers' button sends the fields, which therefore come before it and are checked.
    pub(crate) continues: bool,
    /// Somebody else's link waits for a sign-in.
    pub(crate) links_account: bool,
    pub(crate) csrf_token: String,
    /// Nothing to press and nothing to fill in.
    pub(crate) is_empty: bool,
}

/// A form for each group, in the order of the nodes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Section {
    pub(crate) group: String,
    pub(crate) form: Form,
}

impl Form {
    pub(crate) fn read(flow: &Value, reader: &Reader<'_>) -> Self {
        let nodes = read_nodes(flow, reader);
        Self::of(flow, reader.messages(&flow["ui"]["messages"]), nodes)
    }

    fn of(flow: &Value, mut messages: Vec<Text>, nodes: Vec<Node>) -> Self {
        let ui = &flow["ui"];
        let links_account = messages.iter().any(|message| message.id == id::LINK_ACCOUNT);
        let csrf_token = nodes.iter().find(|node| node.name == "csrf_token").map(|node| node.value.clone());
        let (hidden, seen): (Vec<_>, Vec<_>) = nodes.into_iter().partition(|node| node.shape == Shape::Hidden);
        for node in &hidden {
            messages.extend(node.messages.iter().cloned().map(|message| about(node, message)));
        }
        let (providers, seen): (Vec<_>, Vec<_>) = seen.into_iter().partition(|node| node.shape == Shape::Provider);
        let (buttons, fields): (Vec<_>, Vec<_>) = seen.into_iter().partition(|node| node.shape == Shape::Button);
        let is_entered = |node: &Node| matches!(node.shape, Shape::Field | Shape::Checkbox | Shape::Select);
        let has_fields = fields.iter().any(is_entered);
        let continues = has_fields
            && (buttons.is_empty() || providers.iter().any(|node| node.label_id == id::CONTINUE))
            && !providers.is_empty();
        let default_button = buttons.first().filter(|_| has_fields && !continues && !providers.is_empty()).cloned();
        Self {
            action: ui["action"].as_str().and_then(safe_url::link).unwrap_or_default(),
            method: if ui["method"].as_str().is_some_and(|m| m.eq_ignore_ascii_case("get")) { "get" } else { "post" },
            is_empty: providers.is_empty() && buttons.is_empty() && !has_fields,
            messages,
            hidden,
            providers,
            fields,
            buttons,
            default_button,
            continues,
            links_account,
            csrf_token: csrf_token.unwrap_or_default(),
        }
    }
}

/// The form of each group; hidden nodes of the default group are in all of them.
pub(crate) fn sections(flow: &Value, reader: &Reader<'_>) -> Vec<Section> {
    let (shared, own): (Vec<_>, Vec<_>) = read_nodes(flow, reader)
        .into_iter()
        .partition(|node| node.group == "default" && node.shape == Shape::Hidden && node.messages.is_empty());
    let mut groups: Vec<(String, Vec<Node>)> = Vec::new();
    for node in own {
        // What belongs to no group is part of the profile.
        let group = if node.group == "default" { "profile" } else { node.group.as_str() };
        match groups.iter_mut().find(|(known, _)| known == group) {
            Some((_, nodes)) => nodes.push(node),
            None => groups.push((group.to_owned(), vec![node])),
        }
    }
    let section = |(group, nodes): (String, Vec<Node>)| {
        let nodes = shared.iter().cloned().chain(nodes).collect();
        Section { group, form: Form::of(flow, Vec::new(), nodes) }
    };
    groups.into_iter().map(section).collect()
}

fn read_nodes(flow: &Value, reader: &Reader<'_>) -> Vec<Node> {
    let list = flow["ui"]["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let nodes = list.iter().take(MAX_NODES).enumerate().map(|(index, node)| reader.node(index, node));
    join_lists(nodes.collect())
}

/// Kratos: the items of a list are nodes of their own (`traits.tags.0`) beside an empty one (`traits.tags`), and only
/// the latter's name is read when it is sent. Items therefore take that name, and the empty one makes room.
fn join_lists(mut nodes: Vec<Node>) -> Vec<Node> {
    let names: Vec<String> = nodes.iter().map(|node| node.name.clone()).collect();
    let base = |name: &str| {
        let (base, index) = name.rsplit_once('.')?;
        let is_item = !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
        names.iter().position(|known| known == base).filter(|_| is_item)
    };
    let bases: Vec<Option<usize>> = names.iter().map(|name| base(name)).collect();
    let labels: Vec<String> = nodes.iter().map(|node| node.label.clone()).collect();
    for (index, found) in bases.iter().enumerate() {
        if let Some(found) = *found {
            let number = bases[..index].iter().filter(|earlier| **earlier == Some(found)).count() + 1;
            nodes[index].name.clone_from(&names[found]);
            nodes[index].label = format!("{} {number}", labels[found]);
            nodes[index].required = false;
        }
    }
    let mut kept = Vec::with_capacity(nodes.len());
    let mut moved: Vec<(usize, Node)> = Vec::new();
    for (index, node) in nodes.into_iter().enumerate() {
        match bases[index] {
            Some(found) => moved.push((found, node)),
            None => kept.push((index, node)),
        }
    }
    let mut out = Vec::with_capacity(kept.len() + moved.len());
    for (index, node) in kept {
        let mut items = moved.iter().filter(|(found, _)| *found == index).map(|(_, item)| item.clone()).peekable();
        if items.peek().is_none() || !node.value.is_empty() || !node.messages.is_empty() {
            out.push(node);
        }
        out.extend(items);
    }
    out
}

/// A message about something that cannot be seen says what it is about.
fn about(node: &Node, message: Text) -> Text {
    if node.label.is_empty() {
        return message;
    }
    Text { text: format!("{}: {}", node.label, message.text), ..message }
}
