//! `bia-bench run`.

use crate::args::RunArgs;
use crate::load::{self, Plan};
use crate::plot;
use crate::provider::Provider;
use crate::report::{Report, Round};
use crate::scenario::{Kind, World};
use crate::server;

/// True when no flow failed.
pub(crate) async fn run(args: RunArgs) -> anyhow::Result<bool> {
    let provider = Provider::start().await?;
    let servers = server::start_all(&args.setup, &provider).await?;
    // Idle means idle: what a start leaves behind for a moment is not counted.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let mut report = Report::new(&args.setup, &servers);
    let plan = Plan { people: args.people, rate: args.rate, duration: args.duration, at_least: args.at_least };
    let scenarios = if args.scenarios.is_empty() { Kind::ALL.to_vec() } else { args.scenarios };
    let mut worlds = Vec::new();
    for (number, server) in servers.iter().enumerate() {
        let world = World::new(server.face(), &provider, &format!("run{number}"))?;
        // Also warms caches: the goals are those of a server that has been up for a while.
        world.populate(args.people.max(50)).await?;
        worlds.push((server, world));
    }
    for round in 0..args.rounds {
        for kind in &scenarios {
            for (server, world) in &worlds {
                let measured = load::measure(server, world, *kind, plan).await;
                println!("{}", line(&server.face().name, &measured));
                report.rounds.push(Round { server: server.face().name.clone(), round, measured });
            }
        }
    }
    report.write(&args.setup.out, "run")?;
    plot::latencies(&args.setup.out.join("run.svg"), &report.rounds)?;
    println!("written: {0}/run.json, {0}/run.svg", args.setup.out.display());
    Ok(report.rounds.iter().all(|round| round.measured.failed == 0))
}

pub(crate) fn line(server: &str, measured: &load::Measured) -> String {
    let requests = &measured.requests;
    format!(
        "{server:<8} {:<12} {:>8} flows {:>9.1}/s  CPU {:>7.3} ms/flow  p50 {:>7.2} p99 {:>8.2} max {:>8.2} ms  \
         PSS {:>6.1} MiB  failed {}",
        measured.scenario.name(),
        measured.flows,
        measured.flows_per_second,
        measured.cpu_ms_per_flow,
        requests.p50,
        requests.p99,
        requests.max,
        measured.pss_mib_after,
        measured.failed,
    )
}
