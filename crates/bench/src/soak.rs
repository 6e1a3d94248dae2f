//! `bia-bench soak`: hours of mixed load with faults, and a ledger of what browsers were promised.

mod faults;
mod leaks;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::future::join_all;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use serde::Serialize;
use tokio::sync::RwLock;

use crate::args::SoakArgs;
use crate::load::{self, Plan, Tally};
use crate::plot::{self, Line};
use crate::process::Usage;
use crate::provider::Provider;
use crate::scenario::{Kind, World};
use crate::server::Server;
use crate::{report, server};
use faults::Fault;

#[derive(Serialize)]
struct Report {
    date: String,
    database: String,
    seconds: f64,
    rate: f64,
    flows: u64,
    /// Refused, cut or late flows. Beside faults some are expected; a session that was promised must never be missing.
    failures: BTreeMap<String, u64>,
    /// Failures outside of a fault and the time to settle after it.
    failures_without_fault: u64,
    faults: Vec<(f64, Fault)>,
    /// Sessions that browsers were told of and nobody ended.
    sessions: usize,
    sessions_lost: usize,
    at_first: Usage,
    in_the_end: Usage,
    samples: Vec<Sample>,
}

#[derive(Clone, Copy, Serialize)]
struct Sample {
    at: f64,
    usage: Usage,
    flows: u64,
}

/// What the load, the faults and the sampler share.
struct Stage {
    /// Read while flows run, written while the process is replaced.
    server: RwLock<u32>,
    stop: AtomicBool,
    /// Milliseconds since the beginning until which failures are expected.
    troubled_until: AtomicU64,
    stray: AtomicU64,
    began: Instant,
}

/// True when every kind of fault struck, nothing was lost and nothing leaked.
pub(crate) async fn soak(args: SoakArgs) -> anyhow::Result<bool> {
    let provider = Provider::start().await?;
    let mut servers = server::start_all(&args.setup, &provider).await?;
    let mut server = servers.remove(0);
    let rate = match args.rate {
        Some(rate) => rate,
        None => half_of_the_maximum(&server, &provider, args.people).await?,
    };
    println!(
        "{rate:.0} flows a second for {} s, a fault every {} s",
        args.duration.as_secs(),
        args.fault_every.as_secs()
    );
    // The world wants a server that stays; the process behind it may be another after a fault.
    let face = server.face().clone();
    let world = World::new(&face, &provider, "soak")?;
    world.populate(args.people).await?;
    let stage = Stage {
        server: RwLock::new(server.id()),
        stop: AtomicBool::new(false),
        troubled_until: AtomicU64::new(0),
        stray: AtomicU64::new(0),
        began: Instant::now(),
    };
    let at_first = server.usage(true);
    let tally = Tally::new();
    let load = async {
        drive(&stage, &world, &tally, &args, rate).await;
        Ok(())
    };
    let ((), samples, struck) = tokio::try_join!(
        load,
        async { Ok(sample(&stage, &tally).await) },
        strike(&stage, &mut server, &provider, &args)
    )?;
    // What was cut off is given the time to be noticed.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let in_the_end = server.usage(true);
    let (sessions, sessions_lost) = world.audit().await?;
    let report = Report {
        date: report::date(),
        database: if args.setup.database == "sqlite" { "sqlite" } else { "postgres" }.to_owned(),
        seconds: stage.began.elapsed().as_secs_f64(),
        rate,
        flows: tally.done(),
        failures: tally.failures(),
        failures_without_fault: stage.stray.load(Ordering::Relaxed),
        faults: struck,
        sessions,
        sessions_lost,
        at_first,
        in_the_end,
        samples,
    };
    let name = format!("soak-{}", report.database);
    report::write(&args.setup.out, &name, &report)?;
    draw(&args.setup.out.join(format!("{name}.svg")), &report)?;
    Ok(verdict(&report, &Fault::all(&args.setup.database), args.people))
}

async fn half_of_the_maximum(server: &Server, provider: &Provider, people: usize) -> anyhow::Result<f64> {
    let world = World::new(server.face(), provider, "maximum")?;
    world.populate(people).await?;
    let plan = Plan { people, rate: None, duration: Duration::from_secs(20), at_least: 0 };
    let measured = load::measure(server, &world, Kind::Mix, plan).await;
    println!("at most {:.0} flows a second", measured.flows_per_second);
    Ok((measured.flows_per_second / 2.0).max(1.0))
}

/// Flows at their time, until the time is over.
async fn drive(stage: &Stage, world: &World<'_>, tally: &Tally, args: &SoakArgs, rate: f64) {
    let next = AtomicU64::new(0);
    join_all((0..args.people).map(|_| async {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let due = stage.began + Duration::from_secs_f64(number as f64 / rate);
            if due.duration_since(stage.began) >= args.duration {
                return;
            }
            tokio::time::sleep_until(due.into()).await;
            let began = stage.now();
            if !tally.one(world, Kind::Mix, Duration::ZERO).await {
                // One that began in trouble may fail after it.
                if began > stage.troubled_until.load(Ordering::Relaxed) {
                    stage.stray.fetch_add(1, Ordering::Relaxed);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }))
    .await;
    stage.stop.store(true, Ordering::Relaxed);
}

async fn sample(stage: &Stage, tally: &Tally) -> Vec<Sample> {
    let mut samples = Vec::new();
    while !stage.stop.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let id = *stage.server.read().await;
        let usage = crate::process::usage(id, true);
        samples.push(Sample { at: stage.began.elapsed().as_secs_f64(), usage, flows: tally.done() });
    }
    samples
}

/// A fault each interval, each kind as often as the others.
async fn strike(
    stage: &Stage,
    server: &mut Server,
    provider: &Provider,
    args: &SoakArgs,
) -> anyhow::Result<Vec<(f64, Fault)>> {
    let mut random = rand::rngs::StdRng::seed_from_u64(args.seed);
    let kinds = Fault::all(&args.setup.database);
    let mut order: Vec<Fault> = Vec::new();
    let mut struck = Vec::new();
    // From one beginning to the next: faults that last longer would leave fewer of them otherwise.
    let mut due = Duration::ZERO;
    loop {
        due += args.fault_every;
        while stage.began.elapsed() < due && !stage.stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        // The end belongs to recovery.
        if stage.stop.load(Ordering::Relaxed) || stage.began.elapsed() + args.fault_every > args.duration {
            return Ok(struck);
        }
        if order.is_empty() {
            order.clone_from(&kinds);
            order.shuffle(&mut random);
        }
        let Some(fault) = order.pop() else { return Ok(struck) };
        let at = stage.began.elapsed().as_secs_f64();
        println!("{at:>7.0} s  {fault:?}");
        stage.troubled_until.store(u64::MAX, Ordering::Relaxed);
        let made = fault.strike(server, provider, &args.setup).await;
        made.with_context(|| format!("the fault {fault:?} could not be made"))?;
        struck.push((at, fault));
        *stage.server.write().await = server.id();
        let settled = stage.began.elapsed() + settle(args.fault_every);
        stage.troubled_until.store(milliseconds(settled), Ordering::Relaxed);
    }
}

/// How long flows may fail after a fault. Most of an interval lies outside, so that a failure without a fault is seen.
fn settle(fault_every: Duration) -> Duration {
    (fault_every / 3).min(Duration::from_secs(10))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The kinds that never struck: a run is no proof of what it did not do.
fn never_struck(kinds: &[Fault], struck: &[(f64, Fault)]) -> Vec<Fault> {
    kinds.iter().copied().filter(|kind| struck.iter().all(|(_, fault)| fault != kind)).collect()
}

impl Stage {
    fn now(&self) -> u64 {
        milliseconds(self.began.elapsed())
    }
}

fn verdict(report: &Report, kinds: &[Fault], people: usize) -> bool {
    println!(
        "{} flows, {} sessions promised, {} lost; failures beside faults {}, without {}",
        report.flows,
        report.sessions,
        report.sessions_lost,
        report.failures.values().sum::<u64>() - report.failures_without_fault,
        report.failures_without_fault
    );
    for (name, first, last) in [
        ("processes", report.at_first.processes, report.in_the_end.processes),
        ("open files", report.at_first.files, report.in_the_end.files),
        ("threads", report.at_first.threads, report.in_the_end.threads),
    ] {
        println!("{name}: {first} at first, {last} in the end");
    }
    println!("memory: {:.1} MiB at first, {:.1} in the end", report.at_first.mib(), report.in_the_end.mib());
    for (failure, count) in &report.failures {
        println!("{count:>7} x {failure}");
    }
    let missing = never_struck(kinds, &report.faults);
    if !missing.is_empty() {
        println!("too short for a fault of every kind; never struck: {missing:?}");
    }
    let leaks = leaks::found(report, people);
    for leak in &leaks {
        println!("{leak}");
    }
    missing.is_empty() && report.sessions_lost == 0 && report.failures_without_fault == 0 && leaks.is_empty()
}

fn draw(path: &std::path::Path, report: &Report) -> anyhow::Result<()> {
    let of = |name: &str, value: &dyn Fn(&Sample) -> f64| Line {
        name: name.to_owned(),
        points: report.samples.iter().map(|sample| (sample.at / 60.0, value(sample))).collect(),
    };
    let lines = [
        of("memory, MiB", &|sample| sample.usage.mib()),
        of("open files", &|sample| sample.usage.files as f64),
        of("processes", &|sample| sample.usage.processes as f64),
        Line {
            name: "flows a second / 10".to_owned(),
            points: report
                .samples
                .windows(2)
                .map(|pair| {
                    let flows = pair[1].flows - pair[0].flows;
                    (pair[1].at / 60.0, flows as f64 / (pair[1].at - pair[0].at) / 10.0)
                })
                .collect(),
        },
        Line {
            name: "fault".to_owned(),
            points: report
                .faults
                .iter()
                .flat_map(|(at, _)| [(at / 60.0, 0.0), (at / 60.0, 3.0), (at / 60.0, 0.0)])
                .collect(),
        },
    ];
    plot::draw(path, "Mixed load with a fault each minute", &lines, false, &|minutes| format!("{minutes:.0} min"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_never_struck_is_named() {
        for database in ["sqlite", "postgres://bia@localhost/postgres"] {
            let kinds = Fault::all(database);
            let mut struck: Vec<(f64, Fault)> = kinds.iter().map(|kind| (1.0, *kind)).collect();
            assert_eq!(never_struck(&kinds, &struck), []);
            struck.retain(|(_, fault)| *fault != Fault::ServerKilled);
            assert_eq!(never_struck(&kinds, &struck), [Fault::ServerKilled]);
        }
    }

    #[test]
    fn most_of_an_interval_is_without_excuse() {
        for (every, expected) in [(9, 3), (60, 10)] {
            assert_eq!(settle(Duration::from_secs(every)), Duration::from_secs(expected));
        }
    }
}
