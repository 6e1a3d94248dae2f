//! The compiled form of a schema: one [`Rule`] per schema in the document.

use super::extension::Extension;
use fancy_regex::Regex;
use indexmap::IndexMap;
use serde_json::Value;

/// Where a rule is kept.
pub(super) type RuleId = usize;

/// All rules of a document; the first one is the document itself.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) list: Vec<Rule>,
}

/// One schema of the document.
#[derive(Debug, Default)]
pub(super) struct Rule {
    /// Where it stands, as Kratos' reports name it: `#/properties/traits`.
    pub(super) pointer: String,
    pub(super) always: Option<bool>,
    /// A `$ref`; everything beside it is ignored.
    pub(super) reference: Option<RuleId>,
    pub(super) title: String,
    pub(super) disabled: bool,
    pub(super) has_default: bool,
    pub(super) types: Vec<String>,
    pub(super) constant: Option<Value>,
    pub(super) choices: Vec<Value>,
    pub(super) format: String,
    pub(super) not: Option<RuleId>,
    pub(super) all_of: Vec<RuleId>,
    pub(super) any_of: Vec<RuleId>,
    pub(super) one_of: Vec<RuleId>,
    pub(super) condition: Option<RuleId>,
    pub(super) then: Option<RuleId>,
    pub(super) otherwise: Option<RuleId>,
    pub(super) min_properties: Option<u64>,
    pub(super) max_properties: Option<u64>,
    pub(super) required: Vec<String>,
    pub(super) properties: IndexMap<String, RuleId>,
    pub(super) property_names: Option<RuleId>,
    pub(super) pattern_properties: Vec<(Pattern, RuleId)>,
    pub(super) additional_properties: Option<Rest>,
    pub(super) dependencies: Vec<(String, Dependency)>,
    pub(super) min_items: Option<u64>,
    pub(super) max_items: Option<u64>,
    pub(super) unique_items: bool,
    pub(super) items: Option<Items>,
    pub(super) additional_items: Option<Rest>,
    pub(super) contains: Option<RuleId>,
    pub(super) min_length: Option<u64>,
    pub(super) max_length: Option<u64>,
    pub(super) pattern: Option<Pattern>,
    pub(super) minimum: Option<f64>,
    pub(super) exclusive_minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) exclusive_maximum: Option<f64>,
    pub(super) multiple_of: Option<f64>,
    pub(super) extension: Option<Extension>,
}

/// A compiled pattern and its source.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) source: String,
    pub(super) regex: Regex,
}

impl Pattern {
    /// A pattern that gives up (its step budget is spent) doesn't match.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text).unwrap_or(false)
    }
}

/// What applies to properties or items that are not named.
#[derive(Debug)]
pub(super) enum Rest {
    Allowed(bool),
    Rule(RuleId),
}

#[derive(Debug)]
pub(super) enum Items {
    Each(RuleId),
    Tuple(Vec<RuleId>),
}

#[derive(Debug)]
pub(super) enum Dependency {
    Rule(RuleId),
    Properties(Vec<String>),
}
