//! From the document to rules: every schema in it once, references followed, patterns compiled.

use super::SchemaError;
use super::extension::{Extension, KEYWORD};
use super::failure::{escape, unescape};
use super::formats;
use super::rule::{Dependency, Items, Pattern, Rest, Rule, RuleId, Rules};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Compiles a document that the meta-rules have accepted.
pub(super) fn compile(id: &str, document: &Value) -> Result<Rules, SchemaError> {
    let mut compiler = Compiler {
        id,
        document,
        base: document.get("$id").and_then(Value::as_str).unwrap_or(""),
        anchors: HashMap::new(),
        known: HashMap::new(),
        rules: Rules::default(),
    };
    compiler.find_anchors(document, "#");
    compiler.rule("#", document)?;
    compiler.refuse_endless_references()?;
    Ok(compiler.rules)
}

struct Compiler<'a> {
    id: &'a str,
    document: &'a Value,
    base: &'a str,
    /// `$id: "#name"` to its pointer.
    anchors: HashMap<String, String>,
    /// Pointer to rule, so that each schema is compiled once and cycles end.
    known: HashMap<String, RuleId>,
    rules: Rules,
}

impl Compiler<'_> {
    fn error(&self, pointer: &str, problem: impl Into<String>) -> SchemaError {
        SchemaError::new(self.id, pointer, problem)
    }

    fn find_anchors(&mut self, value: &Value, pointer: &str) {
        match value {
            Value::Object(map) => {
                if let Some(anchor) = map.get("$id").and_then(Value::as_str)
                    && anchor.starts_with('#')
                {
                    self.anchors.insert(anchor.to_owned(), pointer.to_owned());
                }
                for (key, inner) in map {
                    self.find_anchors(inner, &format!("{pointer}/{}", escape(key)));
                }
            }
            Value::Array(list) => {
                for (index, inner) in list.iter().enumerate() {
                    self.find_anchors(inner, &format!("{pointer}/{index}"));
                }
            }
            _ => {}
        }
    }

    fn rule(&mut self, pointer: &str, schema: &Value) -> Result<RuleId, SchemaError> {
        if let Some(known) = self.known.get(pointer) {
            return Ok(*known);
        }
        let place = self.rules.list.len();
        self.known.insert(pointer.to_owned(), place);
        self.rules.list.push(Rule::default());
        let mut rule = match schema {
            Value::Bool(always) => Rule { always: Some(*always), ..Rule::default() },
            Value::Object(map) => match map.get("$ref").and_then(Value::as_str) {
                Some(reference) => Rule { reference: Some(self.reference(pointer, reference)?), ..Rule::default() },
                None => self.keywords(pointer, map)?,
            },
            _ => return Err(self.error(pointer, "a schema must be an object or a boolean")),
        };
        pointer.clone_into(&mut rule.pointer);
        self.rules.list[place] = rule;
        Ok(place)
    }

    fn reference(&mut self, at: &str, reference: &str) -> Result<RuleId, SchemaError> {
        let fragment = match reference.strip_prefix(self.base) {
            Some(rest) if rest.is_empty() || rest.starts_with('#') => rest,
            _ => reference,
        };
        let pointer = match fragment {
            "" | "#" | "#/" => "#".to_owned(),
            path if path.starts_with("#/") => {
                path.split('/').map(|t| escape(&unescape(t))).collect::<Vec<_>>().join("/").replacen("%23", "#", 1)
            }
            anchor if anchor.starts_with('#') => match self.anchors.get(anchor) {
                Some(pointer) => pointer.clone(),
                None => {
                    return Err(self.error(at, format!("`$ref` names {anchor:?}, which is nowhere in the document")));
                }
            },
            _ => {
                return Err(self.error(
                    at,
                    format!("`$ref` leads out of the document ({reference:?}); put the schema under `definitions` and refer to it as `#/definitions/…`"),
                ));
            }
        };
        let document = self.document;
        let mut target = document;
        for token in pointer.split('/').skip(1) {
            let name = unescape(token);
            target = match target {
                Value::Object(map) => map.get(&name),
                Value::Array(list) => name.parse::<usize>().ok().and_then(|i| list.get(i)),
                _ => None,
            }
            .ok_or_else(|| self.error(at, format!("`$ref` names {reference:?}, which is nowhere in the document")))?;
        }
        self.rule(&pointer, target)
    }

    fn keywords(&mut self, at: &str, map: &Map<String, Value>) -> Result<Rule, SchemaError> {
        let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
        let count = |key: &str| {
            map.get(key).and_then(Value::as_f64).map(|n| {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "the meta-schema wants a count"
                )]
                let count = n as u64;
                count
            })
        };
        let number = |key: &str| map.get(key).and_then(Value::as_f64);
        let format = text("format");
        let extension = match map.get(KEYWORD) {
            Some(keyword) => Some(
                Extension::parse(keyword, &format)
                    .map_err(|problem| self.error(&format!("{at}/{}", escape(KEYWORD)), problem))?,
            ),
            None => None,
        };
        Ok(Rule {
            title: text("title"),
            disabled: map.get("disableFormField") == Some(&Value::Bool(true)),
            has_default: map.contains_key("default"),
            types: match map.get("type") {
                Some(Value::String(name)) => vec![name.clone()],
                other => strings(other),
            },
            constant: map.get("const").cloned(),
            choices: map.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
            format,
            not: self.child(at, map, "not")?,
            all_of: self.children(at, map, "allOf")?,
            any_of: self.children(at, map, "anyOf")?,
            one_of: self.children(at, map, "oneOf")?,
            condition: self.child(at, map, "if")?,
            then: self.child(at, map, "then")?,
            otherwise: self.child(at, map, "else")?,
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
            required: strings(map.get("required")),
            properties: self.named(at, map, "properties")?.into_iter().collect(),
            property_names: self.child(at, map, "propertyNames")?,
            pattern_properties: self.pattern_properties(at, map)?,
            additional_properties: self.rest(at, map, "additionalProperties")?,
            dependencies: self.dependencies(at, map)?,
            min_items: count("minItems"),
            max_items: count("maxItems"),
            unique_items: map.get("uniqueItems") == Some(&Value::Bool(true)),
            items: match map.get("items") {
                Some(Value::Array(_)) => Some(Items::Tuple(self.children(at, map, "items")?)),
                _ => self.child(at, map, "items")?.map(Items::Each),
            },
            additional_items: self.rest(at, map, "additionalItems")?,
            contains: self.child(at, map, "contains")?,
            min_length: count("minLength"),
            max_length: count("maxLength"),
            pattern: match map.get("pattern").and_then(Value::as_str) {
                Some(source) => Some(self.pattern(&format!("{at}/pattern"), source)?),
                None => None,
            },
            minimum: number("minimum"),
            exclusive_minimum: number("exclusiveMinimum"),
            maximum: number("maximum"),
            exclusive_maximum: number("exclusiveMaximum"),
            multiple_of: number("multipleOf"),
            extension,
            ..Rule::default()
        })
    }

    fn pattern(&self, at: &str, source: &str) -> Result<Pattern, SchemaError> {
        let regex = formats::pattern(source)
            .map_err(|error| self.error(at, format!("the pattern {source:?} is not valid: {error}")))?;
        Ok(Pattern { source: source.to_owned(), regex })
    }

    fn child(&mut self, at: &str, map: &Map<String, Value>, key: &str) -> Result<Option<RuleId>, SchemaError> {
        map.get(key).map(|schema| self.rule(&format!("{at}/{key}"), schema)).transpose()
    }

    fn children(&mut self, at: &str, map: &Map<String, Value>, key: &str) -> Result<Vec<RuleId>, SchemaError> {
        let list = map.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        list.iter().enumerate().map(|(index, schema)| self.rule(&format!("{at}/{key}/{index}"), schema)).collect()
    }

    fn named(&mut self, at: &str, map: &Map<String, Value>, key: &str) -> Result<Vec<(String, RuleId)>, SchemaError> {
        let entries = map.get(key).and_then(Value::as_object);
        entries
            .into_iter()
            .flatten()
            .map(|(name, schema)| {
                let rule = self.rule(&format!("{at}/{key}/{}", escape(name)), schema)?;
                Ok((name.clone(), rule))
            })
            .collect()
    }

    fn pattern_properties(
        &mut self,
        at: &str,
        map: &Map<String, Value>,
    ) -> Result<Vec<(Pattern, RuleId)>, SchemaError> {
        self.named(at, map, "patternProperties")?
            .into_iter()
            .map(|(source, rule)| Ok((self.pattern(&format!("{at}/patternProperties"), &source)?, rule)))
            .collect()
    }

    fn rest(&mut self, at: &str, map: &Map<String, Value>, key: &str) -> Result<Option<Rest>, SchemaError> {
        match map.get(key) {
            Some(Value::Bool(allowed)) => Ok(Some(Rest::Allowed(*allowed))),
            _ => Ok(self.child(at, map, key)?.map(Rest::Rule)),
        }
    }

    fn dependencies(&mut self, at: &str, map: &Map<String, Value>) -> Result<Vec<(String, Dependency)>, SchemaError> {
        let entries = map.get("dependencies").and_then(Value::as_object);
        entries
            .into_iter()
            .flatten()
            .map(|(name, value)| {
                let dependency = match value {
                    Value::Array(_) => Dependency::Properties(strings(Some(value))),
                    schema => Dependency::Rule(self.rule(&format!("{at}/dependencies/{}", escape(name)), schema)?),
                };
                Ok((name.clone(), dependency))
            })
            .collect()
    }

    /// Attack stopped: a chain of references that leads back to itself would never end.
    fn refuse_endless_references(&self) -> Result<(), SchemaError> {
        for rule in &self.rules.list {
            let (mut current, mut steps) = (rule, 0);
            while let Some(next) = current.reference {
                current = &self.rules.list[next];
                steps += 1;
                if steps > self.rules.list.len() {
                    return Err(self.error(&rule.pointer, "`$ref` leads back to itself"));
                }
            }
        }
        Ok(())
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
