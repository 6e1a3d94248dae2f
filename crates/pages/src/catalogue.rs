//! The texts of the pages, one catalogue for each language.
//!
//! Messages are keyed by Kratos' message id, the pages' own texts by a name. English fills what another language
//! lacks; a message that no catalogue of the language knows shows the text that came with it.

use crate::error::PageError;
use crate::language::{Language, find, is_tag, negotiate};
use crate::placeholders;
use crate::sentences;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

const BUILT_IN: [(&str, &str); 2] =
    [("en", include_str!("../languages/en.json")), ("de", include_str!("../languages/de.json"))];

/// Members of a list that a text may name; more are cut.
const MAX_LIST: usize = 20;

/// The value that holds whole sentences of the server.
const SENTENCES: &str = "reason";

/// One language's texts, as in its file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalogue {
    /// What the language calls itself.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// `ltr` or `rtl`.
    #[serde(default)]
    pub(crate) direction: Option<String>,
    /// Texts of the pages by name.
    #[serde(default)]
    texts: BTreeMap<String, String>,
    /// Texts of Kratos' messages by id.
    #[serde(default)]
    messages: BTreeMap<String, String>,
    /// Words for values that messages carry: name of the value, then the value itself.
    #[serde(default)]
    values: BTreeMap<String, BTreeMap<String, String>>,
}

impl Catalogue {
    fn parse(file: &str, text: &str) -> Result<Self, PageError> {
        let fail = |problem: String| PageError::Language { file: file.to_owned(), problem };
        let catalogue: Self = serde_json::from_str(text).map_err(|error| fail(error.to_string()))?;
        if let Some(other) = catalogue.direction.as_deref().filter(|d| !matches!(*d, "ltr" | "rtl")) {
            return Err(fail(format!("direction: expected `ltr` or `rtl`, found `{other}`")));
        }
        if let Some(key) = catalogue.messages.keys().find(|key| key.parse::<i64>().is_err()) {
            return Err(fail(format!("messages.{key}: expected the number of a message, for example `1010002`")));
        }
        for (key, text) in catalogue.texts.iter().chain(&catalogue.messages) {
            if let Some(problem) = placeholders::problem(text) {
                return Err(fail(format!("{key}: {problem}")));
            }
        }
        for (sentence, translation) in catalogue.values.get(SENTENCES).into_iter().flatten() {
            if let Some(problem) = sentences::problem(sentence, translation) {
                return Err(fail(format!("values.{SENTENCES}.{sentence}: {problem}")));
            }
        }
        Ok(catalogue)
    }

    /// Takes what `other` says and keeps the rest.
    fn extend(&mut self, other: Self) {
        self.name = other.name.or(self.name.take());
        self.direction = other.direction.or(self.direction.take());
        self.texts.extend(other.texts);
        self.messages.extend(other.messages);
        for (name, words) in other.values {
            self.values.entry(name).or_default().extend(words);
        }
    }

    /// The word for a value, if the language has one for it.
    pub(crate) fn word(&self, name: &str, value: &str) -> Option<&str> {
        self.values.get(name)?.get(value).map(String::as_str)
    }

    /// A text of the server, sentence by sentence; as it came where the language lacks one of them.
    pub(crate) fn sentence(&self, text: &str) -> String {
        let known = self.values.get(SENTENCES);
        known.and_then(|known| sentences::translate(known, text)).unwrap_or_else(|| text.to_owned())
    }

    fn shown(&self, name: &str, value: &Value) -> Option<String> {
        let one = |value: &Value| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                _ => return None,
            };
            match self.word(name, &text) {
                Some(word) => Some(word.to_owned()),
                None if name == SENTENCES => Some(self.sentence(&text)).filter(|text| !text.is_empty()),
                None => Some(text).filter(|text| !text.is_empty()),
            }
        };
        match value {
            Value::Array(list) => {
                let mut words: Vec<String> = list.iter().take(MAX_LIST).filter_map(one).collect();
                words.dedup();
                Some(words.join(", ")).filter(|text| !text.is_empty())
            }
            value => one(value),
        }
    }
}

/// All languages.
#[derive(Debug)]
pub(crate) struct Catalogues {
    by_tag: BTreeMap<Arc<str>, Catalogue>,
    default: Arc<str>,
}

impl Catalogues {
    /// The built-in languages with the operator's files (name without `.json`, text) on top.
    pub(crate) fn new(files: &[(String, String)], default: Option<&str>) -> Result<Self, PageError> {
        let mut by_tag: BTreeMap<Arc<str>, Catalogue> = BTreeMap::new();
        let own = files.iter().map(|(tag, text)| (tag.as_str(), text.as_str()));
        for (tag, text) in BUILT_IN.into_iter().chain(own) {
            let file = format!("{tag}.json");
            if !is_tag(tag) {
                let problem = "the name must be a language tag such as `fr` or `pt-BR`".to_owned();
                return Err(PageError::Language { file, problem });
            }
            by_tag.entry(tag.into()).or_default().extend(Catalogue::parse(&file, text)?);
        }
        let wanted = default.unwrap_or("en");
        let default = find(wanted, by_tag.keys().map(|tag| &**tag)).map(Arc::from).ok_or_else(|| {
            let known = by_tag.keys().map(|tag| &**tag).collect::<Vec<_>>().join(", ");
            PageError::NoSuchLanguage { wanted: wanted.to_owned(), known }
        })?;
        Ok(Self { by_tag, default })
    }

    pub(crate) fn negotiate(&self, header: &str) -> Language {
        let tag = negotiate(header, self.tags()).unwrap_or(&self.default);
        Language(Some(tag.into()))
    }

    /// The language of exactly this tag.
    pub(crate) fn named(&self, tag: &str) -> Option<Language> {
        self.tags().find(|known| known.eq_ignore_ascii_case(tag)).map(|tag| Language(Some(tag.into())))
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> + Clone {
        self.by_tag.keys().map(|tag| &**tag)
    }

    pub(crate) fn tag<'a>(&'a self, language: &'a Language) -> &'a str {
        language.tag().filter(|tag| self.by_tag.contains_key(*tag)).unwrap_or(&self.default)
    }

    /// The catalogue of a tag, the default one for tags that don't exist.
    pub(crate) fn get(&self, tag: &str) -> &Catalogue {
        const NONE: &Catalogue = &Catalogue {
            name: None,
            direction: None,
            texts: BTreeMap::new(),
            messages: BTreeMap::new(),
            values: BTreeMap::new(),
        };
        self.by_tag.get(tag).or_else(|| self.by_tag.get(&self.default)).unwrap_or(NONE)
    }

    /// A text of the pages by name; English where the language has none. `None`: no language has it.
    pub(crate) fn text(&self, tag: &str, key: &str, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let catalogues = [self.get(tag), self.get("en")];
        let mut texts = catalogues.iter().filter_map(|catalogue| catalogue.texts.get(key));
        texts.find_map(|text| placeholders::fill(text, value))
    }

    /// The text of a numbered message: the catalogue's, else the one that came with it.
    pub(crate) fn message(&self, tag: &str, message: &Value) -> String {
        let catalogue = self.get(tag);
        let template = message["id"].as_i64().and_then(|id| catalogue.messages.get(&id.to_string()));
        let value = |name: &str| catalogue.shown(name, message["context"].get(name)?);
        template
            .and_then(|template| placeholders::fill(template, &value))
            .unwrap_or_else(|| message["text"].as_str().unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(file: &str, text: &str) -> Result<Catalogues, PageError> {
        Catalogues::new(&[(file.to_owned(), text.to_owned())], None)
    }

    fn problem(file: &str, text: &str) -> String {
        with(file, text).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_new_language_takes_the_rest_from_english() {
        let all = with("fr", r#"{"name": "Français", "texts": {"login.title": "Connexion"}}"#).unwrap();
        let text = |key: &str| all.text("fr", key, &|_| None).unwrap();
        assert_eq!(text("login.title"), "Connexion");
        assert_eq!(text("registration.title"), all.text("en", "registration.title", &|_| None).unwrap());
    }

    #[test]
    fn one_text_of_a_built_in_language_can_be_replaced() {
        let all = with("de", r#"{"messages": {"1070003": "Sichern"}}"#).unwrap();
        assert_eq!(all.message("de", &json!({"id": 1070003, "text": "Save"})), "Sichern");
        assert_eq!(all.message("de", &json!({"id": 1040008, "text": "Back"})), "Zurück");
    }

    #[test]
    fn a_message_whose_context_is_incomplete_keeps_its_own_text() {
        let all = Catalogues::new(&[], None).unwrap();
        for context in [json!(null), json!({}), json!({"provider": {}}), json!({"provider": ""}), json!([1])] {
            let message = json!({"id": 1010002, "text": "Sign in with X", "context": context});
            assert_eq!(all.message("de", &message), "Sign in with X", "{message}");
        }
    }

    #[test]
    fn values_have_words_and_lists_are_joined() {
        let all = Catalogues::new(&[], None).unwrap();
        let message = json!({"id": 4000028, "text": "raw", "context": {
            "credential_identifier_hint": "", "available_credential_types": ["password", "oidc", "saml"],
            "available_oidc_providers": [] }});
        let text = all.message("de", &message);
        assert!(text.contains("Ihrem Passwort, Ihrem Konto bei einem Anbieter"), "{text}");
        assert!(!text.contains("raw") && !text.contains('[') && !text.contains('{'), "{text}");
    }

    #[test]
    fn broken_files_are_refused_with_their_name() {
        assert!(problem("fr", r#"{"texts": {"a": "{b"}}"#).contains("fr.json: a: `{` without `}`"));
        assert!(problem("fr", r#"{"messages": {"a": "b"}}"#).contains("messages.a"));
        assert!(problem("fr", r#"{"direction": "up"}"#).contains("`ltr` or `rtl`"));
        assert!(problem("fr", r#"{"text": {}}"#).contains("unknown field `text`"));
        assert!(problem("../fr", "{}").contains("language tag"));
        let error = Catalogues::new(&[], Some("xx")).map(|_| ()).unwrap_err().to_string();
        assert_eq!(error, "there is no language `xx`; there are de, en");
    }
}
