//! `bia-bench scale`: what a login costs among more and more people.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::Serialize;

use crate::args::ScaleArgs;
use crate::load::{self, Measured, Plan};
use crate::plot::{self, Line};
use crate::provider::Provider;
use crate::scenario::{Kind, World};
use crate::server::Server;
use crate::{fill, report, run, server};

#[derive(Serialize)]
struct Report {
    date: String,
    database: String,
    sizes: Vec<Size>,
    cleanup: Option<Cleanup>,
}

#[derive(Serialize)]
struct Size {
    identities: u64,
    sessions: u64,
    measured: Vec<Measured>,
}

/// Sign-ins while expired rows are removed.
#[derive(Serialize)]
struct Cleanup {
    expired: i64,
    seconds: f64,
    /// What the command said, which names its longest batch.
    said: String,
    /// The same sign-ins before it began.
    alone: Measured,
    beside: Measured,
}

/// Signed in through the API before anything is copied; those log in.
const PEOPLE: u64 = 50;

pub(crate) async fn scale(args: ScaleArgs) -> anyhow::Result<bool> {
    let provider = Provider::start().await?;
    let mut servers = server::start_all(&args.setup, &provider).await?;
    let server = servers.first_mut().ok_or_else(|| anyhow::anyhow!("no server"))?;
    let mut sizes = Vec::new();
    let mut filled = 0;
    for (number, identities) in args.identities.iter().copied().enumerate() {
        let people = identities.min(PEOPLE);
        let world = World::new(server.face(), &provider, &format!("scale{number}"))?;
        // With one identity there is one person, with one link.
        world.populate_main(people).await?;
        let present = people * (number as u64 + 1);
        let wanted = identities.saturating_sub(present + filled);
        let began = Instant::now();
        fill::fill(&server.dsn, filled, wanted).await?;
        filled += wanted;
        println!("{} identities ({:.0} s to fill)", present + filled, began.elapsed().as_secs_f64());
        let mut measured = Vec::new();
        for (kind, at_least) in [(Kind::Login, args.flows), (Kind::Whoami, args.whoami)] {
            // Caches and the database's pages settle first.
            let plan = Plan { people: 4, rate: None, duration: Duration::ZERO, at_least: at_least / 10 };
            load::measure(server, &world, kind, plan).await;
            let one = load::measure(server, &world, kind, Plan { at_least, ..plan }).await;
            println!("{}", run::line(&server.face().name, &one));
            measured.push(one);
        }
        sizes.push(Size { identities: present + filled, sessions: 2 * filled, measured });
    }
    let cleanup = match &args.cleanup {
        Some(command) => Some(clean_up(server, &provider, command, args.duration).await?),
        None => None,
    };
    let ok = sizes.iter().flat_map(|size| &size.measured).all(|measured| measured.failed == 0);
    let lines = lines(&sizes);
    let database = if args.setup.database == "sqlite" { "sqlite" } else { "postgres" }.to_owned();
    let name = format!("scale-{database}");
    report::write(&args.setup.out, &name, &Report { date: report::date(), database, sizes, cleanup })?;
    let path = args.setup.out.join(format!("{name}.svg"));
    let label = |tens: &f64| format!("{}", 10f64.powf(*tens).round());
    plot::draw(&path, "CPU milliseconds by number of identities", &lines, false, &label)?;
    Ok(ok)
}

fn lines(sizes: &[Size]) -> Vec<Line> {
    [Kind::Login, Kind::Whoami]
        .map(|kind| {
            let points = sizes.iter().filter_map(|size| {
                let measured = size.measured.iter().find(|measured| measured.scenario == kind)?;
                Some(((size.identities as f64).log10(), measured.cpu_ms_per_flow))
            });
            Line { name: kind.name().to_owned(), points: points.collect() }
        })
        .into()
}

/// People sign in, at first alone, then beside the command.
async fn clean_up(server: &Server, provider: &Provider, command: &str, duration: Duration) -> anyhow::Result<Cleanup> {
    let expired = i64::try_from(fill::expire(&server.dsn).await?)?;
    let world = World::new(server.face(), provider, "cleanup")?;
    world.populate_main(5).await?;
    let plan = Plan { people: 4, rate: Some(50.0), duration, at_least: 0 };
    let alone = load::measure(server, &world, Kind::Login, plan).await;
    println!("{}", run::line("alone", &alone));
    let mut command = server.command(command)?;
    let began = Instant::now();
    let cleaner = tokio::task::spawn_blocking(move || command.stdout(Stdio::piped()).output());
    let beside = load::measure(server, &world, Kind::Login, plan).await;
    println!("{}", run::line("cleanup", &beside));
    let done = cleaner.await??;
    let (seconds, left) = (began.elapsed().as_secs_f64(), fill::expired(&server.dsn).await?);
    let said = String::from_utf8_lossy(&done.stdout).trim().to_owned();
    ensure!(done.status.success() && left == 0, "{left} of {expired} expired sessions are left: {said}");
    println!("{expired} expired sessions removed in {seconds:.0} s: {said}");
    Ok(Cleanup { expired, seconds, said, alone, beside })
}
