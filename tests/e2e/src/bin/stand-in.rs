//! The stand-in for Entra as a process of its own, steered over `/_control`, for tests written in other languages.
//!
//! The first line on standard output is its address. It ends when standard input closes, so that it never outlives the
//! script that started it.

use std::io::{Write as _, copy, sink, stdin, stdout};

use anyhow::Context as _;
use bia_fake_entra::{Options, start};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stand_in = start(Options { control_api: true, ..Options::default() }).await?;
    writeln!(stdout(), "{}", stand_in.base_url())
        .and_then(|()| stdout().flush())
        .context("cannot print the address of the stand-in")?;
    // The end and a failure both mean that nobody is there any more.
    let _ = tokio::task::spawn_blocking(|| copy(&mut stdin(), &mut sink())).await;
    stand_in.shutdown().await;
    Ok(())
}
