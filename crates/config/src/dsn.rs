//! `dsn`: where identities, sessions and flows are kept.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use url::Url;

/// The parsed `dsn`. It never prints the password.
#[derive(Clone)]
pub enum Dsn {
    /// `memory`: SQLite that is gone when the process ends.
    Memory,
    /// `sqlite://bia.sqlite?_fk=true&mode=rwc`, relative or absolute (`sqlite:///var/lib/bia/bia.sqlite`).
    Sqlite {
        /// The database file. Parameters that Kratos' Go driver understands are read past: Bia always checks foreign keys.
        path: PathBuf,
        /// `mode=ro` or `immutable=1` was given: the file must not be written.
        read_only: bool,
        /// `mode=rw` was given: the file must exist already.
        must_exist: bool,
    },
    /// `postgres://` or `postgresql://`.
    Postgres {
        /// The connection URL without the pool parameters below.
        url: SecretString,
        /// Host and database, for logs.
        label: String,
        /// Pool settings taken from Kratos' parameters.
        pool: PoolSettings,
    },
}

/// The pool parameters that Kratos reads from a DSN's query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolSettings {
    /// `max_conns`: most connections at once.
    pub max_conns: Option<u32>,
    /// `max_idle_conns`: connections kept open while idle.
    pub max_idle_conns: Option<u32>,
    /// `max_conn_lifetime`: age at which a connection is replaced.
    pub max_conn_lifetime: Option<Duration>,
    /// `max_conn_idle_time`: idle time after which a connection is closed.
    pub max_conn_idle_time: Option<Duration>,
}

/// Why a `dsn` is refused, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DsnError {
    /// The key is there, but empty.
    #[error("the database address is empty")]
    Empty,
    /// MySQL and CockroachDB, which Kratos knows and Bia does not.
    #[error("{0} is a database of Kratos that Bia does not keep data in: use `sqlite://`, `postgres://` or `memory`")]
    OtherDatabase(&'static str),
    /// A scheme that nobody knows.
    #[error("expected `sqlite://path`, `postgres://…` or `memory`")]
    UnknownScheme,
    /// `sqlite://` without a file.
    #[error("`sqlite://` needs the path of a file after it, such as `sqlite:///var/lib/bia/bia.sqlite`")]
    NoPath,
    /// The PostgreSQL URL cannot be parsed.
    #[error("the PostgreSQL address is not a URL: percent-encode special characters in user name and password")]
    BadUrl,
}

impl Dsn {
    /// Reads the text of `dsn`.
    pub fn parse(text: &str) -> Result<Self, DsnError> {
        if text.is_empty() {
            return Err(DsnError::Empty);
        }
        if text == "memory" {
            return Ok(Self::Memory);
        }
        let (scheme, rest) = text.split_once(':').ok_or(DsnError::UnknownScheme)?;
        match scheme {
            "sqlite" | "sqlite3" => Self::sqlite(rest.strip_prefix("//").unwrap_or(rest)),
            "postgres" | "postgresql" => Self::postgres(text),
            "mysql" => Err(DsnError::OtherDatabase("MySQL")),
            "cockroach" | "cockroachdb" | "crdb" => Err(DsnError::OtherDatabase("CockroachDB")),
            _ => Err(DsnError::UnknownScheme),
        }
    }

    fn sqlite(rest: &str) -> Result<Self, DsnError> {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = path.strip_prefix("file:").unwrap_or(path);
        let parameter = |name: &str| form_pairs(query).find(|(key, _)| *key == name).map(|(_, value)| value);
        let mode = parameter("mode").unwrap_or_default();
        if path == ":memory:" || mode == "memory" {
            return Ok(Self::Memory);
        }
        if path.is_empty() {
            return Err(DsnError::NoPath);
        }
        Ok(Self::Sqlite {
            path: PathBuf::from(path),
            read_only: mode == "ro" || parameter("immutable").is_some_and(|value| value == "1" || value == "true"),
            must_exist: mode == "rw",
        })
    }

    fn postgres(text: &str) -> Result<Self, DsnError> {
        let mut url = Url::parse(text).map_err(|_| DsnError::BadUrl)?;
        // `postgres:password@host/db`, whose scheme somebody forgot: the password would be taken for a path, and shown.
        if !url.has_authority() {
            return Err(DsnError::UnknownScheme);
        }
        let mut pool = PoolSettings::default();
        let mut kept = Vec::new();
        for (key, value) in url.query_pairs() {
            match key.as_ref() {
                "max_conns" => pool.max_conns = value.parse().ok(),
                "max_idle_conns" => pool.max_idle_conns = value.parse().ok(),
                "max_conn_lifetime" => pool.max_conn_lifetime = crate::duration::parse(&value),
                "max_conn_idle_time" => pool.max_conn_idle_time = crate::duration::parse(&value),
                _ => kept.push((key.into_owned(), value.into_owned())),
            }
        }
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
        let label = format!("postgres://{}{}", url.host_str().unwrap_or_default(), url.path());
        Ok(Self::Postgres { url: SecretString::from(String::from(url)), label, pool })
    }

    /// Whether identities are gone when the process ends.
    pub fn is_memory(&self) -> bool {
        matches!(self, Self::Memory)
    }
}

fn form_pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Sqlite { path, .. } => write!(f, "sqlite://{}", path.display()),
            Self::Postgres { label, .. } => f.write_str(label),
        }
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dsn({self})")
    }
}

impl<'de> Deserialize<'de> for Dsn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Dsn {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Dsn".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn go_style_parameters_of_sqlite_are_read_past() {
        let Ok(Dsn::Sqlite { path, read_only, must_exist }) =
            Dsn::parse("sqlite:///var/lib/bia.sqlite?_fk=true&mode=rwc")
        else {
            panic!("not SQLite");
        };
        assert_eq!(path, PathBuf::from("/var/lib/bia.sqlite"));
        assert!(!read_only && !must_exist);
        assert!(
            matches!(Dsn::parse("sqlite://bia.db"), Ok(Dsn::Sqlite { path, .. }) if path == std::path::Path::new("bia.db"))
        );
        assert!(matches!(Dsn::parse("sqlite://file::memory:?cache=shared"), Ok(Dsn::Memory)));
        assert!(matches!(Dsn::parse("memory"), Ok(Dsn::Memory)));
    }

    #[test]
    fn pool_parameters_leave_the_postgres_url_and_the_password_is_never_printed() {
        let dsn =
            Dsn::parse("postgres://bia:hunter2@db/bia?sslmode=disable&max_conns=20&max_conn_lifetime=5m").expect("dsn");
        assert!(!format!("{dsn} {dsn:?}").contains("hunter2"));
        let Dsn::Postgres { url, pool, .. } = dsn else { panic!("not PostgreSQL") };
        assert_eq!(url.expose_secret(), "postgres://bia:hunter2@db/bia?sslmode=disable");
        assert_eq!(pool.max_conns, Some(20));
        assert_eq!(pool.max_conn_lifetime, Some(Duration::from_secs(300)));
    }

    #[test]
    fn databases_of_others_are_refused_with_a_sentence() {
        assert_eq!(Dsn::parse("mysql://root@tcp(db)/kratos").err(), Some(DsnError::OtherDatabase("MySQL")));
        assert_eq!(Dsn::parse("cockroach://root@db/kratos").err(), Some(DsnError::OtherDatabase("CockroachDB")));
        assert_eq!(Dsn::parse("").err(), Some(DsnError::Empty));
        assert_eq!(Dsn::parse("sqlite://").err(), Some(DsnError::NoPath));
        assert_eq!(Dsn::parse("/var/lib/x").err(), Some(DsnError::UnknownScheme));
        assert_eq!(Dsn::parse("postgres:hunter2@db/bia").err(), Some(DsnError::UnknownScheme));
    }
}
