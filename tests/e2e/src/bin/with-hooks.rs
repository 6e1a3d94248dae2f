//! `bia serve` with three more hooks: the example of `contrib/hook-example`, one that panics and one that is slow.
//!
//! Takes the path of a configuration. The registry below is what a deployment with hooks of its own changes: one line
//! each. Everything around it is what `bia serve` does, kept short.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use bia::{Foundation, StandIn, Texts};
use bia_config::LoadInput;
use bia_hooks::{Hook, HookContext, HookError, Moment, Registry};
use bia_server::{Server, State};

#[global_allocator]
static ALLOCATOR: bia_mapper::MeteredAllocator<std::alloc::System> =
    bia_mapper::MeteredAllocator::over(std::alloc::System);

fn registry() -> Registry {
    Registry::new()
        .with(bia_hook_example::NAME, bia_hook_example::from_config)
        .with("panicking", |_| Ok(Arc::new(Panicking)))
        .with("slow", |_| Ok(Arc::new(Slow)))
        .with_deadline(Duration::from_millis(500))
}

/// Breaks at a login, with a text that no visitor may see.
struct Panicking;

#[async_trait]
impl Hook for Panicking {
    fn name(&self) -> &str {
        "panicking"
    }

    fn runs_at(&self, moment: Moment) -> bool {
        moment == Moment::LoginAfter
    }

    async fn run(&self, _: Moment, _: &mut HookContext<'_>) -> Result<(), HookError> {
        panic!("the private text of a panic")
    }
}

/// Never comes back.
struct Slow;

#[async_trait]
impl Hook for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn runs_at(&self, moment: Moment) -> bool {
        moment == Moment::LoginAfter
    }

    async fn run(&self, _: Moment, _: &mut HookContext<'_>) -> Result<(), HookError> {
        std::future::pending().await
    }
}

fn main() -> anyhow::Result<ExitCode> {
    if std::env::args_os().nth(1).as_deref() == Some(bia_mapper::WORKER_ARG.as_ref()) {
        bia_mapper::worker_main();
    }
    // `serve -c FILE`, as `bia` itself is started.
    let file = std::env::args_os().next_back().context("the path of a configuration is missing")?;
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(file.into()))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(file: std::path::PathBuf) -> anyhow::Result<()> {
    let hooks = registry();
    let names = hooks.names();
    let loaded = bia_config::load(LoadInput { files: vec![file], extra_hooks: &names, ..LoadInput::default() })?;
    let foundation = Foundation::open(&loaded.config, true).await?;
    let assembled = foundation.assemble(loaded.config, &hooks, StandIn::Refused, &Texts::default()).await?;
    let bound = Server::bind(&assembled.deps.config).await?;
    let state = State::new(Arc::clone(&assembled.deps), &assembled.fingerprint);
    bound.serve(state, std::future::pending()).await;
    Ok(())
}
