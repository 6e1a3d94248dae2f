//! Prints the JSON Schema: `cargo run -p bia-config --example schema > config/config.schema.json`.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    let text = serde_json::to_string_pretty(&bia_config::json_schema()).map_err(std::io::Error::other)?;
    writeln!(std::io::stdout(), "{text}")
}
