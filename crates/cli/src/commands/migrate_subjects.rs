//! `bia migrate subjects`: undoes a subject migration, or says what undoing it would do.

use super::migrate::{confirmed, dsn};
use crate::args::MigrateSubjects;
use crate::{assemble, log, output};
use anyhow::{Context as _, bail, ensure};
use bia_config::Log;
use bia_selfservice::oidc::{RolledBack, preview_subject_rollback, roll_back_subject_migration};
use std::process::ExitCode;

pub(crate) async fn run(args: MigrateSubjects) -> anyhow::Result<ExitCode> {
    let wanted = args.rollback && !args.dry_run;
    let target = &args.target;
    let _telemetry = match target.files.config.as_slice() {
        [] => log::start(&Log::default()),
        _ => {
            let config = super::load::load(&target.files, false)?.config;
            let provider = config.provider_by_id_or_alias(&args.provider);
            let provider =
                provider.with_context(|| format!("no provider of the configuration has the id `{}`", args.provider))?;
            ensure!(
                !wanted || provider.microsoft.subject_migration.is_none(),
                "`{}` still has microsoft.subject_migration, so the next sign-in would rewrite each link again. \
                 Set subject_source back, remove subject_migration, restart the servers; then roll back",
                args.provider
            );
            // Each restored link is an audit event, which belongs where the server's events are.
            log::beside_results(&config)?
        }
    };
    let store = assemble::connect(&dsn(target.url.as_deref(), target.read_from_env, &target.files)?).await?;
    let now = || time::OffsetDateTime::now_utc().into();
    // As much work as doing it.
    if !wanted || !target.yes {
        let preview = preview_subject_rollback(&store, &args.provider, now()).await?;
        if !wanted {
            print(&args, &preview, false)?;
            store.close().await;
            return Ok(super::code(preview.skipped == 0));
        }
        output::note(format_args!("{} link(s) of `{}` get their old subject again.", preview.restored, args.provider));
        if preview.restored > 0 && !confirmed()? {
            bail!("nothing was changed");
        }
    }
    let done = roll_back_subject_migration(&store, &args.provider, now()).await?;
    print(&args, &done, true)?;
    store.close().await;
    Ok(super::code(done.skipped == 0))
}

fn print(args: &MigrateSubjects, counts: &RolledBack, done: bool) -> anyhow::Result<()> {
    let RolledBack { restored, skipped } = counts;
    if args.json {
        return output::json(&serde_json::json!({
            "provider": args.provider, "dry_run": !done, "restored": restored, "skipped": skipped,
        }));
    }
    let verb = if done { "restored" } else { "would be restored" };
    output::line(format_args!("{restored} link(s) {verb}, {skipped} left as they are"));
    if *skipped > 0 {
        output::note("Those left are gone, or somebody else has their old subject by now.");
    }
    Ok(())
}
