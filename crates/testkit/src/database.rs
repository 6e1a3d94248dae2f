//! Fresh databases that go away with the test.

use bia_store::{ConnectOptions, Store};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::path::PathBuf;
use uuid::Uuid;

/// A migrated store in a database of its own.
pub struct TestDatabase {
    pub store: Store,
    /// For opening it a second time.
    pub dsn: String,
    cleanup: Cleanup,
}

enum Cleanup {
    Nothing,
    Folder(tempfile::TempDir),
    Schema(PostgresSchema),
}

impl TestDatabase {
    /// A SQLite file in a temporary folder.
    pub async fn sqlite_file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dsn = format!("sqlite://{}?_fk=true&mode=rwc", folder.path().join("bia.sqlite").display());
        Self::open(dsn, Cleanup::Folder(folder)).await
    }

    /// SQLite in memory.
    pub async fn memory() -> Self {
        Self::open("memory".to_owned(), Cleanup::Nothing).await
    }

    /// A new schema in the PostgreSQL database that `BIA_TEST_POSTGRES` names, if it is set.
    pub async fn postgres() -> Option<Self> {
        let schema = PostgresSchema::create().await?;
        Some(Self::open(schema.dsn.clone(), Cleanup::Schema(schema)).await)
    }

    async fn open(dsn: String, cleanup: Cleanup) -> Self {
        let store = Store::connect(&dsn, &ConnectOptions::default()).await.unwrap();
        store.migrate().await.unwrap();
        Self { store, dsn, cleanup }
    }

    /// The SQLite file, when it is one.
    pub fn path(&self) -> Option<PathBuf> {
        match &self.cleanup {
            Cleanup::Folder(folder) => Some(folder.path().join("bia.sqlite")),
            _ => None,
        }
    }

    /// Closes the store and removes the database. A test that fails leaves its PostgreSQL schema to look at.
    pub async fn remove(self) {
        self.store.close().await;
        match self.cleanup {
            Cleanup::Schema(schema) => schema.drop().await,
            Cleanup::Folder(_) | Cleanup::Nothing => {}
        }
    }
}

/// An empty schema in PostgreSQL.
pub struct PostgresSchema {
    /// Names the server and, as `search_path`, this schema alone.
    pub dsn: String,
    server: String,
    name: String,
}

impl PostgresSchema {
    /// `None` without `BIA_TEST_POSTGRES`.
    pub async fn create() -> Option<Self> {
        let server = postgres_server()?;
        let name = format!("t{}", Uuid::new_v4().simple());
        let separator = if server.contains('?') { '&' } else { '?' };
        let schema = Self { dsn: format!("{server}{separator}search_path={name}&max_conns=8"), server, name };
        schema.on_server(&format!("CREATE SCHEMA {}", schema.name)).await;
        Some(schema)
    }

    /// Runs SQL inside the schema, past the store.
    pub async fn run(&self, sql: &str) {
        self.on_server(&format!("SET search_path TO {}; {sql}", self.name)).await;
    }

    /// Ends every connection of the stores of this schema.
    pub async fn cut_connections(&self) {
        // Only the store's own connections name the schema in their settings, but these can't be read from
        // outside. Its application name can.
        self.on_server(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'",
            self.name
        ))
        .await;
    }

    /// A DSN whose connections carry the schema's name, for [`PostgresSchema::cut_connections`].
    pub fn named_dsn(&self) -> String {
        format!("{}&application_name={}", self.dsn, self.name)
    }

    pub async fn drop(self) {
        self.on_server(&format!("DROP SCHEMA {} CASCADE", self.name)).await;
    }

    async fn on_server(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.server).await.unwrap();
        connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// The DSN that `BIA_TEST_POSTGRES` holds; without one the test says that it is skipped.
pub fn postgres_server() -> Option<String> {
    let server = std::env::var("BIA_TEST_POSTGRES").ok().filter(|dsn| !dsn.is_empty());
    if server.is_none() {
        crate::skipped("BIA_TEST_POSTGRES names no PostgreSQL database");
    }
    server
}
