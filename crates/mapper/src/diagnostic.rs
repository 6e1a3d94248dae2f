//! One failed snippet as a person wants to read it: where, which line, what is missing, what to write instead.

use std::fmt;

use serde::{Deserialize, Serialize};

/// In which phase, and how, a snippet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnippetFault {
    /// The text does not parse.
    Syntax,
    /// The text parses, but names something that is not defined.
    StaticAnalysis,
    /// A field that the object lacks, in most cases a claim that the provider did not send.
    MissingField,
    /// `std.extVar` of a name that is not given.
    MissingExtVar,
    /// An import that is not among the shipped ones.
    Import,
    /// `error` or `assert` in the mapper.
    Raised,
    /// Recursion deeper than the evaluator allows.
    StackOverflow,
    /// Any other failure while running.
    Runtime,
}

impl SnippetFault {
    /// The stable name, also used as a metric label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::StaticAnalysis => "static_analysis",
            Self::MissingField => "missing_field",
            Self::MissingExtVar => "missing_ext_var",
            Self::Import => "import",
            Self::Raised => "raised",
            Self::StackOverflow => "stack_overflow",
            Self::Runtime => "runtime",
        }
    }
}

/// A failed snippet. Holds source text and names, never values of claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    pub kind: SnippetFault,
    /// go-jsonnet's wording where the failure is a common one.
    pub message: String,
    /// The mapper's name, or the import in which it failed.
    pub file: String,
    /// First line and column, counted from one; 0 when the failure has no place.
    pub line: usize,
    pub column: usize,
    /// The source line and how many characters of it the caret underlines.
    pub excerpt: Option<Excerpt>,
    /// Fields that exist where one was missing, with their JSON types, nearest first.
    pub neighbours: Vec<Neighbour>,
    /// What to write instead.
    pub hints: Vec<String>,
    /// The way that led here, innermost first: `file:line:column what`.
    pub trace: Vec<String>,
    /// The mapper said `error 'cancel'`, by which a web-hook body skips its call.
    pub cancel: bool,
}

/// The line of source in which a snippet failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    pub text: String,
    /// Characters before the caret.
    pub caret: usize,
    pub width: usize,
}

/// A field that does exist, by name and JSON type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    pub path: String,
    pub r#type: String,
}

impl Diagnostic {
    /// `file:line:column`, or the file alone.
    #[must_use]
    pub fn position(&self) -> String {
        if self.line == 0 { self.file.clone() } else { format!("{}:{}:{}", self.file, self.line, self.column) }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  --> {}", self.message, self.position())?;
        if let Some(excerpt) = &self.excerpt {
            let number = self.line.to_string();
            let margin = " ".repeat(number.len());
            write!(f, "\n {margin} |\n {number} | {}", excerpt.text)?;
            write!(f, "\n {margin} | {}{}", " ".repeat(excerpt.caret), "^".repeat(excerpt.width.max(1)))?;
        }
        if !self.neighbours.is_empty() {
            let list: Vec<_> = self.neighbours.iter().map(|n| format!("{} ({})", n.path, n.r#type)).collect();
            write!(f, "\n  = present: {}", list.join(", "))?;
        }
        for hint in &self.hints {
            write!(f, "\n  = help: {hint}")?;
        }
        for frame in &self.trace {
            write!(f, "\n    at {frame}")?;
        }
        Ok(())
    }
}
