//! Files and variables laid over each other: figment merges the values, and each layer remembers where its keys stand.

use std::path::PathBuf;

use figment::value::{Dict, Map as ProfileMap};
use figment::{Figment, Metadata, Profile, Provider};
use serde_json::Value;

use super::marks::Marks;
use crate::finding::{KeyPath, Location};

/// Where a layer comes from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    File(PathBuf),
    Variable(String),
    Override,
}

/// One file, variable or override. `value` is what it sets at `at`.
pub(super) struct Layer {
    pub(super) origin: Origin,
    pub(super) at: KeyPath,
    pub(super) value: Value,
    pub(super) marks: Marks,
}

impl Layer {
    /// What this layer sets at a path, if anything.
    fn get(&self, path: &KeyPath) -> Option<&Value> {
        let rest = path.parts().strip_prefix(self.at.parts())?;
        rest.iter().try_fold(&self.value, |value, part| match value {
            Value::Object(entries) => entries.get(part),
            Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Whether it sets this path, or something below it.
    fn touches(&self, path: &KeyPath) -> bool {
        self.get(path).is_some() || self.at.starts_with(path)
    }

    fn location(&self, path: &KeyPath, of_key: bool) -> Location {
        let mark = path
            .parts()
            .strip_prefix(self.at.parts())
            .and_then(|rest| self.marks.get(rest))
            .map(|marks| if of_key { marks.key() } else { marks.value() })
            .unwrap_or_default();
        match &self.origin {
            Origin::File(file) => Location::File { file: file.clone(), line: mark.line, column: mark.column },
            Origin::Variable(name) => Location::Variable { name: name.clone(), line: mark.line, column: mark.column },
            Origin::Override => Location::Override,
        }
    }

    /// The value with its path around it, as one tree from the root.
    fn tree(&self) -> Value {
        self.at.parts().iter().rev().fold(self.value.clone(), |value, part| serde_json::json!({ part: value }))
    }
}

/// Lets figment merge a layer: maps by key, everything else replaced.
impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named("configuration")
    }

    fn data(&self) -> Result<ProfileMap<Profile, Dict>, figment::Error> {
        let value = figment::value::Value::serialize(self.tree())?;
        let dict = value.into_dict().ok_or_else(|| figment::Error::from("not a map".to_owned()))?;
        Ok(Profile::Default.collect(dict))
    }
}

/// All layers, lowest first.
#[derive(Default)]
pub(super) struct Layers(pub(super) Vec<Layer>);

impl Layers {
    /// The merged configuration.
    pub(super) fn merge(&self) -> Result<Value, Box<figment::Error>> {
        let mut figment = Figment::new();
        let mut items = Vec::new();
        for layer in &self.0 {
            // A path through a list cannot be merged by key; it is laid over afterwards.
            if layer.at.parts().iter().any(is_index) {
                items.push(layer);
            } else {
                figment = figment.merge(layer);
            }
        }
        let mut merged = figment.extract::<Value>().map_err(Box::new)?;
        for layer in items {
            set(&mut merged, layer.at.parts(), layer.value.clone());
        }
        Ok(merged)
    }

    /// Where the value at this path was written: the last layer that sets it, else the nearest block around it.
    pub(super) fn locate(&self, path: &KeyPath) -> Location {
        self.find(path, false)
    }

    /// Where the key at this path was written.
    pub(super) fn locate_key(&self, path: &KeyPath) -> Location {
        self.find(path, true)
    }

    fn find(&self, path: &KeyPath, of_key: bool) -> Location {
        let layers = self.visible(path);
        let mut around = path.clone();
        loop {
            if let Some(layer) = layers.iter().rev().find(|layer| layer.get(&around).is_some()) {
                return layer.location(&around, of_key && around == *path);
            }
            if around.parts().is_empty() {
                return Location::Unknown;
            }
            around = around.parent();
        }
    }

    /// The layers that count for a path: a list in a later layer hides the items of earlier ones.
    fn visible(&self, path: &KeyPath) -> &[Layer] {
        let mut start = 0;
        let mut around = path.clone();
        while !around.parts().is_empty() {
            if around.last().is_some_and(is_index) {
                let list = around.parent();
                let owner = self.0.iter().rposition(|layer| layer.get(&list).is_some_and(Value::is_array));
                start = start.max(owner.unwrap_or(0));
            }
            around = around.parent();
        }
        self.0.get(start..).unwrap_or_default()
    }

    /// The variable that sets the list holding this path, if a file sets the same key in its own list: what a user of
    /// Kratos expects to be completed from the file.
    pub(super) fn completed_by_file_in_kratos(&self, path: &KeyPath) -> Option<&str> {
        let Some(Layer { origin: Origin::Variable(name), .. }) = self.visible(path).first() else {
            return None;
        };
        let in_file = self.0.iter().any(|layer| matches!(layer.origin, Origin::File(_)) && layer.get(path).is_some());
        in_file.then_some(name)
    }

    /// Whether any layer sets this path or something below it.
    pub(super) fn sets(&self, path: &KeyPath) -> bool {
        self.0.iter().any(|layer| layer.touches(path))
    }

    /// Lists that a variable replaces: their path, the variable, its length, and the length of the list below it.
    pub(super) fn lists_from_variables(&self) -> Vec<(&KeyPath, &str, usize, usize)> {
        let mut lists = Vec::new();
        for (index, layer) in self.0.iter().enumerate() {
            if let (Origin::Variable(name), Value::Array(items)) = (&layer.origin, &layer.value) {
                let below = self.0.get(..index).unwrap_or_default();
                let lengths = below.iter().filter_map(|lower| lower.get(&layer.at)?.as_array().map(Vec::len));
                lists.push((&layer.at, name.as_str(), items.len(), lengths.max().unwrap_or(0)));
            }
        }
        lists
    }
}

pub(super) fn is_index(part: impl AsRef<str>) -> bool {
    let part = part.as_ref();
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Sets one value inside a tree; a list grows by one item at a time. `false` if there is no such place.
pub(super) fn set(tree: &mut Value, path: &[String], value: Value) -> bool {
    let Some((first, rest)) = path.split_first() else {
        *tree = value;
        return true;
    };
    if is_index(first) {
        if tree.is_null() {
            *tree = Value::Array(Vec::new());
        }
        let (Value::Array(items), Ok(index)) = (tree, first.parse::<usize>()) else {
            return false;
        };
        if index == items.len() {
            items.push(Value::Null);
        }
        return items.get_mut(index).is_some_and(|item| set(item, rest, value));
    }
    if tree.is_null() {
        *tree = Value::Object(serde_json::Map::new());
    }
    match tree {
        Value::Object(entries) => set(entries.entry(first.clone()).or_insert(Value::Null), rest, value),
        _ => false,
    }
}
