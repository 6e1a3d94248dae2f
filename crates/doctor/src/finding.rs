//! One thing that a check has to say.

use crate::catalogue;
use bia_config::{KeyPath, Loaded, Location, Severity};
use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Looked at and in order.
    Good,
    /// Worth knowing: an address to register, a day to remember.
    Note,
    /// Works, with a price or for some people only.
    Warning,
    /// Sign-ins fail, or somebody gets what is not theirs.
    Problem,
}

impl Level {
    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// Which part of the set-up it is about, in the order in which reports are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    Configuration,
    Serving,
    Cookies,
    Database,
    Schema,
    Mapper,
    Hooks,
    Provider,
    Credentials,
    Network,
}

impl Area {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Configuration => "Configuration",
            Self::Serving => "Ports and proxies",
            Self::Cookies => "Cookies",
            Self::Database => "Database",
            Self::Schema => "Identity schemas",
            Self::Mapper => "Mappers",
            Self::Hooks => "Hooks",
            Self::Provider => "Providers",
            Self::Credentials => "Credentials",
            Self::Network => "Network",
        }
    }
}

/// What, where, why it matters, and the fix. It never holds a configured value that may be secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub level: Level,
    pub area: Area,
    /// A name that stays, for filters and tests.
    pub code: &'static str,
    /// The key of the configuration; empty when it is about the machine.
    pub key: String,
    /// `kratos.yml:12:5`, or the environment variable.
    #[serde(rename = "where")]
    pub place: String,
    pub what: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fix: String,
}

impl Finding {
    pub(crate) fn new(level: Level, area: Area, code: &'static str, what: impl Into<String>) -> Self {
        Self {
            level,
            area,
            code,
            key: String::new(),
            place: String::new(),
            what: what.into(),
            why: String::new(),
            fix: String::new(),
        }
    }

    pub(crate) fn problem(area: Area, code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Problem, area, code, what)
    }

    pub(crate) fn warning(area: Area, code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Warning, area, code, what)
    }

    pub(crate) fn note(area: Area, code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Note, area, code, what)
    }

    pub(crate) fn good(area: Area, code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Good, area, code, what)
    }

    #[must_use]
    pub(crate) fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    #[must_use]
    pub(crate) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    #[must_use]
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// Fills in where the key was written.
    pub(crate) fn place_in(&mut self, loaded: &Loaded) {
        if self.place.is_empty() && !self.key.is_empty() {
            let location = loaded.locate(&self.key);
            if location != Location::Unknown {
                self.place = location.to_string();
            }
        }
    }

    /// What the configuration's own checks say, in this crate's form.
    pub(crate) fn of_config(finding: &bia_config::Finding) -> Self {
        let (level, why) = match finding.severity {
            Severity::Error => (Level::Problem, "Bia does not start with it."),
            Severity::Advice => (
                Level::Problem,
                "Bia starts with it, and sign-ins fail on it or are not safe; `serve --strict` refuses.",
            ),
            Severity::Warning => (Level::Warning, ""),
        };
        // Some things the configuration's own checks know about a part of the set-up that has checks here, too.
        let area = catalogue::area_of(finding.code).unwrap_or(Area::Configuration);
        let mut own = Self::new(level, area, finding.code, finding.message.clone())
            .why(why)
            .fix(finding.help.clone().unwrap_or_default());
        if finding.path != KeyPath::default() {
            own.key = finding.path.to_string();
        }
        if finding.location != Location::Unknown {
            own.place = finding.location.to_string();
        }
        own
    }
}
