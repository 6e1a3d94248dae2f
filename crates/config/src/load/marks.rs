//! Line and column of every key of a document.

use std::collections::BTreeMap;

use marked_yaml::{LoaderOptions, Marker, Node};

/// A position, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Positions of one value and of everything below it.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    key: Option<Mark>,
    value: Mark,
    children: BTreeMap<String, Marks>,
}

impl Marks {
    /// The positions of the value at this path.
    pub(super) fn get(&self, path: &[String]) -> Option<&Self> {
        match path.split_first() {
            None => Some(self),
            Some((first, rest)) => self.children.get(first)?.get(rest),
        }
    }

    /// Where the value stands.
    pub(super) fn value(&self) -> Mark {
        self.value
    }

    /// Where its key stands; list items have none.
    pub(super) fn key(&self) -> Mark {
        self.key.unwrap_or(self.value)
    }
}

/// Positions in a YAML or JSON text. Best effort: a text that the position parser cannot read has none.
pub(super) fn of_yaml(text: &str) -> Marks {
    let options = || match text.trim_start().starts_with('[') {
        true => LoaderOptions::default().toplevel_sequence(),
        false => LoaderOptions::default().toplevel_mapping(),
    };
    marked_yaml::parse_yaml_with_options(0, text, options())
        .or_else(|_| marked_yaml::parse_yaml_with_options(0, without_anchors(text), options()))
        .map(|node| of_node(&node, None))
        .unwrap_or_default()
}

fn of_node(node: &Node, key: Option<Mark>) -> Marks {
    let mut children = BTreeMap::new();
    let mut value = mark(node.span().start()).unwrap_or_default();
    match node {
        // The parser puts an empty value at whatever follows it.
        Node::Scalar(text) if text.as_str().is_empty() && key.is_some_and(|key| key.line < value.line) => {
            value = key.unwrap_or_default();
        }
        Node::Scalar(_) => {}
        Node::Mapping(entries) => {
            for (name, child) in entries.iter() {
                let key = mark(name.span().start());
                // The parser puts a block at the colon of its first key.
                value = key.filter(|key| *key < value).unwrap_or(value);
                children.insert(name.as_str().to_owned(), of_node(child, key));
            }
        }
        Node::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                children.insert(index.to_string(), of_node(item, None));
            }
        }
    }
    Marks { key, value, children }
}

fn mark(marker: Option<&Marker>) -> Option<Mark> {
    marker.map(|marker| Mark { line: marker.line(), column: marker.column() })
}

/// Blanks what the position parser does not read (anchors, aliases, tags, tabs) without moving anything else.
fn without_anchors(text: &str) -> String {
    let mut blanked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut before = ' ';
        let mut blanking = false;
        for c in line.chars() {
            let starts = matches!(c, '&' | '*' | '!')
                && before.is_whitespace()
                && !blanked.trim_end().ends_with(char::is_alphanumeric);
            blanking = (blanking || starts) && !c.is_whitespace() && !matches!(c, ',' | ']' | '}');
            blanked.push(if blanking || c == '\t' { ' ' } else { c });
            before = c;
        }
    }
    blanked
}

/// Positions in a TOML document.
pub(super) fn of_toml(text: &str, item: &toml_edit::Item) -> Marks {
    of_toml_item(text, item, None)
}

fn of_toml_item(text: &str, item: &toml_edit::Item, key: Option<Mark>) -> Marks {
    let at = |span: Option<std::ops::Range<usize>>| {
        span.map(|span| {
            let (line, column) = line_and_column(text, span.start);
            Mark { line, column }
        })
    };
    let mut children = BTreeMap::new();
    if let Some(table) = item.as_table_like() {
        for (name, child) in table.iter() {
            let key = at(table.key(name).and_then(toml_edit::Key::span));
            children.insert(name.to_owned(), of_toml_item(text, child, key));
        }
    } else if let Some(tables) = item.as_array_of_tables() {
        for (index, table) in tables.iter().enumerate() {
            children.insert(index.to_string(), of_toml_item(text, &toml_edit::Item::Table(table.clone()), None));
        }
    } else if let Some(items) = item.as_array() {
        for (index, value) in items.iter().enumerate() {
            children.insert(index.to_string(), of_toml_item(text, &toml_edit::Item::Value(value.clone()), None));
        }
    }
    Marks { key, value: at(item.span()).or(key).unwrap_or_default(), children }
}

/// Line and column, from 1, of a byte offset.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
