//! The templates: built in, with the operator's files of the same name in their place.

use crate::catalogue::Catalogues;
use crate::error::PageError;
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior};
use std::path::Path;
use std::sync::Arc;

const MAX_FILES: usize = 64;
const MAX_FILE: u64 = 256 * 1024;

const BUILT_IN: &[(&str, &str)] = &[
    ("base.html", include_str!("../templates/base.html")),
    ("field.html", include_str!("../templates/field.html")),
    ("form.html", include_str!("../templates/form.html")),
    ("messages.html", include_str!("../templates/messages.html")),
    ("mark.html", include_str!("../templates/mark.html")),
    ("rows.html", include_str!("../templates/rows.html")),
    ("session.html", include_str!("../templates/session.html")),
    ("login.html", include_str!("../templates/login.html")),
    ("registration.html", include_str!("../templates/registration.html")),
    ("settings.html", include_str!("../templates/settings.html")),
    ("consent.html", include_str!("../templates/consent.html")),
    ("error.html", include_str!("../templates/error.html")),
    ("welcome.html", include_str!("../templates/welcome.html")),
    ("logged_out.html", include_str!("../templates/logged_out.html")),
    ("test_login.html", include_str!("../templates/test_login.html")),
    ("front_channel.html", include_str!("../templates/front_channel.html")),
];

/// The environment with all templates parsed. Every template is HTML, so that everything is escaped.
pub(crate) fn environment(
    folder: Option<&Path>,
    catalogues: Arc<Catalogues>,
) -> Result<Environment<'static>, PageError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Whatever a file is called: an operator's `card.txt` included in a page must escape, too.
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
    environment
        .add_function("t", move |state: &State, key: &str, values: Kwargs| text(&catalogues, state, key, &values));
    for (name, source) in BUILT_IN {
        environment.add_template(name, source).map_err(|error| problem(name, &error))?;
    }
    for (name, source) in folder.map(|folder| files(folder, "html")).transpose()?.unwrap_or_default() {
        let name = format!("{name}.html");
        environment.add_template_owned(name.clone(), source).map_err(|error| problem(&name, &error))?;
    }
    Ok(environment)
}

/// `t('name', gap=value)` of templates.
fn text(catalogues: &Catalogues, state: &State, key: &str, values: &Kwargs) -> Result<String, Error> {
    let language = state.lookup("lang").unwrap_or_default();
    let value = |name: &str| values.get::<Option<String>>(name).ok().flatten().filter(|text| !text.is_empty());
    let found = catalogues.text(language.as_str().unwrap_or("en"), key, &value);
    found.ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("there is no text `{key}`, or a value for it is missing"))
    })
}

/// A template's fault for its author. Only used with built-in sample data, so no visitor's value can be in it.
pub(crate) fn problem(name: &str, error: &Error) -> PageError {
    let mut problem = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        problem = format!("{problem}: {inner}");
        source = inner.source();
    }
    PageError::Template {
        template: error.name().unwrap_or(name).to_owned(),
        line: error.line().unwrap_or_default(),
        problem,
    }
}

/// The files of a folder with this ending, by name without it.
pub(crate) fn files(folder: &Path, extension: &str) -> Result<Vec<(String, String)>, PageError> {
    let unreadable =
        |path: &Path, error: &std::io::Error| PageError::Unreadable { path: path.into(), reason: error.kind() };
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        let is_wanted = path.extension().is_some_and(|found| found == extension);
        let Some(name) = path.file_stem().and_then(|name| name.to_str()).filter(|_| is_wanted) else { continue };
        let size = std::fs::metadata(&path).map_err(|error| unreadable(&path, &error))?.len();
        if size > MAX_FILE {
            return Err(PageError::TooLarge { path, limit: MAX_FILE });
        }
        if out.len() == MAX_FILES {
            return Err(PageError::TooMany { path: folder.into(), limit: MAX_FILES });
        }
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        out.push((name.to_owned(), text));
    }
    out.sort();
    Ok(out)
}
