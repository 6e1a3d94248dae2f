//! `bia remote status` and `bia remote version`.

use super::client::{Client, cell};
use crate::args::RemoteCommand;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;

pub(crate) async fn run(command: RemoteCommand) -> anyhow::Result<ExitCode> {
    match command {
        RemoteCommand::Version { client } => {
            let client = Client::new(client)?;
            let version: Value = client.send(client.get("/version")).await?.json()?;
            client.print(&version, &["VERSION"], |version| vec![cell(version, "/version")])?;
            Ok(ExitCode::SUCCESS)
        }
        RemoteCommand::Status { block, client } => {
            let client = Client::new(client)?;
            let mut status = ask(&client).await;
            while block && status != (true, true) {
                tokio::time::sleep(Duration::from_millis(500)).await;
                status = ask(&client).await;
            }
            let (alive, ready) = status;
            client.print(&json!({ "alive": alive, "ready": ready }), &["ALIVE", "READY"], |status| {
                vec![cell(status, "/alive"), cell(status, "/ready")]
            })?;
            Ok(super::code(alive && ready))
        }
    }
}

async fn ask(client: &Client) -> (bool, bool) {
    let ok = async |path| client.send(client.get(path).timeout(Duration::from_secs(5))).await.is_ok();
    (ok("/health/alive").await, ok("/health/ready").await)
}
