//! `bia dev`: everything needed to see a sign-in, in one process, on 127.0.0.1, without the network.

use super::load::hooks;
use crate::assemble::{Foundation, StandIn};
use crate::reload::texts::Texts;
use crate::reload::{Hangup, Reloader, Watch, followed, make_secrets};
use crate::{args, log, output, shutdown};
use anyhow::Context as _;
use bia_config::{Config, ConfigErrors, LoadInput, Loaded};
use bia_fake_entra::{FakeEntra, Options, StartError, Tenant};
use bia_server::{Server, State};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// What is put into the folder, unless it is there already.
const FILES: [(&str, &str); 5] = [
    (".gitignore", "*\n"),
    ("kratos.yml", include_str!("../../../../config/dev.kratos.yml")),
    ("identity.schema.json", include_str!("../../../../config/identity.schema.json")),
    ("mappers/microsoft.jsonnet", include_str!("../../../../mappers/microsoft.jsonnet")),
    ("mappers/generic.jsonnet", include_str!("../../../../mappers/generic.jsonnet")),
];

/// What editors complete `kratos.yml` by, as its first line names it. It is of this version, so it is nobody's to edit.
const SCHEMA: &str = "config.schema.json";

/// The ports in the example, which are replaced by those in use.
const EXAMPLE_PORTS: [u16; 3] = [4433, 4434, 4500];

pub(crate) async fn run(args: args::Dev) -> anyhow::Result<ExitCode> {
    write_files(&args.folder).with_context(|| format!("{} can't be used", args.folder.display()))?;
    let entra = start_entra(args.entra_port).await?;
    let ports = [free_port(args.public_port)?, free_port(args.admin_port)?, entra.address().port()];
    let loaded = match load(&args.folder, ports, None) {
        Ok(loaded) => loaded,
        Err(error) => {
            output::note(format_args!(
                "\n{error}\nNothing was started. Correct the file, or delete {} to start over.",
                args.folder.display()
            ));
            return Ok(ExitCode::FAILURE);
        }
    };
    let _telemetry = log::serve(&loaded.config)?;
    super::load::log_findings(&loaded.advice);
    let files = vec![args.folder.join("kratos.yml")];
    let mut watch = Watch::new(followed(&files, &loaded.config), Hangup::Ends);
    let foundation = Arc::new(Foundation::open(&loaded.config, true).await?);
    make_secrets(&loaded.config, &mut watch);
    let texts = Texts::read(&loaded.config, &foundation.sources).await;
    let said = loaded.findings().map(ToString::to_string).collect();
    let assembled = foundation.assemble(loaded.config, &hooks(), StandIn::Allowed, &texts).await?;
    let bound = Server::bind(&assembled.deps.config).await?;
    let state = State::new(assembled.deps.clone(), &assembled.fingerprint);
    invite(&assembled.deps.config.public_url().join_path("/ui/welcome"), &args.folder);
    let (running, served) = tokio::sync::watch::channel(assembled.deps);
    let reloader = Reloader {
        foundation: Arc::clone(&foundation),
        files,
        hooks: hooks(),
        stand_in: StandIn::Allowed,
        strict: false,
        state: state.clone(),
        running,
        texts,
        said,
        load: Arc::new(move |running| load(&args.folder, ports, running)),
    };
    let reloads = tokio::spawn(reloader.run(watch));
    bound.serve(state, shutdown::requested()).await;
    reloads.abort();
    // An error says that it was stopped, as it should be.
    let _ = reloads.await;
    let mapper = served.borrow().mapper.clone();
    foundation.close(&mapper).await;
    entra.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// Only below the folder, and never over what is there: people edit these files.
fn write_files(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)?;
    builder.create(folder.join("mappers"))?;
    for (name, text) in FILES {
        let path = folder.join(name);
        if !path.exists() {
            fs::write(path, text)?;
        }
    }
    fs::write(folder.join(SCHEMA), format!("{:#}\n", bia_config::json_schema()))
}

/// On the wanted port, or on a free one when that is taken.
async fn start_entra(port: u16) -> Result<FakeEntra, StartError> {
    let options = |port| Options { address: args::loopback(port), ..Options::dev() };
    match bia_fake_entra::start(options(port)).await {
        Err(StartError::Bind { .. }) if port != 0 => bia_fake_entra::start(options(0)).await,
        started => started,
    }
}

fn free_port(wanted: u16) -> std::io::Result<u16> {
    let listener = TcpListener::bind(args::loopback(wanted)).or_else(|_| TcpListener::bind(args::loopback(0)))?;
    Ok(listener.local_addr()?.port())
}

/// The folder's `kratos.yml` with the ports and the folder in use. The environment does not count: a `DSN` that is
/// meant for something else must not turn a try-out into an accident.
fn load(folder: &Path, ports: [u16; 3], running: Option<&Config>) -> Result<Loaded, ConfigErrors> {
    let path = folder.join("kratos.yml");
    let hooks = hooks();
    let names = hooks.names();
    let input = LoadInput { dev: true, extra_hooks: &names, running, ..LoadInput::default() };
    let Ok(mut text) = fs::read_to_string(&path) else {
        // It says why it can't be read.
        return bia_config::load(LoadInput { files: vec![path], ..input });
    };
    // Two steps, because one of the ports in use may be another one's example.
    for (index, example) in EXAMPLE_PORTS.into_iter().enumerate() {
        text = text.replace(&format!("127.0.0.1:{example}"), &format!("127.0.0.1:<{index}>"));
        text = text.replace(&format!("port: {example}"), &format!("port: <{index}>"));
    }
    for (index, port) in ports.into_iter().enumerate() {
        text = text.replace(&format!("<{index}>"), &port.to_string());
    }
    if folder != Path::new(".bia") {
        text = text.replace("://.bia/", &format!("://{}/", folder.display()));
    }
    bia_config::load(LoadInput { texts: vec![(path, text)], ..input })
}

/// The one URL, and who one can be.
fn invite(url: &str, folder: &Path) {
    output::line(format_args!(
        "Bia is running. Open this page and sign in:\n\n    {url}\n\nPeople you can sign in as (the stand-in for Entra lets you pick; nothing leaves this machine):\n"
    ));
    for person in bia_fake_entra::people() {
        // The example serves one tenant, so these show what a stranger meets.
        let stranger = if person.tenant == Tenant::Contoso { "" } else { " (refused: another tenant)" };
        output::line(format_args!("    {:<10}  {:<16}  {}{stranger}", person.key, person.name, person.about));
    }
    output::line(format_args!(
        "\nConfiguration, mapper and database are in {}; edit them while it runs. Ctrl-C ends it.",
        folder.display()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn example_is_served_on_the_ports_in_use_even_when_they_are_each_others() {
        let folder = tempfile::tempdir().expect("folder");
        write_files(folder.path()).expect("files");
        let config = load(folder.path(), [4434, 4433, 7], None).expect("loads").config;
        assert_eq!((config.serve.public.port, config.serve.admin.port), (4434, 4433));
        assert_eq!(config.public_url().join_path("/"), "http://127.0.0.1:4434/");
        assert_eq!(config.providers()[0].microsoft.authority_host(), "http://127.0.0.1:7");
    }

    #[test]
    fn the_editor_finds_the_schema_that_the_first_line_names() {
        let folder = tempfile::tempdir().expect("folder");
        fs::write(folder.path().join(SCHEMA), "of an older version").expect("file");
        write_files(folder.path()).expect("files");
        let written = fs::read_to_string(folder.path().join("kratos.yml")).expect("file");
        let named = written.lines().next().and_then(|line| line.split_once("$schema=./")).expect("a schema").1;
        let schema = fs::read_to_string(folder.path().join(named)).expect("the schema");
        assert_eq!(schema, include_str!("../../../../config/config.schema.json"));
    }

    #[test]
    fn edited_files_are_left_alone() {
        let folder = tempfile::tempdir().expect("folder");
        write_files(folder.path()).expect("files");
        fs::write(folder.path().join("mappers/generic.jsonnet"), "mine").expect("edit");
        write_files(folder.path()).expect("files");
        assert_eq!(fs::read_to_string(folder.path().join("mappers/generic.jsonnet")).expect("file"), "mine");
    }
}
