//! The texts that a configuration names, as they were at one moment. A server works with these until a reload has
//! looked at newer ones, so that a half-written or broken mapper reaches nobody's sign-in.

use crate::assemble::mapper_settings;
use bia_config::{Config, Loaded, NamedText, Source, TextKind};
use bia_mapper::{Mapper, MapperError};
use bia_outbound::Sources;
use bia_selfservice::{Imported, read_imports};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Largest text; what reads them may set smaller limits.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
const IMPORTS: &str = "bia.mapper.import_dir";

type Hash = [u8; 32];

/// Files by path, and what mappers import.
#[derive(Clone, Default)]
pub struct Texts {
    files: HashMap<String, Arc<str>>,
    imports: Option<Arc<Imported>>,
    /// By where they are, as messages call it.
    named: BTreeMap<String, Named>,
}

#[derive(Clone)]
struct Named {
    /// One of the keys that name it.
    key: String,
    is_jsonnet: bool,
    found: Result<Arc<str>, String>,
}

/// What Jsonnet said about texts, by their hash, so that none is parsed twice.
#[derive(Default)]
pub(crate) struct Verdicts(HashMap<Hash, Option<String>>);

/// A text that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unusable {
    pub(crate) key: String,
    pub(crate) why: String,
}

impl Texts {
    /// Reads every file and decodes every inline text. What is on the web is left to its first use.
    pub async fn read(config: &Config, sources: &Sources) -> Self {
        // Without what these sources remember: times of files are no proof of their content.
        let fresh = sources.keeping(HashMap::new());
        let mut texts = Self::default();
        for NamedText { key, source, kind } in config.texts() {
            if !matches!(source, Source::File(_) | Source::Base64(_)) {
                continue;
            }
            let found = fresh.text(&source.to_text(), TEXT_BYTES_MAX).await.map_err(|error| error.to_string());
            if let (Some(path), Ok(text)) = (source.path(), &found) {
                texts.files.insert(path.display().to_string(), text.clone());
            }
            let is_jsonnet = kind == TextKind::Jsonnet;
            let place = match source.path() {
                Some(_) => source.to_string(),
                // Inline texts of equal length look alike.
                None => format!("{source} of {key}"),
            };
            texts.named.entry(place).or_insert(Named { key, is_jsonnet, found });
        }
        texts.read_imports(config).await;
        texts
    }

    async fn read_imports(&mut self, config: &Config) {
        let Some(folder) = config.bia.mapper.import_dir.clone() else { return };
        let read = tokio::task::spawn_blocking(move || read_imports(&folder)).await;
        let named = |found| Named { key: IMPORTS.to_owned(), is_jsonnet: true, found };
        match read.map_err(|error| error.to_string()).and_then(|read| read) {
            Ok(imports) => {
                for (path, text) in &imports {
                    self.named.insert(path.clone(), named(Ok(text.as_str().into())));
                }
                self.imports = Some(Arc::new(imports));
            }
            Err(why) => drop(self.named.insert(IMPORTS.to_owned(), named(Err(why)))),
        }
    }

    /// Files by the path after `file://`.
    pub(crate) fn files(&self) -> HashMap<String, Arc<str>> {
        self.files.clone()
    }

    /// What mappers import, if there is a folder that can be read.
    pub(crate) fn imports(&self) -> Option<Arc<Imported>> {
        self.imports.clone()
    }

    /// What can't be used here and could be in `running`, or was not there: a reload must not make anything worse, and
    /// what was broken before must not hold up the repair of something else.
    pub(crate) async fn worse_than(&self, running: &Self, config: &Config, verdicts: &mut Verdicts) -> Vec<Unusable> {
        let unjudged = verdicts.learn(&[running, self], config).await;
        let worse = self.judged(running, verdicts, &unjudged);
        verdicts.forget_all_but(self);
        worse
    }

    fn judged(&self, running: &Self, verdicts: &Verdicts, unjudged: &Unjudged) -> Vec<Unusable> {
        let worse = |(place, named): (&String, &Named)| {
            if let Some(why) = unjudged.of(named) {
                let why = format!("{place} could not be looked at: {why}; the next change or SIGHUP tries again");
                return Some(Unusable { key: named.key.clone(), why });
            }
            let why = verdicts.of(place, named)?;
            let was = running.named.get(place).and_then(|before| verdicts.of(place, before));
            was.is_none().then(|| Unusable { key: named.key.clone(), why })
        };
        self.named.iter().filter_map(worse).collect()
    }
}

/// Texts that nothing could be said about this time: no worker, no time, no memory. That is no verdict, neither that a
/// text is good nor that it was broken before.
#[derive(Default)]
struct Unjudged(HashMap<Hash, String>);

impl Unjudged {
    fn of(&self, named: &Named) -> Option<&String> {
        named.is_jsonnet.then_some(())?;
        self.0.get(&hash(named.found.as_ref().ok()?))
    }
}

impl Verdicts {
    async fn learn(&mut self, texts: &[&Texts], config: &Config) -> Unjudged {
        let mut unjudged = Unjudged::default();
        let named = texts.iter().flat_map(|texts| &texts.named).filter(|(_, named)| named.is_jsonnet);
        let unknown: Vec<(&String, &Arc<str>)> = named
            .filter_map(|(place, named)| Some((place, named.found.as_ref().ok()?)))
            .filter(|(_, text)| !self.0.contains_key(&hash(text)))
            .collect();
        if unknown.is_empty() {
            return unjudged;
        }
        // Workers of their own: those that serve people must not wait, nor start before the first sign-in.
        let mapper = Mapper::new(mapper_settings(config));
        for (place, text) in unknown {
            let checked = mapper.check(&bia_mapper::Source { name: place, text }).await;
            self.note(text, checked.err().as_ref(), &mut unjudged);
        }
        mapper.shutdown().await;
        unjudged
    }

    /// Keeps what is said about the text itself, and nothing that may be otherwise the next time.
    fn note(&mut self, text: &str, error: Option<&MapperError>, unjudged: &mut Unjudged) {
        match error {
            Some(error) if !is_about_text(error) => drop(unjudged.0.insert(hash(text), error.diagnostic())),
            _ => drop(self.0.insert(hash(text), error.map(MapperError::diagnostic))),
        }
    }

    fn of(&self, place: &str, named: &Named) -> Option<String> {
        match &named.found {
            Err(why) => Some(format!("{place} can't be read: {why}")),
            Ok(text) if named.is_jsonnet => {
                let why = self.0.get(&hash(text))?.as_ref()?;
                Some(format!("{place} can't be used: {why}"))
            }
            Ok(_) => None,
        }
    }

    fn forget_all_but(&mut self, texts: &Texts) {
        let kept: Vec<Hash> = texts.named.values().filter_map(|named| Some(hash(named.found.as_ref().ok()?))).collect();
        self.0.retain(|hash, _| kept.contains(hash));
    }
}

impl Unusable {
    /// With the line of the configuration that names it.
    pub(crate) fn sentence(&self, loaded: &Loaded) -> String {
        format!("{} ({}): {}", self.key, loaded.locate(&self.key), self.why)
    }
}

/// Whether the same text would always be refused in this way.
fn is_about_text(error: &MapperError) -> bool {
    matches!(
        error,
        MapperError::Snippet(_)
            | MapperError::Output(_)
            | MapperError::SourceTooLarge { .. }
            | MapperError::StackExhausted { .. }
            | MapperError::EvaluatorPanicked { .. }
    )
}

fn hash(text: &str) -> Hash {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Texts {
        let named = Named { key: "mapper_url".to_owned(), is_jsonnet: true, found: Ok(text.into()) };
        Texts { named: BTreeMap::from([("m.jsonnet".to_owned(), named)]), ..Texts::default() }
    }

    fn no_worker() -> MapperError {
        MapperError::WorkerUnavailable { cause: "no memory".to_owned() }
    }

    fn broken() -> MapperError {
        MapperError::SourceTooLarge { name: "m.jsonnet".to_owned(), size: 2, max: 1 }
    }

    #[test]
    fn a_fault_that_passes_refuses_one_reload_and_is_forgotten() {
        let (mut verdicts, mut unjudged) = (Verdicts::default(), Unjudged::default());
        verdicts.note("old", None, &mut unjudged);
        verdicts.note("new", Some(&no_worker()), &mut unjudged);
        let refused = texts("new").judged(&texts("old"), &verdicts, &unjudged);
        assert!(refused[0].why.contains("no memory"), "{refused:?}");
        let mut unjudged = Unjudged::default();
        verdicts.note("new", None, &mut unjudged);
        assert!(texts("new").judged(&texts("old"), &verdicts, &unjudged).is_empty());
    }

    #[test]
    fn only_what_is_wrong_with_the_running_text_excuses_a_broken_one() {
        let (mut verdicts, mut unjudged) = (Verdicts::default(), Unjudged::default());
        verdicts.note("old", Some(&no_worker()), &mut unjudged);
        verdicts.note("new", Some(&broken()), &mut unjudged);
        assert_eq!(texts("new").judged(&texts("old"), &verdicts, &unjudged).len(), 1);
        verdicts.note("old", Some(&broken()), &mut unjudged);
        assert!(texts("new").judged(&texts("old"), &verdicts, &unjudged).is_empty());
    }
}
