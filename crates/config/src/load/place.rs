//! Tells findings where their keys stand.

use std::path::PathBuf;

use super::layers::Layers;
use crate::finding::{Finding, Location};

/// Files before variables, from top to bottom.
pub(super) fn position(location: &Location) -> (u8, PathBuf, String, usize, usize) {
    match location {
        Location::File { file, line, column } => (0, file.clone(), String::new(), *line, *column),
        Location::Variable { name, line, column } => (1, PathBuf::new(), name.clone(), *line, *column),
        Location::Override => (2, PathBuf::new(), String::new(), 0, 0),
        Location::Unknown => (3, PathBuf::new(), String::new(), 0, 0),
    }
}

pub(super) fn place(layers: &Layers, finding: Finding) -> Finding {
    if finding.location != Location::Unknown {
        return finding;
    }
    let location = match finding.code {
        "unknown_key" | "forbidden_key" | "no_effect" | "unread_key" | "kratos_key" => layers.locate_key(&finding.path),
        _ if layers.sets(&finding.path) => layers.locate(&finding.path),
        // A missing key belongs to the block that lacks it; at the top level there is no such line.
        _ if finding.path.parts().len() > 1 => layers.locate(&finding.path.parent()),
        _ => Location::Unknown,
    };
    finding.at(location)
}

/// A list from a variable that lacks what the file's list has: in Kratos the file would have completed it.
pub(super) fn completed_by_file(layers: &Layers, error: Finding) -> Finding {
    if error.code != "missing_key" {
        return error;
    }
    let Some(variable) = layers.completed_by_file_in_kratos(&error.path) else {
        return error;
    };
    let key = error.path.last().unwrap_or_default();
    let help = format!(
        "The file has `{key}`, but {variable} replaces the file's whole list (Kratos merges the two item by item). Put the \
         complete entry into the variable; or unset it and set one value with a variable for this item, such as \
         {}; or keep the secret in a file with `client_secret_file`.",
        error.path.parent().child("client_secret").variable()
    );
    error.help(help)
}
