//! `bia init`: five questions and a secret, and a folder that serves.

mod answers;
mod files;
mod keys;
mod proxy;
mod terminal;

use super::aside::Aside;
use crate::args::Init;
use crate::output;
use answers::{Answers, ClientSecret};
use anyhow::{Context as _, bail};
use bia_config::LoadInput;
use files::{CONFIG, Planned, SECRET_FILE};
use keys::Keys;
use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn run(args: &Init) -> anyhow::Result<ExitCode> {
    let answers = Answers::gather(args)?;
    // Without --force a file that is there is not touched anyway.
    let keys = if args.force { Keys::kept(&args.folder.join(CONFIG))? } else { Keys::new() };
    let files = files::plan(&answers, &keys)?;
    check(&files)?;
    refuse_to_overwrite(&args.folder, &files, args.force)?;
    let mut written = Vec::new();
    for file in &files {
        let path = args.folder.join(&file.path);
        if file.is_optional && path.exists() {
            continue;
        }
        write(&path, file).with_context(|| format!("{} can't be written", path.display()))?;
        written.push(path);
    }
    for path in &written {
        output::line(format_args!("wrote {}", path.strip_prefix(".").unwrap_or(path).display()));
    }
    next_steps(&args.folder, &answers);
    Ok(ExitCode::SUCCESS)
}

/// The program's own rules say what is wrong with an answer, before anything is written.
fn check(files: &[Planned]) -> anyhow::Result<()> {
    let texts = files.iter().filter(|file| file.path == Path::new(CONFIG));
    // The schema is not there yet.
    let text = |file: &Planned| file.text.replace("file://identity.schema.json", "base64://e30=");
    let texts = texts.map(|file| (file.path.clone(), text(file))).collect();
    let loaded = bia_config::load(LoadInput { texts, ..LoadInput::default() });
    loaded.map(drop).map_err(|errors| anyhow::anyhow!("{errors}\nNothing was written"))
}

fn refuse_to_overwrite(folder: &Path, files: &[Planned], force: bool) -> anyhow::Result<()> {
    let there: Vec<String> = files
        .iter()
        .filter(|file| !file.is_optional && folder.join(&file.path).symlink_metadata().is_ok())
        .map(|file| folder.join(&file.path))
        .map(|path| format!("\n  {}", path.strip_prefix(".").unwrap_or(&path).display()))
        .collect();
    if force || there.is_empty() {
        return Ok(());
    }
    bail!("these files exist:{}\nNothing was written. --force overwrites them", there.concat())
}

fn write(path: &Path, file: &Planned) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(if file.is_secret { 0o700 } else { 0o755 }).create(folder)?;
    }
    let aside = Aside::create(path, if file.is_secret { 0o600 } else { 0o644 })?;
    aside.out().write_all(file.text.as_bytes())?;
    aside.put_in_place()
}

fn next_steps(folder: &Path, answers: &Answers) {
    let mut steps = Vec::new();
    if folder != Path::new(".") {
        steps.push(format!("cd {}", folder.display()));
    }
    steps.push(format!(
        "In the app registration, add this redirect URI (platform Web), character by character:\n       {}\n     or let `bia setup microsoft -c {CONFIG}` print everything that the registration needs.",
        files::callback(answers)
    ));
    if matches!(answers.secret, ClientSecret::Later) {
        steps.push(format!(
            "Put the Value of a client secret into {SECRET_FILE}, for example\n       mkdir -p -m 700 secrets && (umask 077 && cat > {SECRET_FILE})"
        ));
    }
    steps.push(
        "bia mapper test mappers\n     shows what becomes of whom; mappers/microsoft.jsonnet is yours to change."
            .to_owned(),
    );
    let dev = if files::needs_dev(answers) { " --dev" } else { "" };
    steps.push(format!("bia doctor -c {CONFIG}{dev}"));
    steps.push(format!("bia serve -c {CONFIG}{dev}\n     and open {}ui/login", files::base(answers)));
    let snippets: Vec<&str> = proxy::snippets(answers).iter().map(|(path, _)| *path).collect();
    if !snippets.is_empty() {
        steps.push(format!(
            "Give {} to {}; the first lines say where. Pages of the application at {} are then for people who are signed in.",
            snippets.join(" and "),
            answers.proxy.as_str(),
            answers.application
        ));
    } else if !files::needs_dev(answers) {
        steps.push(format!(
            "Something has to end TLS in front of port {}: a proxy, or `serve.public.tls` in {CONFIG}.",
            files::port(answers)
        ));
    }
    output::line("\nNext:");
    for (index, step) in steps.iter().enumerate() {
        output::line(format_args!("  {}. {step}", index + 1));
    }
}
