//! One node of a flow, made ready for a template. Whatever it holds, something is shown for it.

use crate::catalogue::Catalogues;
use crate::provider_kind;
use crate::safe_url;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

const MAX_MESSAGES: usize = 50;
const MAX_OPTIONS: usize = 500;

/// How a node is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    Hidden,
    Field,
    Checkbox,
    Select,
    Provider,
    Button,
    Link,
    Picture,
    Text,
}

/// A message in the visitor's language.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Text {
    pub(crate) id: i64,
    pub(crate) text: String,
    /// `info`, `error` or `success`.
    pub(crate) kind: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Choice {
    value: String,
    label: String,
    selected: bool,
}

/// What templates know of a node.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Node {
    /// Unique in the page, and free of what the flow holds.
    pub(crate) dom_id: String,
    pub(crate) shape: Shape,
    pub(crate) group: String,
    pub(crate) name: String,
    /// The type of an input.
    pub(crate) input: &'static str,
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) label_id: i64,
    pub(crate) required: bool,
    pub(crate) disabled: bool,
    pub(crate) checked: bool,
    pub(crate) invalid: bool,
    pub(crate) autocomplete: String,
    pub(crate) pattern: String,
    pub(crate) maxlength: u64,
    /// Name of a text of the pages that explains the field, or empty.
    pub(crate) hint: &'static str,
    pub(crate) choices: Vec<Choice>,
    pub(crate) messages: Vec<Text>,
    /// Target of a link or source of a picture.
    pub(crate) url: String,
    /// Which mark a provider's button bears.
    pub(crate) kind: &'static str,
    /// The provider's own name.
    pub(crate) provider: String,
}

/// What reading nodes needs besides the nodes.
pub(crate) struct Reader<'a> {
    pub(crate) catalogues: &'a Catalogues,
    pub(crate) tag: &'a str,
    pub(crate) kinds: &'a BTreeMap<String, String>,
}

impl Reader<'_> {
    /// The messages of a form or node, each once.
    pub(crate) fn messages(&self, list: &Value) -> Vec<Text> {
        let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut texts: Vec<Text> = Vec::new();
        for message in list.iter().take(MAX_MESSAGES) {
            let text = self.catalogues.message(self.tag, message);
            let kind = match message["type"].as_str() {
                Some("error") => "error",
                Some("success") => "success",
                _ => "info",
            };
            if !text.is_empty() && !texts.iter().any(|known| known.text == text) {
                texts.push(Text { id: message["id"].as_i64().unwrap_or_default(), text, kind });
            }
        }
        texts
    }

    pub(crate) fn node(&self, index: usize, node: &Value) -> Node {
        let attributes = &node["attributes"];
        let text = |key: &str| attributes[key].as_str().unwrap_or_default().to_owned();
        let label = &node["meta"]["label"];
        let messages = self.messages(&node["messages"]);
        let mut out = Node {
            dom_id: format!("n{index}"),
            shape: Shape::Text,
            group: node["group"].as_str().unwrap_or("default").to_owned(),
            name: text("name"),
            input: "text",
            value: plain(&attributes["value"]),
            label: self.catalogues.message(self.tag, label),
            label_id: label["id"].as_i64().unwrap_or_default(),
            required: attributes["required"] == true,
            disabled: attributes["disabled"] == true,
            checked: matches!(plain(&attributes["value"]).as_str(), "true" | "on" | "1"),
            invalid: messages.iter().any(|message| message.kind == "error"),
            autocomplete: text("autocomplete"),
            pattern: anywhere(&text("pattern")),
            maxlength: attributes["maxlength"].as_u64().unwrap_or_default(),
            hint: "",
            choices: Vec::new(),
            messages,
            url: String::new(),
            kind: "generic",
            provider: String::new(),
        };
        match node["type"].as_str().unwrap_or("input") {
            "input" => self.input(&mut out, attributes, label),
            "a" => {
                out.shape = Shape::Link;
                out.url = safe_url::link(&text("href")).unwrap_or_default();
                out.label = self.or_message(out.label, &attributes["title"]);
            }
            "img" => {
                out.shape = Shape::Picture;
                out.url = safe_url::picture(&text("src")).unwrap_or_default();
            }
            // Nothing that a script node would do may happen here; the pages work without.
            "script" => out.shape = Shape::Hidden,
            _ => out.value = self.or_message(plain(&attributes["text"]), &attributes["text"]),
        }
        out
    }

    /// `text`, or where there is none the message's own.
    fn or_message(&self, text: String, message: &Value) -> String {
        if text.is_empty() && message.is_object() { self.catalogues.message(self.tag, message) } else { text }
    }

    fn input(&self, out: &mut Node, attributes: &Value, label: &Value) {
        if out.label.is_empty() {
            out.label = self.or_message(String::new(), &attributes["label"]);
        }
        let kind = attributes["type"].as_str().unwrap_or("text");
        (out.shape, out.input) = match kind {
            "hidden" => (Shape::Hidden, "hidden"),
            "submit" | "button" if is_provider(out) => (Shape::Provider, "submit"),
            "submit" | "button" => (Shape::Button, "submit"),
            "checkbox" => (Shape::Checkbox, "checkbox"),
            "email" => (Shape::Field, "email"),
            "tel" => (Shape::Field, "tel"),
            "url" => (Shape::Field, "url"),
            "number" => (Shape::Field, "number"),
            "date" => (Shape::Field, "date"),
            "password" => (Shape::Field, "password"),
            // The browser's own control neither shows nor sends the offset from UTC, which the schema demands.
            "datetime-local" => {
                out.hint = "field.datetime";
                (Shape::Field, "text")
            }
            _ => (Shape::Field, "text"),
        };
        if out.shape == Shape::Provider {
            let context = |key: &str| label["context"][key].as_str();
            let id = context("provider_id").unwrap_or(&out.value);
            out.provider = context("provider").unwrap_or(id).to_owned();
            out.kind = provider_kind::kind(self.kinds, id, &out.provider);
        }
        if out.label.is_empty() && out.shape != Shape::Hidden {
            out.label = self.name_as_label(out);
        }
        if out.shape == Shape::Field {
            self.choices(out, &attributes["options"]);
            if out.autocomplete.is_empty() {
                out.autocomplete = purpose(&out.name).to_owned();
            }
        }
    }

    fn choices(&self, out: &mut Node, options: &Value) {
        let Some(options) = options.as_array().filter(|options| !options.is_empty()) else { return };
        out.shape = Shape::Select;
        let word = |value: &str| self.catalogues.get(self.tag).word(&out.name, value).unwrap_or(value).to_owned();
        let choices = options.iter().take(MAX_OPTIONS).map(|option| {
            let value = plain(&option["value"]);
            Choice { label: word(&value), selected: value == out.value, value }
        });
        out.choices = choices.collect();
    }

    /// A schema without titles still gets readable fields: `traits.first_name` becomes `First name`.
    fn name_as_label(&self, node: &Node) -> String {
        let name = if matches!(node.shape, Shape::Button | Shape::Provider) { &node.value } else { &node.name };
        let last = name.rsplit('.').next().unwrap_or(name).replace(['_', '-'], " ");
        let mut chars = last.chars();
        let label = chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or(last.clone());
        self.catalogues.get(self.tag).word("title", &label).unwrap_or(&label).to_owned()
    }
}

fn is_provider(node: &Node) -> bool {
    node.group == "oidc" && matches!(node.name.as_str(), "provider" | "link" | "unlink")
}

/// A value as the text that a form holds. Objects stay JSON.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A schema's pattern may match anywhere in the text, one of HTML has to match all of it.
fn anywhere(pattern: &str) -> String {
    if pattern.is_empty() { String::new() } else { format!(".*(?:{pattern}).*") }
}

/// What a field is for, so that browsers and assistive technology can fill it (WCAG 1.3.5).
fn purpose(name: &str) -> &'static str {
    match name.strip_prefix("traits.").unwrap_or_default() {
        "email" => "email",
        "name" | "full_name" | "display_name" => "name",
        "name.first" | "first_name" | "given_name" | "firstname" => "given-name",
        "name.last" | "last_name" | "family_name" | "lastname" | "surname" => "family-name",
        "username" | "user_name" => "username",
        "phone" | "phone_number" => "tel",
        "organization" | "company" => "organization",
        _ => "",
    }
}
