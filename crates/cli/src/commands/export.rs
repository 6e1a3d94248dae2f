//! `bia export`: everybody of a database, into a file or into a running Kratos.

use super::aside::Aside;
use super::moving::{Bar, admin_api, load};
use crate::args::{self, ExportFormat};
use crate::{assemble, output};
use anyhow::{Context as _, bail};
use bia_config::{Config, Dsn};
use bia_moving::export::{Export, Format, Writer};
use bia_moving::{Cursor, MovingError, Send, send};
use bia_outbound::{Outbound, Policy};
use bia_store::{IdentityFilter, Page, Store};
use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;

const PAGE: u32 = 500;

pub(crate) async fn run(args: args::Export) -> anyhow::Result<ExitCode> {
    let config = load(&args.files)?;
    if let Dsn::Sqlite { path, .. } = &config.dsn {
        anyhow::ensure!(path.exists(), "there is no database {}", path.display());
    }
    let store = assemble::connect(&config.dsn).await?;
    anyhow::ensure!(store.is_ready().await?, "the database is not of this version yet; run `bia migrate sql -c …`");
    let export = Export { config: &config, keep_ids: args.keep_ids, links_as_stored: args.links_as_stored };
    let outcome = match &args.to_admin_url {
        Some(url) => send_all(&args, url, &store, export).await,
        None => write_all(&args, &store, export).await,
    };
    store.close().await;
    outcome
}

async fn write_all(args: &args::Export, store: &Store, export: Export<'_>) -> anyhow::Result<ExitCode> {
    let count = match &args.output {
        Some(path) => write_file(args, path, store, export).await?,
        None => write(args.format, std::io::stdout(), store, export).await?,
    };
    output::note(format_args!("{count} people were written. They hold personal data: keep the file to yourself."));
    Ok(ExitCode::SUCCESS)
}

/// Traits and metadata are nobody else's business, so a file is its owner's alone.
async fn write_file(args: &args::Export, path: &Path, store: &Store, export: Export<'_>) -> anyhow::Result<u64> {
    let unwritable = || format!("{} can't be written", path.display());
    refuse_existing(path, args.force)?;
    if is_device(path) {
        let device = OpenOptions::new().write(true).open(path).with_context(unwritable)?;
        return write(args.format, device, store, export).await;
    }
    let aside = Aside::create(path, 0o600).with_context(unwritable)?;
    let count = write(args.format, aside.out(), store, export).await?;
    // Somebody else may have made one while people were read.
    refuse_existing(path, args.force)?;
    aside.put_in_place().with_context(unwritable)?;
    Ok(count)
}

fn refuse_existing(path: &Path, force: bool) -> anyhow::Result<()> {
    if !force && path.symlink_metadata().is_ok() {
        bail!("{} exists; name another file, or add --force", path.display());
    }
    Ok(())
}

/// Renaming over a device would put a file in its place for everybody. The standard streams are links, behind which a
/// file may be; `/dev/shm` is a folder as any other.
fn is_device(path: &Path) -> bool {
    let is_stream = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"].iter().any(|stream| path.starts_with(stream));
    is_stream || fs::metadata(path).is_ok_and(|meta| !meta.is_file())
}

async fn write(format: ExportFormat, out: impl Write, store: &Store, export: Export<'_>) -> anyhow::Result<u64> {
    let format = match format {
        ExportFormat::Array => Format::Array,
        ExportFormat::Lines => Format::Lines,
        ExportFormat::Batches => Format::Batches,
    };
    let mut writer = Writer::new(BufWriter::new(out), format);
    let mut cursor = None;
    loop {
        let page = store.list_identities(&IdentityFilter::All, &Page::After { cursor, size: PAGE }).await?;
        for identity in &page.items {
            writer.add(identity, export.body(identity)).context("the export can't be written")?;
        }
        cursor = page.items.last().map(|identity| identity.id);
        if !page.has_more {
            break;
        }
    }
    writer.finish().context("the export can't be written")
}

async fn send_all(args: &args::Export, url: &str, store: &Store, export: Export<'_>) -> anyhow::Result<ExitCode> {
    let outbound = Outbound::new(Policy::default())?;
    let target = admin_api(&outbound, url, &args.manners)?;
    let mut id_map = match &args.id_map {
        Some(path) => {
            let mut options = OpenOptions::new();
            let file = options.create(true).append(true).mode(0o600).open(path);
            Some((path, file.with_context(|| format!("{} can't be written", path.display()))?))
        }
        None => None,
    };
    let cursor = Some(Cursor { path: args.cursor.clone(), restart: args.restart });
    let job = Send { target: &target, store, export, batch_size: args.batch_size, cursor };
    let bar = Bar::new();
    let outcome = send(&job, &mut |report, total, new_ids| {
        bar.show(report.seen, Some(total));
        let Some((path, file)) = &mut id_map else { return Ok(()) };
        let lines: String =
            new_ids.iter().map(|(old, new)| format!("{{\"old\": \"{old}\", \"new\": \"{new}\"}}\n")).collect();
        let written = file.write_all(lines.as_bytes()).and_then(|()| file.sync_data());
        written.map_err(|error| MovingError::File { path: path.to_path_buf(), why: error.to_string() })
    })
    .await;
    bar.end();
    let report = outcome.with_context(|| {
        format!("the move stopped before its end; repeat the command to go on ({} knows where)", args.cursor.display())
    })?;
    output::line(format_args!(
        "Done: {} people looked at, {} created, {} there already, {} failed",
        report.seen, report.created, report.there, report.failed
    ));
    if report.untraceable > 0 {
        output::line(format_args!(
            "- {} people have no link, no external id and no address: another move would make them again. With --keep-ids they are found.",
            report.untraceable
        ));
    }
    for failure in &report.failures {
        output::note(format_args!("{}: {}", failure.id, failure.why));
    }
    remark(export.config);
    Ok(super::code(report.failed == 0))
}

/// What the Kratos on the other side needs in its own file.
fn remark(config: &Config) {
    use bia_config::{ProviderKind, SubjectSource};
    for provider in config.providers().iter().filter(|provider| provider.provider == ProviderKind::Microsoft) {
        if provider.subject_source == SubjectSource::TidOid {
            output::line(format_args!(
                "- `{}` has `subject_source: tid_oid`, which Kratos does not know: set `oid` there.",
                provider.id
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_device;
    use std::path::Path;

    #[test]
    fn what_can_be_replaced_by_a_file_is_no_device_wherever_it_is() {
        for path in ["/dev/stdout", "/dev/stderr", "/dev/fd/3", "/proc/self/fd/1", "/dev/null", "/dev/full"] {
            assert!(is_device(Path::new(path)), "{path}");
        }
        let folder = tempfile::tempdir().expect("folder");
        let there = folder.path().join("people.json");
        std::fs::write(&there, "earlier").expect("written");
        for path in [there.as_path(), &folder.path().join("new.json"), Path::new("/dev/shm/bia-export-of-nobody.json")]
        {
            assert!(!is_device(path), "{}", path.display());
        }
    }
}
