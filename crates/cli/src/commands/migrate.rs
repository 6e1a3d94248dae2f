//! `bia migrate sql`, as in Kratos.

use crate::args::{MigrateAction, MigrateSql, MigrateTarget};
use crate::{assemble, output};
use anyhow::{Context as _, bail};
use bia_config::Dsn;
use bia_store::{MigrationStatus, Store};
use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;
use std::time::Duration;

pub(crate) async fn run(sql: MigrateSql) -> anyhow::Result<ExitCode> {
    match sql.action {
        None => up(sql.target).await,
        Some(MigrateAction::Up(target)) => up(target).await,
        Some(MigrateAction::Down { .. }) => bail!(
            "migrations only go forward: each release reads the tables of the one before it. \
             To go back, stop the server and restore the backup made before the upgrade"
        ),
        Some(MigrateAction::Status { target, block, json }) => status(target, block, json).await,
    }
}

async fn up(target: MigrateTarget) -> anyhow::Result<ExitCode> {
    let store = open(&target).await?;
    let pending: Vec<_> = store.migration_status().await?.into_iter().filter(is_pending).collect();
    if pending.is_empty() {
        output::line(format_args!("{} is up to date.", capital(&store.describe())));
        store.close().await;
        return Ok(ExitCode::SUCCESS);
    }
    output::note(format_args!("{} lacks {} migration(s):", capital(&store.describe()), pending.len()));
    pending.iter().for_each(|migration| output::note(format_args!("  {}", migration.name)));
    if !target.yes && !confirmed()? {
        bail!("nothing was changed");
    }
    for name in store.migrate().await? {
        output::line(format_args!("applied {name}"));
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Asks whoever sits at the terminal.
pub(super) fn confirmed() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody is here to be asked: add --yes to go on");
    }
    output::note("Go on? Back up the database first. [y/N]");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

async fn status(target: MigrateTarget, block: bool, json: bool) -> anyhow::Result<ExitCode> {
    let store = open(&target).await?;
    let mut migrations = store.migration_status().await?;
    while block && migrations.iter().any(is_pending) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        migrations = store.migration_status().await?;
    }
    if json {
        let list = migrations.iter().map(|migration| {
            serde_json::json!({ "version": migration.version, "name": migration.name, "applied_at": migration.applied_at })
        });
        output::json(&list.collect::<Vec<_>>())?;
    } else {
        output::line("VERSION\tNAME\tSTATUS");
        for migration in &migrations {
            let state = if is_pending(migration) { "Pending" } else { "Applied" };
            output::line(format_args!("{}\t{}\t{state}", migration.version, migration.name));
        }
    }
    store.close().await;
    Ok(super::code(!migrations.iter().any(is_pending)))
}

fn is_pending(migration: &MigrationStatus) -> bool {
    migration.applied_at.is_none()
}

async fn open(target: &MigrateTarget) -> anyhow::Result<Store> {
    let dsn = dsn(target.url.as_deref(), target.read_from_env, &target.files)?;
    Ok(assemble::connect(&dsn).await?)
}

/// The database: named, from the environment, or from the configuration.
pub(crate) fn dsn(url: Option<&str>, read_from_env: bool, files: &crate::args::ConfigFiles) -> anyhow::Result<Dsn> {
    if let Some(url) = url {
        return Ok(Dsn::parse(url)?);
    }
    let variable = std::env::var("DSN").ok().filter(|dsn| read_from_env && !dsn.is_empty());
    if let Some(text) = variable {
        return Dsn::parse(&text).context("the environment variable DSN can't be used");
    }
    if !files.config.is_empty() {
        return Ok(super::load::load(files, false)?.config.dsn);
    }
    if read_from_env {
        bail!("the environment variable DSN is not set");
    }
    bail!(
        "which database? Name it (sqlite://bia.sqlite), or add -e to read the environment variable DSN, or -c with a configuration"
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
