//! `bia import kratos`: everybody of a running Kratos into the database of a configuration.

use super::moving::{Bar, admin_api, load};
use crate::args::ImportKratos;
use crate::{assemble, output};
use anyhow::{Context as _, bail};
use bia_config::{Config, Dsn};
use bia_identity::Schemas;
use bia_moving::{Cursor, Import, ImportReport, import};
use bia_outbound::{Outbound, Policy, Sources};
use bia_store::{ConnectOptions, Store};
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) async fn run(args: ImportKratos) -> anyhow::Result<ExitCode> {
    let config = Arc::new(load(&args.files)?);
    let outbound = Outbound::new(Policy::default())?;
    let source = admin_api(&outbound, &args.admin_url, &args.manners)?;
    let schemas = Schemas::load(config.clone(), Arc::new(Sources::new(outbound)));
    let schemas = schemas.await.map_err(|errors| {
        let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("identity.schemas: {}", all.join("; "))
    })?;
    let store = open(&config, args.dry_run).await?;
    let job = Import {
        source: &source,
        store: &store,
        schemas: &schemas,
        config: &config,
        page_size: args.page_size,
        dry_run: args.dry_run,
        trust_verified_addresses: args.trust_verified_addresses,
        cursor: Some(Cursor { path: args.cursor.clone(), restart: args.restart }).filter(|_| !args.dry_run),
        now: time::OffsetDateTime::now_utc().into(),
    };
    let bar = Bar::new();
    let outcome = import(&job, &mut |report, total| bar.show(report.seen, total)).await;
    bar.end();
    store.close().await;
    let report = outcome.with_context(|| stopped(&args))?;
    if args.json {
        output::json(&report)?;
    } else {
        print(&report, args.dry_run, &config.dsn);
    }
    Ok(super::code(report.failed == 0))
}

fn stopped(args: &ImportKratos) -> String {
    if args.dry_run {
        "the move was not looked at to its end".to_owned()
    } else if args.cursor.exists() {
        format!("the move stopped before its end; repeat the command to go on ({} knows where)", args.cursor.display())
    } else {
        "nobody was moved, or the first page not to its end; repeat the command to begin anew".to_owned()
    }
}

/// The database, migrated; a dry run makes none and migrates none.
async fn open(config: &Config, dry_run: bool) -> anyhow::Result<Store> {
    let missing = matches!(&config.dsn, Dsn::Sqlite { path, .. } if !path.exists());
    let store = if dry_run && missing {
        Store::connect("memory", &ConnectOptions::default()).await?
    } else {
        assemble::connect(&config.dsn).await?
    };
    if dry_run && !missing {
        if !store.is_ready().await? {
            bail!("the database is not of this version yet; run `bia migrate sql -c …` before a dry run");
        }
    } else {
        store.migrate().await?;
    }
    Ok(store)
}

fn print(report: &ImportReport, dry_run: bool, dsn: &Dsn) {
    let tense = if dry_run { "Nothing was kept. It would have been" } else { "Done" };
    output::line(format_args!(
        "{tense}: {} people looked at, {} created, {} updated, {} unchanged, {} newer here, {} failed. Database: {dsn}",
        report.seen, report.created, report.updated, report.unchanged, report.newer_here, report.failed
    ));
    for (id, provider) in &report.providers {
        output::line(format_args!("  {} link(s) to `{id}`", provider.links));
    }
    for remark in report.remarks() {
        output::line(format_args!("- {remark}"));
    }
    for failure in &report.failures {
        output::note(format_args!("{}: {}", failure.id, failure.why));
    }
    if report.failed > report.failures.len() as u64 {
        output::note(format_args!("… and {} more", report.failed - report.failures.len() as u64));
    }
}
