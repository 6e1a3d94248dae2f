//! What can go wrong between the program and its database, in terms a caller can act on.
//!
//! No text here holds a stored value: identifiers and addresses are personal data, and errors reach logs.

use std::borrow::Cow;

/// Which uniqueness rule refused a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictKind {
    /// Another identity signs in with this identifier.
    CredentialIdentifier,
    VerifiableAddress,
    RecoveryAddress,
    ExternalId,
    /// The row's own key is taken.
    Key,
}

impl ConflictKind {
    /// The thing in words, for error texts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CredentialIdentifier => "credential identifier",
            Self::VerifiableAddress => "verifiable address",
            Self::RecoveryAddress => "recovery address",
            Self::ExternalId => "external id",
            Self::Key => "key",
        }
    }
}

/// The value that was taken. Its `Debug` form hides it, so that it can't slip into a log line.
#[derive(Clone, PartialEq, Eq)]
pub struct TakenValue(String);

impl TakenValue {
    pub(crate) fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The identifier or address itself; empty when the database didn't say.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for TakenValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<hidden>")
    }
}

/// Who owns a database that isn't ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForeignOwner {
    Kratos,
    NewerBia {
        version: i64,
        known: i64,
    },
    /// Some tables of another program; the first names.
    Other {
        tables: Vec<String>,
    },
    /// A file that SQLite can't read.
    NotSqlite,
}

impl std::fmt::Display for ForeignOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kratos => f.write_str(
                "the tables of Ory Kratos. Bia keeps a database of its own: name another one in `dsn`, \
                 and copy the people over with `bia import kratos`",
            ),
            Self::NewerBia { version, known } => write!(
                f,
                "the tables of a newer Bia (schema {version}, this one knows {known}). \
                 Start that version or a later one",
            ),
            Self::Other { tables } => write!(
                f,
                "the tables of another program ({}). Name an empty database in `dsn`; \
                 people of Ory Kratos are copied over with `bia import kratos`",
                tables.join(", ")
            ),
            Self::NotSqlite => f.write_str("something that is no SQLite database. Name another file in `dsn`"),
        }
    }
}

/// A failed operation on the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A uniqueness rule refused the write; the unit of work can only be rolled back.
    #[error("another row has this {}", what.as_str())]
    Conflict { what: ConflictKind, value: TakenValue },
    /// The row to change, or the one it belongs to, doesn't exist.
    #[error("there is no such {what}")]
    NotFound { what: &'static str },
    /// Somebody else changed the row since it was read; read it again.
    #[error("the {what} was changed by somebody else in the meantime")]
    Stale { what: &'static str },
    /// The database can't be used right now; trying later may help.
    #[error("the database is unavailable: {reason}")]
    Unavailable { reason: Cow<'static, str> },
    /// Two units of work met; the same one can be tried again at once.
    #[error("the database asked to try again")]
    Collision,
    /// A write failed earlier in this unit, so nothing of it can be kept.
    #[error("the unit of work failed earlier and was rolled back")]
    Aborted,
    /// The tables are missing or old.
    #[error("the database is not migrated; run `bia migrate sql`")]
    NotMigrated,
    /// The database belongs to somebody else; nothing was changed.
    #[error("{database} holds {found}. Nothing was changed")]
    Foreign { database: String, found: ForeignOwner },
    /// The DSN can't be used; nothing was opened.
    #[error("{reason}")]
    Dsn { reason: String },
    /// An applied migration differs from the one this program knows.
    #[error("migration {name} was applied with another content than this Bia has; nothing was changed")]
    ChangedMigration { name: String },
    /// A stored row can't be read.
    #[error("a stored {what} can't be read: {reason}")]
    Damaged { what: &'static str, reason: String },
    /// Anything else the database said; the code is SQLite's or PostgreSQL's.
    #[error("the database refused: code {code}{}{message}", if message.is_empty() { "" } else { ", " })]
    Refused { code: String, message: String },
}

/// The result of every operation here.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl StoreError {
    /// True when the very same unit of work may succeed if it is begun anew.
    pub const fn is_collision(&self) -> bool {
        matches!(self, Self::Collision)
    }

    pub(crate) fn unavailable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }

    /// A stored document that can't be parsed. serde's text may quote the document, so only the place is kept.
    pub(crate) fn document(what: &'static str, error: &serde_json::Error) -> Self {
        Self::Damaged { what, reason: format!("at line {} column {}", error.line(), error.column()) }
    }

    pub(crate) fn wrong_column(index: usize) -> Self {
        Self::Damaged { what: "row", reason: format!("column {index}") }
    }

    pub(crate) fn column(error: &sqlx::Error) -> Self {
        Self::Damaged {
            what: "row",
            reason: match error {
                sqlx::Error::ColumnDecode { index, .. } => format!("column {index}"),
                _ => "a column is missing".to_owned(),
            },
        }
    }
}

/// What one of the two drivers said.
#[derive(Debug)]
pub(crate) enum DriverError {
    Sqlite(rusqlite::Error),
    Postgres(sqlx::Error),
}

impl DriverError {
    /// Whether the file is something else than a SQLite database.
    pub(crate) fn is_no_database(&self) -> bool {
        matches!(self, Self::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase))
    }
}

impl From<rusqlite::Error> for DriverError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<sqlx::Error> for DriverError {
    fn from(error: sqlx::Error) -> Self {
        Self::Postgres(error)
    }
}

/// What a failure means for the connection it happened on.
pub(crate) struct Failure {
    pub(crate) error: StoreError,
    /// The connection can't be trusted any more.
    pub(crate) broken: bool,
}

impl From<DriverError> for Failure {
    fn from(error: DriverError) -> Self {
        match error {
            DriverError::Sqlite(error) => of_sqlite(&error),
            DriverError::Postgres(error) => of_sqlx(error),
        }
    }
}

fn of_sqlx(error: sqlx::Error) -> Failure {
    let broken = |error| Failure { error, broken: true };
    match error {
        sqlx::Error::Database(error) => of_postgres(&*error),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnIndexOutOfBounds { .. } => {
            Failure { error: StoreError::column(&error), broken: false }
        }
        sqlx::Error::Io(error) => broken(StoreError::unavailable(format!("input or output failed ({})", error.kind()))),
        sqlx::Error::Tls(_) => {
            broken(StoreError::unavailable("TLS with the database failed; see `sslmode` and `sslrootcert`"))
        }
        sqlx::Error::Configuration(_) => broken(StoreError::unavailable("the connection settings were refused")),
        _ => broken(StoreError::unavailable("the connection broke")),
    }
}

/// SQLite's extended result codes are its primary ones with details in the higher bytes.
fn of_sqlite(error: &rusqlite::Error) -> Failure {
    let (extended, message) = match error {
        rusqlite::Error::SqliteFailure(failure, message) => (failure.extended_code, message.as_deref()),
        rusqlite::Error::SqlInputError { error, msg, .. } => (error.extended_code, Some(msg.as_str())),
        rusqlite::Error::FromSqlConversionFailure(column, ..)
        | rusqlite::Error::InvalidColumnType(column, ..)
        | rusqlite::Error::Utf8Error(column, _) => {
            return Failure { error: StoreError::wrong_column(*column), broken: false };
        }
        // The driver did not get as far as SQLite, or gave up in the middle: nothing is said about what is stored.
        _ => {
            let reason = "the program failed to ask SQLite; the fault is its own, so please report it";
            return Failure { error: StoreError::unavailable(reason), broken: true };
        }
    };
    let message = message.unwrap_or_default();
    let primary = extended & 0xff;
    let error = match primary {
        1 if message.starts_with("no such table") => StoreError::NotMigrated,
        5 | 6 => StoreError::unavailable("another program holds the SQLite file locked"),
        8 => StoreError::unavailable("the SQLite file is read-only"),
        10 => StoreError::unavailable("the disk failed under the SQLite file"),
        11 => StoreError::unavailable("the SQLite file is damaged; see `bia doctor --db`"),
        13 => StoreError::unavailable("the disk is full"),
        14 => StoreError::unavailable("the SQLite file can't be opened"),
        26 => StoreError::unavailable("the file is no SQLite database"),
        19 => {
            use sqlx::error::ErrorKind;
            let kind = match extended {
                rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
                    ErrorKind::UniqueViolation
                }
                rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ErrorKind::ForeignKeyViolation,
                _ => ErrorKind::Other,
            };
            return constraint(kind, message);
        }
        _ => StoreError::Refused { code: extended.to_string(), message: message.to_owned() },
    };
    // A disk that failed may have left the connection's cache in doubt.
    Failure { error, broken: matches!(primary, 10 | 11 | 26) }
}

fn of_postgres(error: &dyn sqlx::error::DatabaseError) -> Failure {
    let code = error.code().unwrap_or_default().into_owned();
    let class = code.get(..2).unwrap_or_default();
    let (error, broken) = match (&*code, class) {
        ("40001" | "40P01", _) => (StoreError::Collision, false),
        ("42P01" | "3F000", _) => (StoreError::NotMigrated, false),
        ("23505" | "23503", _) => {
            return constraint(error.kind(), error.constraint().unwrap_or_default());
        }
        ("25006", _) => (StoreError::unavailable("the PostgreSQL server is read-only"), true),
        ("57014", _) => (StoreError::unavailable("PostgreSQL cancelled a statement that took too long"), false),
        ("53300", _) => (StoreError::unavailable("PostgreSQL has no free connection; see `max_conns`"), true),
        ("53100", _) => (StoreError::unavailable("PostgreSQL's disk is full"), false),
        ("28P01" | "28000", _) => (StoreError::unavailable("PostgreSQL refused the user or the password"), true),
        ("3D000", _) => (StoreError::unavailable("PostgreSQL has no database of that name"), true),
        ("25P03", _) | (_, "08" | "57" | "53") => {
            (StoreError::unavailable(format!("PostgreSQL ended the connection (code {code})")), true)
        }
        // Data errors may quote the value, so their text stays out.
        (_, "22" | "23") => (StoreError::Refused { code, message: String::new() }, false),
        _ => (StoreError::Refused { code, message: error.message().to_owned() }, false),
    };
    Failure { error, broken }
}

/// `place` is SQLite's message (`… failed: table.column`) or PostgreSQL's constraint name: never a value.
fn constraint(kind: sqlx::error::ErrorKind, place: &str) -> Failure {
    let error = match kind {
        sqlx::error::ErrorKind::UniqueViolation => StoreError::Conflict {
            what: if place.contains("external_id") { ConflictKind::ExternalId } else { ConflictKind::Key },
            value: TakenValue::new(""),
        },
        sqlx::error::ErrorKind::ForeignKeyViolation => StoreError::NotFound { what: "identity" },
        _ => StoreError::Refused { code: "constraint".to_owned(), message: place.to_owned() },
    };
    Failure { error, broken: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::types::Type;

    #[test]
    fn a_driver_that_failed_is_no_damaged_row() {
        let text = Box::new(std::fmt::Error);
        let odd = Failure::from(DriverError::from(rusqlite::Error::FromSqlConversionFailure(3, Type::Text, text)));
        assert_eq!((odd.error.to_string().as_str(), odd.broken), ("a stored row can't be read: column 3", false));
        for own in [rusqlite::Error::InvalidQuery, rusqlite::Error::InvalidParameterCount(1, 2)] {
            let failure = Failure::from(DriverError::from(own));
            assert!(matches!(failure.error, StoreError::Unavailable { .. }), "{}", failure.error);
            assert!(failure.broken, "{}", failure.error);
        }
    }
}
