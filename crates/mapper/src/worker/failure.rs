//! From the evaluator's error to a diagnostic in go-jsonnet's words, with the place and what a person may do about it.

use jrsonnet_evaluator::analyze::DiagLevel;
use jrsonnet_evaluator::error::{Error, ErrorKind};
use jrsonnet_ir::{Source, Span};

use super::imports::{NOT_AVAILABLE, ShippedPath};
use super::locate::{Missing, import_of, missing_field};
use super::redact::redact;
use crate::diagnostic::{Diagnostic, Excerpt, SnippetFault};
use crate::protocol::Inputs;

/// What was evaluated.
pub(super) struct Subject<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    pub(super) inputs: &'a Inputs<'a>,
}

// Kratos: 1 KiB of the worker's error text reach its log.
const MESSAGE_BYTES_MAX: usize = 1024;
const TRACE_MAX: usize = 12;
const LINE_CHARS_MAX: usize = 160;

/// The diagnostic as JSON, at most a few KiB.
pub(super) fn diagnose(error: &Error, subject: &Subject<'_>) -> String {
    let (kind, message, span) = classify(error.error());
    let inputs: Vec<_> = subject.inputs.ext_vars.iter().chain(&subject.inputs.tla).copied().collect();
    let cancel = kind == SnippetFault::Raised && message.starts_with("RUNTIME ERROR: cancel");
    let clean = |text: &str| redact(&shortened(text, MESSAGE_BYTES_MAX), subject.text, &inputs);
    let mut diagnostic = Diagnostic {
        kind,
        message: clean(&message),
        file: subject.name.to_owned(),
        line: 0,
        column: 0,
        excerpt: None,
        neighbours: Vec::new(),
        hints: hints(error.error(), subject),
        trace: error
            .trace()
            .0
            .iter()
            .filter_map(|frame| frame_text(frame.location.as_ref(), &frame.desc, subject))
            .map(|frame| clean(&frame))
            .take(TRACE_MAX)
            .collect(),
        cancel,
    };
    let mut place = span.or_else(|| error.trace().0.iter().find_map(|frame| frame.location.clone()));
    if let ErrorKind::NoSuchField(field, _) = error.error()
        && let Some(Missing { span, neighbours, hints }) = missing_field(subject, field)
    {
        place = Some(span);
        diagnostic.neighbours = neighbours;
        diagnostic.hints.extend(hints);
    }
    if let ErrorKind::ImportCallbackError(text) = error.error()
        && let Some(path) = text.strip_prefix(NOT_AVAILABLE)
    {
        // The trace, if there is one, knows only who asked for the value.
        place = import_of(subject, path.trim_start()).or(place);
    }
    if let Some(Span(source, start, end)) = place {
        diagnostic.file = file_name(&source, subject);
        let (line, column, excerpt) = excerpt(source.code(), start as usize, end as usize);
        (diagnostic.line, diagnostic.column, diagnostic.excerpt) = (line, column, Some(excerpt));
    }
    serde_json::to_string(&diagnostic).unwrap_or_default()
}

/// The kind, go-jsonnet's message, and the place where the error itself knows it.
fn classify(error: &ErrorKind) -> (SnippetFault, String, Option<Span>) {
    use SnippetFault as Fault;
    let runtime = |fault, message: &dyn std::fmt::Display| (fault, format!("RUNTIME ERROR: {message}"), None);
    match error {
        ErrorKind::ImportSyntaxError { error, .. } => {
            // go-jsonnet calls a text that stops too early by this sentence, and so do search engines.
            let message = if error.message.ends_with("end of file") {
                format!("Unexpected end of file: {}", error.message)
            } else {
                error.message.clone()
            };
            (Fault::Syntax, message, Some(error.location.clone()))
        }
        ErrorKind::StaticAnalysisError(list) => {
            // The list holds warnings as well, which are no reason to fail.
            let first = list.iter().find(|entry| matches!(entry.level, DiagLevel::Error));
            let text = first.map_or("static analysis failed", |entry| entry.message.lines().next().unwrap_or_default());
            let message = text
                .strip_prefix("undefined local: ")
                .map_or_else(|| text.to_owned(), |name| format!("Unknown variable: {name}"));
            (Fault::StaticAnalysis, message, first.and_then(|entry| entry.span.clone()))
        }
        ErrorKind::NoSuchField(field, _) => {
            runtime(Fault::MissingField, &format_args!("Field does not exist: {field}"))
        }
        ErrorKind::UndefinedExternalVariable(name) => {
            runtime(Fault::MissingExtVar, &format_args!("Undefined external variable: {name}"))
        }
        ErrorKind::ImportCallbackError(text) if text.starts_with(NOT_AVAILABLE) => runtime(Fault::Import, text),
        ErrorKind::RuntimeError(text) => runtime(Fault::Raised, text),
        ErrorKind::AssertionFailed(text) if text.as_str() == "null" => runtime(Fault::Raised, &"Assertion failed"),
        ErrorKind::AssertionFailed(text) => runtime(Fault::Raised, text),
        ErrorKind::StackOverflow => runtime(Fault::StackOverflow, &"max stack frames exceeded."),
        ErrorKind::FunctionParameterNotBoundInCall(name, _) => {
            runtime(Fault::Runtime, &format_args!("Missing argument: {name}"))
        }
        ErrorKind::BinaryOperatorDoesNotOperateOnValues(_, left, right) => {
            runtime(Fault::Runtime, &format_args!("Unexpected type {right}, expected {left}"))
        }
        ErrorKind::DivisionByZero => runtime(Fault::Runtime, &"Division by zero."),
        ErrorKind::ArrayBoundsError(index, length) => {
            runtime(Fault::Runtime, &format_args!("Index {index} out of bounds, not within [0, {length})"))
        }
        ErrorKind::DuplicateFieldName(name) => {
            runtime(Fault::Runtime, &format_args!("Duplicate field name: \"{name}\""))
        }
        other => runtime(Fault::Runtime, other),
    }
}

fn hints(error: &ErrorKind, subject: &Subject<'_>) -> Vec<String> {
    let names =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match error {
        ErrorKind::UndefinedExternalVariable(_) => {
            vec![format!("std.extVar knows {}", names(&subject.inputs.ext_vars))]
        }
        ErrorKind::ImportCallbackError(_) if subject.inputs.imports.is_empty() => {
            vec![
                "a mapper reads no files; put shared code into the folder that `bia.mapper.import_dir` names"
                    .to_owned(),
            ]
        }
        ErrorKind::ImportCallbackError(_) => {
            vec![format!("files that may be imported: {}", names(&subject.inputs.imports))]
        }
        ErrorKind::FunctionParameterNotBoundInCall(..) => {
            vec!["a claims mapper is an object, not a function; claims come from std.extVar('claims')".to_owned()]
        }
        ErrorKind::StaticAnalysisError(list) => list
            .iter()
            .filter(|entry| matches!(entry.level, DiagLevel::Error))
            .filter_map(|entry| {
                let name = entry.message.lines().next()?.strip_prefix("undefined local: ")?;
                if subject.inputs.ext_vars.iter().any(|(known, _)| *known == name) || name == "claims" {
                    return Some(format!("begin with `local {name} = std.extVar('{name}');`"));
                }
                let similar = entry.message.lines().nth(1)?.rsplit_once(": ")?.1;
                Some(format!("did you mean {similar}?"))
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn frame_text(location: Option<&Span>, what: &str, subject: &Subject<'_>) -> Option<String> {
    let Span(source, start, _) = location?;
    let (line, column) = position(source.code(), *start as usize);
    Some(format!("{}:{line}:{column} {}", file_name(source, subject), what.lines().next().unwrap_or_default()))
}

fn file_name(source: &Source, subject: &Subject<'_>) -> String {
    source
        .source_path()
        .downcast_ref::<ShippedPath>()
        .map_or_else(|| subject.name.to_owned(), |ShippedPath(path)| path.clone())
}

/// Line and column, counted from one in characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..floor(text, offset)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

pub(super) fn excerpt(text: &str, start: usize, end: usize) -> (usize, usize, Excerpt) {
    let (start, end) = (floor(text, start), floor(text, end.max(start)));
    let (line, column) = position(text, start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let caret = column - 1;
    let width = text[start..end.clamp(start, line_end)].chars().count().max(1);
    // A line may be a megabyte; what surrounds the caret is enough.
    let skip = caret.saturating_sub(LINE_CHARS_MAX / 2);
    let shown: String = text[line_start..line_end]
        .chars()
        .skip(skip)
        .take(LINE_CHARS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let caret = caret - skip;
    let width = width.min(LINE_CHARS_MAX.saturating_sub(caret).max(1));
    (line, column, Excerpt { text: shown, caret, width })
}

fn shortened(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max { text.to_owned() } else { format!("{}…", &text[..floor(text, bytes_max)]) }
}

/// The largest character boundary at or before `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_point_at_the_character_and_survive_long_lines_and_odd_offsets() {
        let (line, column, shown) = excerpt("{\n  é: claims.emial,\n}", 14, 20);
        assert_eq!((line, column), (2, 12));
        assert_eq!(shown, Excerpt { text: "  é: claims.emial,".to_owned(), caret: 11, width: 6 });
        let long = format!("{}X{}", "a".repeat(5000), "b".repeat(5000));
        let (_, column, shown) = excerpt(&long, 5000, 5001);
        assert_eq!(column, 5001);
        assert_eq!(shown.text.chars().nth(shown.caret), Some('X'));
        excerpt("é", 1, 99);
        excerpt("", 7, 3);
    }
}
