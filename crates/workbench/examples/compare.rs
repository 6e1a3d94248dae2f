//! Compares the mapper workers with a `jsonnet` binary over a folder of Jsonnet files: same verdict, same value.
//!
//! ```sh
//! go install github.com/google/go-jsonnet/cmd/jsonnet@v0.21.0
//! cargo run -p bia-workbench --example compare -- "$(go env GOPATH)/bin/jsonnet" \
//!     "$(go env GOMODCACHE)/github.com/google/go-jsonnet@v0.21.0/testdata"
//! ```

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use bia_mapper::{Evaluation, Mapper, Settings, Source, WORKER_ARG};
use bia_workbench::difference;
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: bia_mapper::MeteredAllocator = bia_mapper::MeteredAllocator::system();

#[tokio::main]
async fn compare(jsonnet: &str, folder: &Path) -> anyhow::Result<()> {
    // More than a sign-in may have: the folder's files are all shipped as imports.
    let mib = 1024 * 1024;
    let mapper =
        Mapper::new(Settings { source_bytes_max: 64 * mib, output_bytes_max: 16 * mib, ..Settings::default() });
    let imports = texts_below(folder, folder)?;
    let (mut total, mut verdicts, mut values, mut both_value) = (0, 0, 0, 0);
    let mut different = Vec::new();
    for (name, text) in imports.iter().filter(|(name, _)| name.ends_with(".jsonnet") && !name.contains('/')) {
        let theirs = theirs(jsonnet, folder, name)?;
        let evaluation = Evaluation { source: Source { name, text }, ext_vars: &[], tla: &[], imports: &imports };
        let ours = mapper.evaluate(evaluation).await.map_err(|error| error.kind());
        total += 1;
        verdicts += usize::from(theirs.is_some() == ours.is_ok());
        match (theirs, ours) {
            (Some(theirs), Ok(ours)) => {
                both_value += 1;
                let ours: Value = serde_json::from_str(&ours)?;
                if difference::between(&theirs, &ours).is_empty() {
                    values += 1;
                } else {
                    different.push(format!("{name}: another value"));
                }
            }
            (Some(_), Err(kind)) => different.push(format!("{name}: fails here ({kind})")),
            (None, Ok(_)) => different.push(format!("{name}: fails there")),
            (None, Err(_)) => {}
        }
    }
    mapper.shutdown().await;
    let out = &mut std::io::stdout();
    use std::io::Write as _;
    for line in different {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "{total} files: same verdict {verdicts}; both give a value {both_value}, the same one {values}")?;
    Ok(())
}

/// What the binary prints, when it succeeds.
fn theirs(jsonnet: &str, folder: &Path, name: &str) -> anyhow::Result<Option<Value>> {
    let output =
        Command::new(jsonnet).arg(name).current_dir(folder).stderr(Stdio::null()).output().context("the binary")?;
    // A string manifested on request only, and the like, is JSON here as well.
    Ok(output.status.success().then(|| serde_json::from_slice(&output.stdout)).transpose().unwrap_or_default())
}

/// Every text below the folder, by its path.
fn texts_below(root: &Path, folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        if path.is_dir() {
            texts.extend(texts_below(root, &path)?);
        } else if let (Ok(text), Some(name)) = (std::fs::read_to_string(&path), path.strip_prefix(root)?.to_str())
            && !name.ends_with(".golden")
        {
            texts.push((name.to_owned(), text));
        }
    }
    texts.sort();
    Ok(texts)
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == WORKER_ARG) {
        bia_mapper::worker_main();
    }
    let [jsonnet, folder] = args.as_slice() else { bail!("usage: compare JSONNET_BINARY FOLDER") };
    compare(jsonnet, Path::new(folder))
}
