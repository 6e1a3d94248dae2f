//! Whose database is it? Asked before anything is written (an unchanged `kratos.yml` names Kratos' own).

use crate::connection::{Connection, Dialect};
use crate::error::{Failure, ForeignOwner, Result, StoreError};
use crate::migrate::LATEST_VERSION;
use crate::query::Query;

/// What was found, when Bia may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// No tables at all.
    Nobody,
    Bia,
}

/// Tables that Kratos has had since its first versions; two of them are proof enough.
const KRATOS_TABLES: [&str; 6] = [
    "identity_credentials",
    "identity_credential_types",
    "identity_credential_identifiers",
    "selfservice_errors",
    "continuity_containers",
    "networks",
];

/// Looks at the names of the tables, and into Bia's own mark if there is one. Reads only.
pub(crate) async fn look(connection: &mut Connection) -> Result<Owner, Look> {
    let tables = table_names(connection).await?;
    if tables.is_empty() {
        return Ok(Owner::Nobody);
    }
    if !tables.iter().any(|table| table == "bia_meta") {
        return Err(Look::Foreign(foreign(tables)));
    }
    let query = Query::new("look", "SELECT value FROM bia_meta WHERE key = 'version'");
    let row = connection.fetch_optional(&query).await.map_err(Failure::from)?;
    let version = match row {
        Some(row) => row.text(0).map_err(Look::from)?.parse().unwrap_or(0),
        None => 0,
    };
    if version > LATEST_VERSION {
        return Err(Look::Foreign(ForeignOwner::NewerBia { version, known: LATEST_VERSION }));
    }
    Ok(Owner::Bia)
}

/// Why looking didn't end well.
pub(crate) enum Look {
    Foreign(ForeignOwner),
    Failed(StoreError),
}

impl Look {
    /// The error for the caller; `database` is its name without secrets.
    pub(crate) fn into_error(self, database: &str) -> StoreError {
        match self {
            Self::Foreign(found) => StoreError::Foreign { database: database.to_owned(), found },
            Self::Failed(error) => error,
        }
    }
}

impl From<StoreError> for Look {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl From<Failure> for Look {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.error)
    }
}

fn foreign(mut tables: Vec<String>) -> ForeignOwner {
    let of_kratos = KRATOS_TABLES.iter().filter(|name| tables.iter().any(|table| table == *name)).count();
    if of_kratos >= 2 {
        return ForeignOwner::Kratos;
    }
    let more = tables.len() > 3;
    tables.truncate(3);
    if more {
        tables.push("…".to_owned());
    }
    ForeignOwner::Other { tables }
}

async fn table_names(connection: &mut Connection) -> Result<Vec<String>, Look> {
    if connection.dialect() == Dialect::Postgres {
        let schema = Query::new("look", "SELECT current_schema()::text");
        let row = connection.fetch_optional(&schema).await.map_err(Failure::from)?;
        let found = match &row {
            Some(row) => row.optional_text(0)?.is_some(),
            None => false,
        };
        if !found {
            return Err(Look::Failed(StoreError::Dsn {
                reason: "dsn: no schema of PostgreSQL's `search_path` exists or may be used; create it first"
                    .to_owned(),
            }));
        }
    }
    // Tables that belong to a PostgreSQL extension (statistics, geography) are nobody's data.
    let query = Query::by_dialect(
        "look",
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') \
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name LIMIT 500",
        "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm') \
         AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') \
         ORDER BY 1 LIMIT 500",
    );
    let rows = connection.fetch_all(&query).await;
    let rows = match rows {
        Err(error) if error.is_no_database() => return Err(Look::Foreign(ForeignOwner::NotSqlite)),
        other => other.map_err(Failure::from)?,
    };
    rows.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
}
