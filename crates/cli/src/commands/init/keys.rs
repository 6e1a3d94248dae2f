//! The secrets of a new `kratos.yml`, or those of the one that it takes the place of: with others everybody would be
//! signed out, and stored tokens lost.

use crate::secrets;
use anyhow::{Context as _, anyhow, bail};
use bia_config::Dsn;
use serde_yaml::Value;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// A file larger than this is no configuration.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
const LISTS: [&str; 4] = ["default", "cookie", "cipher", "pagination"];

/// Lists by name; what an earlier file left out stays out, so that it falls back to what it fell back to before.
pub(super) struct Keys(Vec<(&'static str, Vec<String>)>);

impl Keys {
    /// For a first `kratos.yml`.
    pub(super) fn new() -> Self {
        let made = |length| vec![secrets::generate().chars().take(length).collect::<String>()];
        // Kratos: a cipher is exactly 32 characters.
        Self(vec![("default", made(64)), ("cookie", made(64)), ("cipher", made(32))])
    }

    /// Those of `earlier`, or new ones where there is no such file.
    ///
    /// # Errors
    /// When it is there and can't be understood: then nobody knows what would be lost.
    pub(super) fn kept(earlier: &Path) -> anyhow::Result<Self> {
        let unusable = || {
            format!(
                "{} can't be read, and the secrets in it would be lost: everybody would be signed out, and stored tokens could not be opened any more. Nothing was written. Correct the file, or move it away",
                earlier.display()
            )
        };
        match read(earlier) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::new()),
            text => Self::of_text(&text.with_context(unusable)?, earlier).with_context(unusable),
        }
    }

    fn of_text(text: &str, earlier: &Path) -> anyhow::Result<Self> {
        // The parser quotes what it found; the place is enough.
        let value: Value = serde_yaml::from_str(text).map_err(|error| match error.location() {
            Some(at) => anyhow!("it is not YAML (line {}, column {})", at.line(), at.column()),
            None => anyhow!("it is not YAML"),
        })?;
        if !matches!(value, Value::Mapping(_) | Value::Null) {
            bail!("it is no list of keys and values");
        }
        let mut kept = Vec::new();
        for name in LISTS {
            if let Some(texts) = list(&value["secrets"], name)? {
                kept.push((name, texts));
            }
        }
        let has = |name: &str| kept.iter().any(|(kept, _)| *kept == name);
        if !(has("default") || has("cookie") && has("cipher")) {
            // `serve` generated the rest and keeps it beside the database, which the new file may not name any more.
            if let Some(texts) = beside_database(&value, earlier)? {
                kept.insert(0, ("default", texts));
            }
        }
        Ok(Self(kept))
    }

    /// Encryption takes `secrets.cipher`; a file without one stored tokens as they are, and goes on so.
    pub(super) fn algorithm(&self) -> &'static str {
        let has_cipher = self.0.iter().any(|(name, _)| *name == "cipher");
        if has_cipher {
            "xchacha20-poly1305"
        } else {
            "noop # Kratos' way, in the clear: as in the file before this one"
        }
    }

    /// As it stands in `kratos.yml`.
    pub(super) fn to_yaml(&self, quoted: impl Fn(&str) -> String) -> String {
        if self.0.is_empty() {
            return "# Not in this file: the one before it had none either. Without them they are generated beside the SQLite file.".to_owned();
        }
        let mut yaml = "secrets:".to_owned();
        for (name, texts) in &self.0 {
            yaml.push_str(&format!("\n  {name}:"));
            texts.iter().for_each(|text| yaml.push_str(&format!("\n    - {}", quoted(text))));
        }
        yaml
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let size = File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)? as u64;
    if size > FILE_BYTES_MAX { Err(io::Error::new(io::ErrorKind::InvalidData, "it is too large")) } else { Ok(text) }
}

fn list(secrets: &Value, name: &str) -> anyhow::Result<Option<Vec<String>>> {
    let items = match secrets.get(name) {
        None | Some(Value::Null) if matches!(secrets, Value::Null | Value::Mapping(_)) => return Ok(None),
        Some(Value::Sequence(items)) => items,
        _ => bail!("`secrets.{name}` is no list of texts"),
    };
    let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
    let texts: Option<Vec<String>> = texts.collect();
    let texts = texts.with_context(|| format!("`secrets.{name}` is no list of texts; put each in quotes"))?;
    Ok((!texts.is_empty()).then_some(texts))
}

fn beside_database(value: &Value, earlier: &Path) -> anyhow::Result<Option<Vec<String>>> {
    let Some(Ok(Dsn::Sqlite { path, .. })) = value["dsn"].as_str().map(Dsn::parse) else { return Ok(None) };
    // Relative paths count from the folder that is served from, which is the one of the file.
    let path = secrets::path_beside(&earlier.with_file_name(path));
    match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        text => {
            let text = text.with_context(|| format!("{} can't be read", path.display()))?;
            let texts: Vec<String> = secrets::lines(&text).map(str::to_owned).collect();
            Ok((!texts.is_empty()).then_some(texts))
        }
    }
}
