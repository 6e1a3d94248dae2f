//! Folders of cases: which mapper they are for, and which file is what.
//!
//! `microsoft.jsonnet` has its cases in the folder `microsoft/` beside it, or in its own folder when it is the only
//! mapper there. A case `guest` is `guest.claims.json` with `guest.expected.json` or `guest.expected-error.txt`, and, if
//! wanted, `guest.identity.json` and `guest.schema.json`; `schema.json` is the schema of every case that has none. Without
//! `guest.claims.json` the claims are those of the persona `guest`.

use crate::error::InputError;
use crate::personas;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// More files than any folder of cases holds.
const FILES_MAX: usize = 20_000;
const CLAIMS: &str = ".claims.json";
const EXPECTED: &str = ".expected.json";
const EXPECTED_ERROR: &str = ".expected-error.txt";

/// A mapper and its cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suite {
    pub mapper: PathBuf,
    pub folder: PathBuf,
    pub cases: Vec<Case>,
}

/// One case; which of its files exist is looked up when it runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    pub name: String,
    /// Its claims are those of the persona of the same name instead of a file's.
    pub persona: bool,
}

/// The suites below a path: a mapper, a folder of cases, or a folder of mappers.
///
/// # Errors
/// Nothing there is a case; says how to write one.
pub fn suites(path: &Path, with_personas: bool) -> Result<Vec<Suite>, InputError> {
    if path.is_file() {
        return Ok(vec![suite(path, &folder_of(path)?, with_personas)?]);
    }
    let files = list(path)?;
    let beside = with_suffix(path, ".jsonnet");
    if beside.is_file() {
        return Ok(vec![suite(&beside, path, with_personas)?]);
    }
    let mappers: Vec<_> = files.iter().filter(|file| has_extension(file, "jsonnet")).collect();
    let mut found = Vec::new();
    for mapper in &mappers {
        if mapper.with_extension("").is_dir() {
            found.push(suite(mapper, &mapper.with_extension(""), with_personas)?);
        }
    }
    if let (true, [mapper]) = (found.is_empty(), mappers.as_slice()) {
        found.push(suite(mapper, path, with_personas)?);
    }
    if found.is_empty() {
        return Err(InputError::new(
            path.display(),
            "has no cases. Beside `m.jsonnet` make the folder `m/` with `name.claims.json`, then run with --update",
        ));
    }
    Ok(found)
}

fn folder_of(mapper: &Path) -> Result<PathBuf, InputError> {
    let named = mapper.with_extension("");
    if named.is_dir() {
        return Ok(named);
    }
    let own = mapper.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let others = list(own)?.iter().filter(|file| has_extension(file, "jsonnet")).count();
    if others == 1 && list(own)?.iter().any(|file| file.to_string_lossy().ends_with(CLAIMS)) {
        return Ok(own.to_owned());
    }
    Err(InputError::new(
        mapper.display(),
        format!("has no cases: make the folder {} with `name.claims.json`, then run with --update", named.display()),
    ))
}

fn suite(mapper: &Path, folder: &Path, with_personas: bool) -> Result<Suite, InputError> {
    let mut cases = BTreeSet::new();
    for file in list(folder)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // An expectation without claims is most likely misspelt: as a case of its own it fails and shows.
        for suffix in [CLAIMS, EXPECTED, EXPECTED_ERROR] {
            if let Some(case) = name.strip_suffix(suffix).filter(|case| !case.is_empty()) {
                cases.insert(case.to_owned());
            }
        }
    }
    if with_personas {
        cases.extend(personas::all().iter().map(|persona| persona.name.clone()));
    }
    let is_persona = |name: &str| {
        !folder.join(format!("{name}{CLAIMS}")).is_file() && personas::all().iter().any(|persona| persona.name == name)
    };
    let cases = cases.into_iter().map(|name| Case { persona: is_persona(&name), name }).collect();
    Ok(Suite { mapper: mapper.to_owned(), folder: folder.to_owned(), cases })
}

impl Suite {
    pub(crate) fn claims(&self, case: &Case) -> PathBuf {
        self.file(case, CLAIMS)
    }

    pub(crate) fn identity(&self, case: &Case) -> Option<PathBuf> {
        Some(self.file(case, ".identity.json")).filter(|path| path.is_file())
    }

    /// The case's own schema, else the folder's.
    pub(crate) fn schema(&self, case: &Case) -> Option<PathBuf> {
        [self.file(case, ".schema.json"), self.folder.join("schema.json")].into_iter().find(|path| path.is_file())
    }

    pub(crate) fn expected(&self, case: &Case) -> PathBuf {
        self.file(case, EXPECTED)
    }

    pub(crate) fn expected_error(&self, case: &Case) -> PathBuf {
        self.file(case, EXPECTED_ERROR)
    }

    fn file(&self, case: &Case, suffix: &str) -> PathBuf {
        self.folder.join(format!("{}{suffix}", case.name))
    }
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, InputError> {
    let unreadable = |error: std::io::Error| InputError::new(folder.display(), format!("can't be read: {error}"));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        files.push(entry.map_err(unreadable)?.path());
        if files.len() > FILES_MAX {
            return Err(InputError::new(folder.display(), format!("holds more than {FILES_MAX} files")));
        }
    }
    files.sort();
    Ok(files)
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|found| found == extension) && file.is_file()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.components().as_path().as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}
