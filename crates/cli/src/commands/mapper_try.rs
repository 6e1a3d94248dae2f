//! `bia mapper try`: a link for one real sign-in that writes nothing (Kratos' test login).

use super::client::{Client, cell};
use crate::args::MapperTry;
use crate::output;
use anyhow::Context as _;
use serde_json::{Value, json};
use std::process::ExitCode;

pub(crate) async fn run(args: MapperTry) -> anyhow::Result<ExitCode> {
    let client = Client::new(args.client)?;
    let call = client.post("/admin/test-login-flows", &json!({ "provider_id": args.provider }));
    let answer = client.send(call).await?;
    let link = answer.header("location").map(str::to_owned).context(
        "the server made a test login but gave no link; is it Kratos? Open its login page with ?flow=<id> then",
    )?;
    let flow: Value = answer.json()?;
    let shown = json!({ "link": link, "flow_id": flow["id"], "expires_at": flow["expires_at"] });
    if client.is_table() {
        // The link alone on standard output, to be passed on.
        output::line(&link);
        output::note(format_args!(
            "Open it in a browser and sign in. It is for one sign-in, until {}; nothing is written.",
            cell(&shown, "/expires_at")
        ));
    } else {
        client.print(&shown, &["LINK"], |shown| vec![cell(shown, "/link")])?;
    }
    Ok(ExitCode::SUCCESS)
}
