//! What goes wrong, from outside: the server is never told.

use std::time::Duration;

use anyhow::ensure;
use bia_fake_entra::{Endpoint, EndpointFault, Fault as Planned};
use serde::Serialize;
use sqlx::{Connection as _, PgConnection};

use crate::args::Setup;
use crate::fill;
use crate::process;
use crate::provider::Provider;
use crate::server::Server;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// SIGKILL of the server, and a start.
    ServerKilled,
    /// SIGKILL of every mapper worker.
    WorkersKilled,
    /// SIGSTOP for two seconds: the machine is busy elsewhere, and clocks jump for the process.
    ServerFrozen,
    /// SIGHUP five times.
    Reloads,
    /// Token endpoint: a second late, for five seconds.
    ProviderSlow,
    /// Token endpoint: 503, for five seconds.
    ProviderBroken,
    /// Token endpoint: connections reset, for five seconds.
    ProviderResets,
    /// SQLite: another process holds the write lock for two seconds.
    DatabaseLocked,
    /// PostgreSQL: every connection of the server is cut.
    ConnectionsCut,
    /// 500 connections that say nothing for five seconds.
    IdleConnections,
}

impl Fault {
    pub(crate) fn all(database: &str) -> Vec<Fault> {
        let mut all = vec![
            Fault::ServerKilled,
            Fault::WorkersKilled,
            Fault::ServerFrozen,
            Fault::Reloads,
            Fault::ProviderSlow,
            Fault::ProviderBroken,
            Fault::ProviderResets,
            Fault::IdleConnections,
        ];
        all.push(if database == "sqlite" { Fault::DatabaseLocked } else { Fault::ConnectionsCut });
        all
    }

    /// Strikes, and returns when its cause is over; an error when it could not be made.
    pub(crate) async fn strike(self, server: &mut Server, provider: &Provider, setup: &Setup) -> anyhow::Result<()> {
        let a_while = Duration::from_secs(5);
        match self {
            Fault::ServerKilled => {
                server.kill();
                server.start().await?;
            }
            Fault::WorkersKilled => {
                let workers = process::tree(server.id()).split_off(1);
                // One of them may end by itself meanwhile.
                let killed = workers.into_iter().filter(|id| server.signal("KILL", *id).is_ok()).count();
                ensure!(killed > 0, "there was no worker");
            }
            Fault::ServerFrozen => {
                server.signal("STOP", server.id())?;
                tokio::time::sleep(Duration::from_secs(2)).await;
                server.signal("CONT", server.id())?;
            }
            Fault::Reloads => {
                for _ in 0..5 {
                    server.signal("HUP", server.id())?;
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
            }
            Fault::ProviderSlow => at_token(provider, EndpointFault::Slow, Duration::from_secs(1), a_while).await,
            Fault::ProviderBroken => at_token(provider, EndpointFault::status(503), Duration::ZERO, a_while).await,
            Fault::ProviderResets => at_token(provider, EndpointFault::Reset, Duration::ZERO, a_while).await,
            Fault::DatabaseLocked => lock_sqlite(&server.dsn).await?,
            Fault::ConnectionsCut => cut_connections(&setup.database, &server.dsn).await?,
            Fault::IdleConnections => {
                let address = server.face().public.trim_start_matches("http://").to_owned();
                let mut held = Vec::new();
                for _ in 0..500 {
                    held.push(tokio::net::TcpStream::connect(&address).await?);
                }
                tokio::time::sleep(a_while).await;
            }
        }
        Ok(())
    }
}

async fn at_token(provider: &Provider, fault: EndpointFault, delay: Duration, during: Duration) {
    let control = provider.control();
    control.add_fault(Planned::at(Endpoint::Token, fault).delay(delay));
    tokio::time::sleep(during).await;
    control.clear_faults();
}

async fn lock_sqlite(dsn: &str) -> anyhow::Result<()> {
    let connection = rusqlite::Connection::open(fill::file_of(dsn))?;
    connection.execute_batch("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE")?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    connection.execute_batch("ROLLBACK")?;
    Ok(())
}

async fn cut_connections(server: &str, dsn: &str) -> anyhow::Result<()> {
    let database = url::Url::parse(dsn)?.path().trim_start_matches('/').to_owned();
    let mut connection = PgConnection::connect(server).await?;
    let cut = sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
        .bind(database)
        .execute(&mut connection)
        .await?;
    ensure!(cut.rows_affected() > 0, "the server had no connection");
    Ok(())
}
