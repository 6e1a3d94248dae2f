//! A whole database of PostgreSQL for a test whose program is a process: connections of it alone can be cut, and settings
//! changed.

use crate::database::postgres_server;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use url::Url;
use uuid::Uuid;

/// One database for one test. One whose test failed stays, to be looked at.
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// `None` without `BIA_TEST_POSTGRES`.
    pub async fn create() -> Option<Self> {
        let database = Self { server: postgres_server()?, name: format!("e2e_{}", Uuid::new_v4().simple()) };
        database.on_server(&format!("CREATE DATABASE {}", database.name)).await;
        Some(database)
    }

    /// The DSN, by way of another port of this machine if there is one.
    ///
    /// # Panics
    /// When `BIA_TEST_POSTGRES` holds no DSN.
    pub fn dsn(&self, port: Option<u16>) -> String {
        let mut url = Url::parse(&self.server).expect("a DSN");
        url.set_path(&self.name);
        if let Some(port) = port {
            url.set_host(Some("127.0.0.1")).expect("a host");
            url.set_port(Some(port)).expect("a port");
        }
        url.into()
    }

    /// Host and port of the server.
    ///
    /// # Panics
    /// As [`Database::dsn`].
    pub fn address(&self) -> String {
        let url = Url::parse(&self.server).expect("a DSN");
        format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5432))
    }

    /// Connects beside the program.
    ///
    /// # Panics
    /// When the server is away.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.dsn(None)).await.expect("a connection")
    }

    /// Runs statements in the database.
    ///
    /// # Panics
    /// When one fails.
    pub async fn run(&self, sql: &str) {
        let mut connection = self.connect().await;
        connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await.expect("it runs");
        connection.close().await.expect("closed");
    }

    /// Ends every connection to the database, as a restart does.
    pub async fn end_connections(&self) {
        let sql = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", self.name);
        self.on_server(&sql).await;
    }

    /// Turns writing off and on for every connection that begins afterwards, as a failover to a replica does.
    pub async fn read_only(&self, read_only: bool) {
        let setting =
            if read_only { "SET default_transaction_read_only = on" } else { "RESET default_transaction_read_only" };
        self.on_server(&format!("ALTER DATABASE {} {setting}", self.name)).await;
    }

    /// Removes it, whoever is still connected.
    pub async fn drop(self) {
        self.on_server(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }

    async fn on_server(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.server).await.expect("the server");
        connection.execute(AssertSqlSafe(sql.to_owned())).await.expect("it runs");
        connection.close().await.expect("closed");
    }
}
