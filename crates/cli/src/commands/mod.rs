//! One file per command; here is which is which.

mod aside;
mod check_mappers;
mod cleanup;
mod client;
mod config;
mod dev;
mod doctor;
mod export;
mod identities;
mod import_kratos;
mod init;
mod jsonnet;
mod load;
mod man;
mod mapper;
mod mapper_try;
mod migrate;
mod migrate_subjects;
mod moving;
mod remote;
mod serve;
mod setup;
mod version;

// The reload does again what the start did.
pub(crate) use doctor::cut_off_links;
pub(crate) use load::log_findings;
pub(crate) use serve::announce_provider;

use crate::args::{self, Args, Command, FormatCommand, ImportCommand, JsonnetCommand, LintCommand, MapperCommand};
use clap::CommandFactory as _;
use std::process::ExitCode;

/// Runs the command; an error is printed by the caller.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Serve(serve) => serve::run(serve),
        Command::Dev(dev) => block_on(dev::run(dev)),
        Command::Init(init) => init::run(&init),
        Command::Migrate(args::Migrate::Sql(sql)) => block_on(migrate::run(sql)),
        Command::Migrate(args::Migrate::Subjects(subjects)) => block_on(migrate_subjects::run(subjects)),
        Command::Cleanup(args::Cleanup::Sql(sql)) => block_on(cleanup::run(sql)),
        Command::Config(args::ConfigCommand::Check(check)) => block_on(config::check(check)),
        Command::Config(args::ConfigCommand::Schema) => config::schema(),
        Command::Doctor(doctor) => block_on(doctor::run(doctor)),
        Command::Setup(args::SetupCommand::Microsoft(microsoft)) => setup::microsoft(microsoft),
        Command::Mapper(MapperCommand::Run(run)) => block_on(mapper::run(run)),
        Command::Mapper(MapperCommand::Test(test)) => block_on(mapper::test(test)),
        Command::Mapper(MapperCommand::Personas { json }) => mapper::list_personas(json),
        Command::Mapper(MapperCommand::Try(args)) => block_on(mapper_try::run(args)),
        Command::Mapper(MapperCommand::Check(files)) => block_on(jsonnet::check(files)),
        Command::Mapper(MapperCommand::Lint(lint))
        | Command::Lint(LintCommand::Jsonnet(lint))
        | Command::Jsonnet(JsonnetCommand::Lint(lint)) => block_on(jsonnet::lint(lint)),
        Command::Mapper(MapperCommand::Fmt(format))
        | Command::Format(FormatCommand::Jsonnet(format))
        | Command::Jsonnet(JsonnetCommand::Format(format)) => block_on(jsonnet::format(format)),
        Command::List(list) => block_on(identities::list(list)),
        Command::Get(get) => block_on(identities::get(get)),
        Command::Import(ImportCommand::Kratos(kratos)) => block_on(import_kratos::run(kratos)),
        Command::Import(ImportCommand::Identities { files, client }) => block_on(identities::import(files, client)),
        Command::Export(export) => block_on(export::run(export)),
        Command::Delete(delete) => block_on(identities::delete(delete)),
        Command::Validate(validate) => block_on(identities::validate(validate)),
        Command::Remote(remote) => block_on(remote::run(remote)),
        Command::Version { json } => version::run(json),
        Command::Man { folder } => man::run(&folder),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "bia", &mut text);
            crate::output::raw(&String::from_utf8_lossy(&text));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// As many workers as cores, and no thread that nothing needs: an idle server stays small.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    // reqwest and our listeners use ring; a second start in one process finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("bia").build()?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}

/// A command that failed without being broken: findings, cases that came out otherwise.
fn code(ok: bool) -> ExitCode {
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
