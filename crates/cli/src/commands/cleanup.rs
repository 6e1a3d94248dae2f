//! `bia cleanup sql`.

use crate::{args, assemble, output};
use anyhow::Context as _;
use bia_config::Cleanup;
use bia_store::CleanupOptions;
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(args: args::CleanupSql) -> anyhow::Result<ExitCode> {
    let configured = if args.files.config.is_empty() {
        Cleanup::default()
    } else {
        super::load::load(&args.files, false)?.config.database.cleanup
    };
    let dsn = super::migrate::dsn(args.url.as_deref(), args.read_from_env, &args.files)?;
    let keep_last = match &args.keep_last {
        Some(text) => {
            bia_config::duration::parse(text).context("--keep-last: expected a duration such as `168h` or `90m`")?
        }
        None => configured.older_than,
    };
    let batch_size = args.batch_size.unwrap_or_else(|| u32::try_from(configured.batch_size).unwrap_or(u32::MAX));
    let store = assemble::connect(&dsn).await?;
    let options = CleanupOptions {
        keep_last,
        batch_size: batch_size.max(1),
        ..CleanupOptions::new(time::OffsetDateTime::now_utc().into())
    };
    let report = store.cleanup(&options).await?;
    store.close().await;
    let removed = [
        ("sessions", report.sessions),
        ("flows", report.flows),
        ("continuity", report.continuity),
        ("token_exchanges", report.token_exchanges),
        ("self_service_errors", report.self_service_errors),
    ];
    if args.json {
        let mut said: serde_json::Map<_, _> =
            removed.into_iter().map(|(table, rows)| (table.to_owned(), rows.into())).collect();
        // Nobody had to wait longer than this for the lock of one batch.
        said.insert("longest_batch_ms".to_owned(), json!(report.longest_batch.as_secs_f64() * 1000.0));
        output::json(&said)?;
    } else {
        removed.into_iter().for_each(|(table, rows)| output::line(format_args!("{table}\t{rows}")));
    }
    Ok(ExitCode::SUCCESS)
}
