//! What is written down.

use std::path::Path;

use serde::Serialize;

use crate::args::{ProviderKind, Setup};
use crate::load::Measured;
use crate::server::Server;

/// One run of the tool.
#[derive(Serialize)]
pub(crate) struct Report {
    /// UTC, to the second.
    date: String,
    machine: Machine,
    database: &'static str,
    provider: ProviderKind,
    servers: Vec<Idle>,
    pub(crate) rounds: Vec<Round>,
}

#[derive(Serialize)]
struct Machine {
    cores: usize,
    processor: String,
    kernel: String,
    /// The load average of the minute before: other work on the machine.
    load_before: String,
}

/// A server before anybody asked anything.
#[derive(Serialize)]
struct Idle {
    name: String,
    ready_ms: f64,
    idle_pss_mib: f64,
    idle_anonymous_mib: f64,
    processes: u64,
}

#[derive(Serialize)]
pub(crate) struct Round {
    pub(crate) server: String,
    pub(crate) round: usize,
    pub(crate) measured: Measured,
}

impl Report {
    pub(crate) fn new(setup: &Setup, servers: &[Server]) -> Report {
        let servers: Vec<Idle> = servers.iter().map(Idle::of).collect();
        for server in &servers {
            println!(
                "{:<8} ready in {:.0} ms, idle {:.1} MiB PSS, {:.1} of it anonymous, {} processes",
                server.name, server.ready_ms, server.idle_pss_mib, server.idle_anonymous_mib, server.processes
            );
        }
        Report {
            date: date(),
            machine: Machine::here(),
            database: if setup.database == "sqlite" { "sqlite" } else { "postgres" },
            provider: setup.provider,
            servers,
            rounds: Vec::new(),
        }
    }

    /// As `<name>.json` in that folder.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> anyhow::Result<()> {
        write(folder, name, self)
    }
}

/// Any report as `<name>.json`.
pub(crate) fn write(folder: &Path, name: &str, report: &impl Serialize) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(format!("{name}.json")), serde_json::to_string_pretty(report)? + "\n")?;
    Ok(())
}

pub(crate) fn date() -> String {
    let now = time::OffsetDateTime::now_utc().replace_nanosecond(0);
    let now = now.unwrap_or_else(|_| unreachable!("0 is a nanosecond"));
    now.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

impl Idle {
    fn of(server: &Server) -> Idle {
        let usage = server.usage(true);
        Idle {
            name: server.face().name.clone(),
            ready_ms: server.ready_ms,
            idle_pss_mib: usage.pss_kib as f64 / 1024.0,
            idle_anonymous_mib: usage.pss_anon_kib as f64 / 1024.0,
            processes: usage.processes,
        }
    }
}

impl Machine {
    fn here() -> Machine {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Machine {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            processor: model.map(|(_, name)| name.trim().to_owned()).unwrap_or_default(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_before: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}
