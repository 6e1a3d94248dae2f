//! Why pages could not be set up or rendered. Values of flows, sessions and claims never appear in it.

use std::path::PathBuf;

/// What is wrong with the pages, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    #[error("{path}: cannot be read: {reason}", path = path.display())]
    Unreadable { path: PathBuf, reason: std::io::ErrorKind },

    #[error("{path}: larger than {limit} bytes; pages and languages are small texts", path = path.display())]
    TooLarge { path: PathBuf, limit: u64 },

    #[error("{path}: more than {limit} files; the folder is for templates or languages alone", path = path.display())]
    TooMany { path: PathBuf, limit: usize },

    /// A file of texts that doesn't have the shape of one.
    #[error("language file {file}: {problem}")]
    Language { file: String, problem: String },

    #[error("there is no language `{wanted}`; there are {known}")]
    NoSuchLanguage { wanted: String, known: String },

    #[error("accent colour: expected `#` and six hexadecimal digits, for example `#1f5fbf`")]
    Accent,

    #[error("logo_url: expected an http(s) address, a path that starts with `/`, `file://…`, or `data:image/…`")]
    Logo,

    #[error("logo_url: {path}: {problem}", path = path.display())]
    LogoFile { path: PathBuf, problem: String },

    #[error("form target `{0}`: expected an origin such as `https://login.example`")]
    FormTarget(String),

    /// A template that cannot be parsed, or that failed when it was tried with sample data.
    #[error("template {template}, line {line}: {problem}")]
    Template { template: String, line: usize, problem: String },

    #[error("page {template} could not be rendered (line {line} of its template: {kind})")]
    Render { template: String, line: usize, kind: String },
}
