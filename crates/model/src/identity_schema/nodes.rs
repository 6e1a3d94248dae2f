//! The form that a schema asks for: its leaves, their inputs and their order (Kratos: `jsonschemax/keys.go`,
//! `schema.GetKeysInOrder`).

use super::rule::{Items, Rule, RuleId, Rules};
use crate::message::Message;
use crate::ui::{Group, InputOption, InputType, Node};
use serde_json::Value;

/// Attack stopped: a schema with endless choices would inflate every answer (Kratos has the same limit).
const OPTIONS_MAX: usize = 500;

/// What a form's text becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Bool,
    TextList,
    NumberList,
    BoolList,
    List,
    /// An object, or something that only JSON can express; such properties have no input.
    Json,
}

/// A property of the traits that a form may fill.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Property names from `traits` down.
    pub(crate) path: Vec<String>,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    hidden: bool,
    node: Node,
}

impl Field {
    pub(crate) fn name(&self) -> &str {
        &self.node.attributes.name
    }

    /// The input of this field; `None` for what has none.
    pub(super) fn node(&self, group: Group) -> Option<Node> {
        let shown = self.kind != Kind::Json && !self.hidden;
        shown.then(|| Node { group, ..self.node.clone() })
    }
}

/// All fields below `traits`, by name, as Kratos lists them.
pub(super) fn fields(rules: &Rules) -> Vec<Field> {
    let mut walk = Walk { rules, fields: Vec::new(), visited: Vec::new() };
    if let Some(traits) = rules.list.first().and_then(|root| root.properties.get("traits")) {
        walk.visit(*traits, Some(0), &mut vec!["traits".to_owned()]);
    }
    let mut fields = walk.fields;
    fields.sort_by(|a, b| a.name().cmp(b.name()));
    // Kratos: of several descriptions of one property the last one counts.
    fields.reverse();
    fields.dedup_by(|later, earlier| later.name() == earlier.name());
    fields.reverse();
    fields
}

struct Walk<'a> {
    rules: &'a Rules,
    fields: Vec<Field>,
    visited: Vec<RuleId>,
}

impl Walk<'_> {
    fn visit(&mut self, id: RuleId, parent: Option<RuleId>, path: &mut Vec<String>) {
        // A schema that refers to itself has no end; the form shows its first round.
        if self.visited.contains(&id) {
            return;
        }
        self.visited.push(id);
        let rule = &self.rules.list[id];
        let kind = kind_of(self.rules, rule);
        if kind.is_some() || rule.has_default {
            let required = parent
                .map(|parent| &self.rules.list[parent].required)
                .zip(path.last())
                .is_some_and(|(required, name)| required.contains(name));
            self.fields.push(field(rule, kind, required, path));
        }
        let parts = [rule.reference, rule.not, rule.condition, rule.then, rule.otherwise];
        let lists = [&rule.all_of, &rule.any_of, &rule.one_of];
        for part in parts.into_iter().flatten().chain(lists.into_iter().flatten().copied()) {
            self.visit(part, Some(id), path);
        }
        for (name, part) in &rule.properties {
            path.push(name.clone());
            self.visit(*part, Some(id), path);
            path.pop();
        }
        self.visited.pop();
    }
}

fn field(rule: &Rule, kind: Option<Kind>, required: bool, path: &[String]) -> Field {
    let name = path.join(".");
    let (input_type, autocomplete) = input_type(&rule.format, kind);
    let mut node = Node::input(Group::Default, name.clone(), input_type);
    node.attributes.autocomplete = autocomplete.map(str::to_owned);
    node.attributes.required = required;
    node.attributes.disabled = rule.disabled;
    node.attributes.pattern = rule.pattern.as_ref().map(|pattern| pattern.source.clone());
    let choices = rule.choices.iter().take(OPTIONS_MAX);
    node.attributes.options = choices.map(|value| InputOption { value: value.clone() }).collect();
    if !rule.title.is_empty() {
        node.meta.label = Some(Message::trait_label(&rule.title, &name));
    }
    Field { path: path.to_vec(), kind: kind.unwrap_or(Kind::Json), required, hidden: kind.is_none(), node }
}

fn input_type(format: &str, kind: Option<Kind>) -> (InputType, Option<&'static str>) {
    match (format, kind) {
        ("date-time", _) => (InputType::DatetimeLocal, None),
        ("date", _) => (InputType::Date, None),
        ("email", _) => (InputType::Email, Some("email")),
        ("tel", _) => (InputType::Tel, Some("tel")),
        ("uri", _) => (InputType::Url, Some("url")),
        ("regex", _) => (InputType::Text, None),
        (_, Some(Kind::Number)) => (InputType::Number, None),
        (_, Some(Kind::Bool)) => (InputType::Checkbox, None),
        _ => (InputType::Text, None),
    }
}

fn kind_of(rules: &Rules, rule: &Rule) -> Option<Kind> {
    if let Some(constant) = &rule.constant {
        return Some(match constant {
            Value::Number(_) => Kind::Number,
            Value::String(_) => Kind::Text,
            Value::Bool(_) => Kind::Bool,
            _ => Kind::Json,
        });
    }
    // Kratos: a property with several types, or none, has no input.
    let [only] = rule.types.as_slice() else {
        return None;
    };
    match only.as_str() {
        "boolean" => Some(Kind::Bool),
        "number" | "integer" => Some(Kind::Number),
        "string" => Some(Kind::Text),
        "array" => Some(list_kind(rules, rule)),
        "object" => Some(Kind::Json),
        _ => None,
    }
}

fn list_kind(rules: &Rules, rule: &Rule) -> Kind {
    let items = match &rule.items {
        Some(Items::Each(item)) => std::slice::from_ref(item),
        Some(Items::Tuple(items)) => items.as_slice(),
        None => return Kind::List,
    };
    let mut types: Vec<&str> = Vec::new();
    for item in items.iter().map(|item| &rules.list[*item]) {
        types.extend(item.types.iter().map(String::as_str));
        if let Some(target) = item.reference {
            types.extend(rules.list[target].types.iter().map(String::as_str));
        }
    }
    types.dedup();
    match types.as_slice() {
        ["boolean"] => Kind::BoolList,
        ["number" | "integer"] => Kind::NumberList,
        ["string"] => Kind::TextList,
        [_] => Kind::Json,
        _ => Kind::List,
    }
}

/// The names of all leaves in document order; forms are sorted by them.
pub(super) fn keys(document: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    collect_keys(document, &mut Vec::new(), &mut keys);
    keys
}

fn collect_keys(schema: &Value, parents: &mut Vec<String>, keys: &mut Vec<String>) {
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        keys.push(parents.join("."));
        return;
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, inner) in properties.into_iter().flatten() {
        parents.push(name.replace('.', "\\."));
        collect_keys(inner, parents, keys);
        parents.pop();
    }
}

/// Fills the nodes with traits; leaves without a node get one, as Kratos does, so that nothing is lost on submit.
pub fn set_values(nodes: &mut Vec<Node>, traits: &Value, group: Group) {
    let mut name = "traits".to_owned();
    set_value(nodes, traits, group, &mut name);
}

fn set_value(nodes: &mut Vec<Node>, value: &Value, group: Group, name: &mut String) {
    let length = name.len();
    let mut inside = |token: &str, inner: &Value| {
        name.push('.');
        name.push_str(token);
        set_value(nodes, inner, group, name);
        name.truncate(length);
    };
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                inside(&key.replace('.', "\\."), inner);
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                inside(&index.to_string(), inner);
            }
        }
        leaf => set_leaf(nodes, leaf, group, name),
    }
}

fn set_leaf(nodes: &mut Vec<Node>, leaf: &Value, group: Group, name: &str) {
    let value = (!leaf.is_null()).then(|| leaf.clone());
    if let Some(node) = nodes.iter_mut().find(|node| node.attributes.name == name) {
        node.attributes.value = value;
        node.group = group;
        return;
    }
    let input_type = match leaf {
        Value::Number(_) => InputType::Number,
        Value::Bool(_) => InputType::Checkbox,
        _ => InputType::Text,
    };
    let mut node = Node::input(group, name, input_type);
    node.attributes.value = value;
    nodes.push(node);
}
