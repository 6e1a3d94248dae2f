//! Loads a configuration: files, then the environment, then flags; checks all of it; reports every error at once.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::base_url::BaseUrl;
use crate::config::Config;
use crate::finding::{ConfigErrors, Finding, KeyPath, Location, Severity};
use crate::{advice, rules, unsupported, validate};

mod document;
mod env;
mod file;
mod layers;
mod marks;
mod place;
mod running;

pub(crate) use document::Document;

use layers::{Layer, Layers, Origin};
use place::{completed_by_file, place, position};

/// Most files of one load.
const FILES_MAX: usize = 64;

/// What a configuration is made of, lowest precedence first.
#[derive(Clone, Default)]
pub struct LoadInput<'a> {
    /// Files in order; a later one wins. `.yaml`, `.yml`, `.json` or `.toml`.
    pub files: Vec<PathBuf>,
    /// Texts with a file name that tells their format, read after the files: built-in examples, tests.
    pub texts: Vec<(PathBuf, String)>,
    /// `--dev`.
    pub dev: bool,
    /// The process environment; it is never read by this crate itself.
    pub env: Vec<(String, String)>,
    /// Key paths with values that win over everything.
    pub overrides: Vec<(String, Value)>,
    /// Names of hooks that this binary has compiled in.
    pub extra_hooks: &'a [&'a str],
    /// What is being served, when this load is a reload: values that can't change while the process runs are kept.
    pub running: Option<&'a Config>,
    /// The machine's host name, for the default of `serve.public.base_url`. Without it: `localhost`.
    pub hostname: Option<String>,
}

/// Shows the names of variables, never what they hold.
impl fmt::Debug for LoadInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadInput").field("files", &self.files).field("dev", &self.dev).finish_non_exhaustive()
    }
}

/// A configuration that may be served, and what to say about it.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What has no effect, or deserves a second look. Log them at start.
    pub warnings: Vec<Finding>,
    /// What Kratos would find at somebody's login. `--strict` stops on them.
    pub advice: Vec<Finding>,
    /// Keys that differ from what is [`running`](LoadInput::running) and have to wait for the next start.
    pub needs_restart: Vec<Finding>,
    pub(crate) document: Document,
}

/// Reads, layers and checks a configuration.
///
/// # Errors
/// Everything that is wrong with it, together. Nothing was started and nothing was changed.
pub fn load(input: LoadInput<'_>) -> Result<Loaded, ConfigErrors> {
    let (layers, mut warnings, mut errors) = collect(&input);
    if errors
        .iter()
        .any(|error| matches!(error.code, "syntax" | "unreadable_file" | "file_extension" | "file_too_large"))
    {
        // Without one of its files every other message would be noise.
        return Err(ConfigErrors::new(errors));
    }
    let value = layers.merge().map_err(|_| {
        ConfigErrors::new(vec![Finding::error("merge", KeyPath::default(), "the layers cannot be merged")])
    })?;
    errors.extend(check(&layers, &value, input.extra_hooks, &errors));
    let parsed = if errors.is_empty() {
        deserialize(&value).map_err(|error| errors.push(place(&layers, *error))).ok()
    } else {
        None
    };
    let Some(mut config) = parsed else {
        return Err(ConfigErrors::new(errors));
    };
    let needs_restart = input.running.map(|running| running::keep(&mut config, running)).unwrap_or_default();
    // After that, because their defaults follow the ports in use.
    fill_base_urls(&mut config, input.hostname.as_deref());
    fill_ui_urls(&mut config);
    warnings.extend(unsupported::warnings(&value));
    warnings.extend(advice::warnings(&config));
    let document =
        Document { layers, value, extra_hooks: input.extra_hooks.iter().map(|&name| name.to_owned()).collect() };
    let place_all = |findings: Vec<Finding>| findings.into_iter().map(|finding| document.place(finding)).collect();
    let (warnings, advice) = (place_all(warnings), place_all(advice::advice(&config)));
    Ok(Loaded { config, warnings, advice, needs_restart: place_all(needs_restart), document })
}

/// All layers, lowest first, with what went wrong while reading them.
fn collect(input: &LoadInput<'_>) -> (Layers, Vec<Finding>, Vec<Finding>) {
    let mut layers = Layers::default();
    let mut errors = Vec::new();
    if input.files.len() > FILES_MAX {
        errors.push(Finding::error("syntax", KeyPath::default(), format!("more than {FILES_MAX} files were given")));
    }
    let files = input.files.iter().take(FILES_MAX).map(|path| (path, file::read(path)));
    let texts = input.texts.iter().map(|(path, text)| (path, file::parse(path, text)));
    for (path, parsed) in files.chain(texts) {
        match parsed {
            Ok(file::Parsed { value, marks }) => {
                layers.0.push(Layer { origin: Origin::File(path.clone()), at: KeyPath::default(), value, marks });
            }
            Err(error) => errors.push(*error),
        }
    }
    if input.dev {
        layers.0.push(override_layer("dev", Value::Bool(true)));
    }
    let variables = env::read(&input.env);
    errors.extend(variables.errors);
    let mut warnings = variables.warnings;
    for layer in variables.layers {
        if let Some(error) = no_such_item(&layers, &layer) {
            errors.push(error);
        } else {
            warnings.extend(empty_list(&layer));
            layers.0.push(layer);
        }
    }
    layers.0.extend(input.overrides.iter().map(|(path, value)| override_layer(path, value.clone())));
    (layers, warnings, errors)
}

fn override_layer(path: &str, value: Value) -> Layer {
    Layer { origin: Origin::Override, at: KeyPath::of(path), value, marks: marks::Marks::default() }
}

/// A variable for an item of a list that is too short for it. (Kratos fills the gap with nothing and then refuses that.)
fn no_such_item(layers: &Layers, layer: &Layer) -> Option<Finding> {
    if !layer.at.parts().iter().any(layers::is_index) {
        return None;
    }
    let mut probe = layers.merge().ok()?;
    if layers::set(&mut probe, layer.at.parts(), Value::Null) {
        return None;
    }
    let Origin::Variable(name) = &layer.origin else {
        return None;
    };
    let finding = Finding::error("no_such_item", layer.at.clone(), "the list has no item of this number")
        .help("Items count from 0.");
    Some(finding.at(Location::Variable { name: name.clone(), line: 0, column: 0 }))
}

fn empty_list(layer: &Layer) -> Option<Finding> {
    let is_empty = layer.value.as_array().is_some_and(Vec::is_empty);
    let Origin::Variable(name) = &layer.origin else {
        return None;
    };
    (is_empty && layer.at == KeyPath::of(rules::PROVIDERS)).then(|| {
        Finding::warning(
            "empty_list",
            layer.at.clone(),
            format!("{name} is an empty list, so there are no providers at all."),
        )
        .help("Kratos would keep the file's. Unset the variable to use them.")
    })
}

/// Schema and rules; a rule's finding replaces the schema's for the same key, since it explains more.
fn check(layers: &Layers, value: &Value, extra_hooks: &[&str], earlier: &[Finding]) -> Vec<Finding> {
    let refused = rules::check(value, extra_hooks);
    let mut errors = validate::validate(value);
    errors.retain(|error| !refused.iter().any(|other| other.path == error.path));
    errors.extend(refused);
    // A variable that could not be read is already reported; that its key is missing now is no news.
    errors.retain(|error| {
        !earlier.iter().any(|other| error.path.starts_with(&other.path) && !other.path.parts().is_empty())
    });
    let mut errors: Vec<Finding> =
        errors.into_iter().map(|error| place(layers, completed_by_file(layers, error))).collect();
    errors.sort_by_key(|error| position(&error.location));
    errors.dedup();
    errors
}

fn deserialize(value: &Value) -> Result<Config, Box<Finding>> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().iter().filter_map(|segment| match segment {
            serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
            serde_path_to_error::Segment::Map { key } => Some(key.clone()),
            _ => None,
        });
        let path = KeyPath::from(path.collect::<Vec<_>>());
        // serde quotes values in its own messages; only ours begin like this.
        let inner = error.inner().to_string();
        let message = if inner.starts_with("expected ") {
            inner
        } else {
            "does not have the form that this key needs".to_owned()
        };
        Box::new(Finding::error("invalid", path, message))
    })
}

/// Kratos: without `base_url`, the host name and port of this machine, over https unless in development.
fn fill_base_urls(config: &mut Config, hostname: Option<&str>) {
    let dev = config.dev;
    let default = |host: &str, port: u16| {
        let host = if matches!(host, "" | "0.0.0.0" | "::") || host.starts_with("unix:") {
            hostname.unwrap_or("localhost")
        } else {
            host
        };
        BaseUrl::of_host(if dev { "http" } else { "https" }, host, port)
    };
    let (public, admin) = (&mut config.serve.public, &mut config.serve.admin);
    let url = public.base_url.take().unwrap_or_else(|| default(&public.host, public.port));
    public.base_url = Some(url);
    let url = admin.base_url.take().unwrap_or_else(|| default(&admin.host, admin.port));
    admin.base_url = Some(url);
}

/// Where no page is configured, Bia's own is shown; Kratos would lead to a page of its maker.
fn fill_ui_urls(config: &mut Config) {
    if !config.bia.ui.enabled {
        return;
    }
    let page = |name: &str| config.public_url().join_path(&format!("/ui/{name}"));
    let (login, registration) = (page("login"), page("registration"));
    let (settings, error) = (page("settings"), page("error"));
    let flows = &mut config.selfservice.flows;
    for (ui_url, own) in [
        (&mut flows.login.ui_url, login),
        (&mut flows.registration.ui_url, registration),
        (&mut flows.settings.ui_url, settings),
        (&mut flows.error.ui_url, error),
    ] {
        if crate::selfservice::is_fallback(ui_url) {
            *ui_url = own;
        }
    }
}

impl Loaded {
    /// Warnings and advice together, most serious first.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.advice.iter().chain(&self.warnings)
    }

    /// Whether `--strict` refuses to start.
    pub fn has_advice(&self) -> bool {
        self.advice.iter().any(|finding| finding.severity >= Severity::Advice)
    }

    /// The line in which a key was written, for messages of others (a mapper that doesn't parse, say).
    pub fn locate(&self, dotted_path: &str) -> Location {
        self.document.layers.locate(&KeyPath::of(dotted_path))
    }
}

/// Reads one text as a file of that name, without environment: for examples and tests.
///
/// # Errors
/// As [`load`].
pub fn load_text(name: impl AsRef<Path>, text: &str) -> Result<Loaded, ConfigErrors> {
    load(LoadInput { texts: vec![(name.as_ref().to_owned(), text.to_owned())], ..LoadInput::default() })
}
