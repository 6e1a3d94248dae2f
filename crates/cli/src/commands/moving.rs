//! What `bia import kratos` and `bia export` share.

use crate::args::{ConfigFiles, Manners};
use anyhow::Context as _;
use bia_config::Config;
use bia_moving::{AdminApi, Header, Pace};
use bia_outbound::Outbound;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// Headers beyond this are no headers.
const HEADER_FILE_BYTES_MAX: u64 = 64 * 1024;

/// The configuration; what `serve` would say about it is said there.
pub(super) fn load(files: &ConfigFiles) -> anyhow::Result<Config> {
    let loaded = super::load::load(files, false).map_err(|errors| anyhow::anyhow!("{errors}"))?;
    Ok(loaded.config)
}

/// The other side.
pub(super) fn admin_api(outbound: &Outbound, address: &str, manners: &Manners) -> anyhow::Result<AdminApi> {
    let mut headers = manners.header.clone();
    if let Some(path) = &manners.header_file {
        let unreadable = || format!("{} can't be read", path.display());
        let size = std::fs::metadata(path).with_context(unreadable)?.len();
        anyhow::ensure!(size <= HEADER_FILE_BYTES_MAX, "{} is too large for a file of headers", path.display());
        let text = std::fs::read_to_string(path).with_context(unreadable)?;
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let header: Result<Header, String> = line.parse();
            headers.push(header.map_err(|why| anyhow::anyhow!("{}:{}: {why}", path.display(), index + 1))?);
        }
    }
    let pace = Pace {
        timeout: Duration::from_secs(manners.timeout),
        attempts: manners.attempts,
        per_second: manners.rate,
        ..Pace::default()
    };
    Ok(AdminApi::new(outbound.clone(), address, headers, pace)?)
}

/// A progress bar on a terminal, nothing anywhere else.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    pub(super) fn show(&self, done: u64, total: Option<u64>) {
        let template = match total {
            Some(_) => "{bar:30} {human_pos} of {human_len} people, {per_sec:.0}, {eta} left",
            None => "{spinner} {human_pos} people, {per_sec:.0}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style);
        }
        if let Some(total) = total {
            self.0.set_length(total.max(done));
        }
        self.0.set_position(done);
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
