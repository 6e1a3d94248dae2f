//! What is wrong with, or worth knowing about, a configuration: where it is, what was expected, what to do.

use std::fmt;
use std::path::PathBuf;

/// The path of a key, `selfservice.methods.oidc.config.providers.0.id`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPath(Vec<String>);

impl KeyPath {
    /// Splits a dotted path.
    pub fn of(dotted: &str) -> Self {
        Self(dotted.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    /// The parts in order; list items by number.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// The path of a key below this one.
    #[must_use]
    pub fn child(&self, part: impl fmt::Display) -> Self {
        let mut parts = self.0.clone();
        parts.push(part.to_string());
        Self(parts)
    }

    /// The path of the block or list that holds this key.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self(self.0.split_last().map(|(_, rest)| rest.to_vec()).unwrap_or_default())
    }

    /// The key's own name.
    pub fn last(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// Whether this path is the other one or lies below it.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The environment variable for this key.
    pub fn variable(&self) -> String {
        self.0.join("_").to_uppercase()
    }
}

impl From<Vec<String>> for KeyPath {
    fn from(parts: Vec<String>) -> Self {
        Self(parts)
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("(root)") } else { f.write_str(&self.0.join(".")) }
    }
}

/// Where a value was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Location {
    /// Nowhere: a default, or a key that is missing altogether.
    #[default]
    Unknown,
    /// A file; line and column count from 1 and are 0 when unknown.
    File {
        /// The file as it was named on the command line.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// An environment variable; line and column count inside its JSON and are 0 when it holds none.
    Variable {
        /// The variable's name. Its value is never shown.
        name: String,
        /// Line inside the JSON, from 1.
        line: usize,
        /// Column inside the JSON, from 1.
        column: usize,
    },
    /// A command-line flag or another override by the program.
    Override,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("not set"),
            Self::File { file, line: 0, .. } => write!(f, "{}", file.display()),
            Self::File { file, line, column } => write!(f, "{}:{line}:{column}", file.display()),
            Self::Variable { name, line: 0, .. } => write!(f, "environment variable {name}"),
            Self::Variable { name, line, column } => {
                write!(f, "environment variable {name}, line {line} column {column} of its JSON")
            }
            Self::Override => f.write_str("set by the command line"),
        }
    }
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The start goes on; somebody should know.
    Warning,
    /// Kratos would find it at somebody's login. Stops the start under `--strict` only.
    Advice,
    /// Stops the start.
    Error,
}

/// One thing about a configuration. It never holds a configured value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How serious it is.
    pub severity: Severity,
    /// A stable name for tests and filters, such as `unknown_key`.
    pub code: &'static str,
    /// The key.
    pub path: KeyPath,
    /// Where it was written.
    pub location: Location,
    /// What is the matter.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Finding {
    pub(crate) fn new(severity: Severity, code: &'static str, path: KeyPath, message: impl Into<String>) -> Self {
        Self { severity, code, path, location: Location::Unknown, message: message.into(), help: None }
    }

    pub(crate) fn error(code: &'static str, path: KeyPath, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, path, message)
    }

    pub(crate) fn advice(code: &'static str, path: KeyPath, message: impl Into<String>) -> Self {
        Self::new(Severity::Advice, code, path, message)
    }

    pub(crate) fn warning(code: &'static str, path: KeyPath, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, path, message)
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub(crate) fn at(mut self, location: Location) -> Self {
        self.location = location;
        self
    }
}

/// One line for logs: key, place, message, help.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if self.location != Location::Unknown {
            write!(f, " ({})", self.location)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, " {help}"),
            None => Ok(()),
        }
    }
}

/// Every error of one load. `Display` is the text for the terminal, in Kratos' layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    errors: Vec<Finding>,
}

impl ConfigErrors {
    pub(crate) fn new(errors: Vec<Finding>) -> Self {
        Self { errors }
    }

    /// The errors in the order of the configuration.
    pub fn errors(&self) -> &[Finding] {
        &self.errors
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Kratos: this first line, and an arrow below the end of the key path.
        writeln!(f, "The configuration contains values or keys which are invalid:")?;
        for error in &self.errors {
            let path = error.path.to_string();
            let indent = " ".repeat(path.chars().count() + 2);
            writeln!(f, "\n{path}: {}", error.location)?;
            writeln!(f, "{indent}^-- {}", error.message)?;
            if let Some(help) = &error.help {
                writeln!(f, "{indent}    {help}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
