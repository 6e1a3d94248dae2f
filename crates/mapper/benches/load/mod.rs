//! Load as visitors make it: arrivals at a steady rate that do not wait for each other.

#![expect(clippy::print_stdout, reason = "a bench reports on standard output")]

use std::time::{Duration, Instant};

/// Evaluations per second when `clients` callers ask as fast as they are answered.
pub(crate) async fn closed_loop<F: Future<Output = bool> + Send + 'static>(
    clients: usize,
    time: Duration,
    call: &(impl Fn() -> F + Clone + Send + 'static),
) -> f64 {
    let started = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|_| {
            let call = call.clone();
            tokio::spawn(async move {
                let mut count = 0_u32;
                while started.elapsed() < time {
                    count += u32::from(call().await);
                }
                count
            })
        })
        .collect();
    let mut count = 0;
    for task in tasks {
        count += task.await.expect("a caller");
    }
    f64::from(count) / started.elapsed().as_secs_f64()
}

/// Latencies of calls that are due at a fixed rate, counted from when each was due, sorted, and how many were refused.
/// A thread of its own starts them: the runtime's timer is a millisecond coarse.
pub(crate) async fn open_loop<F: Future<Output = bool> + Send + 'static>(
    rate: f64,
    time: Duration,
    call: &(impl Fn() -> F + Clone + Send + 'static),
) -> (Vec<Duration>, usize) {
    let (runtime, call) = (tokio::runtime::Handle::current(), call.clone());
    let pause = Duration::from_secs_f64(1.0 / rate);
    let starter = std::thread::spawn(move || {
        let started = Instant::now();
        let mut due = started;
        let mut tasks = Vec::new();
        while due.duration_since(started) < time {
            if let Some(early) = due.checked_duration_since(Instant::now()) {
                std::thread::sleep(early);
            }
            let (asked, call) = (due, call.clone());
            tasks.push(runtime.spawn(async move { call().await.then(|| asked.elapsed()) }));
            due += pause;
        }
        tasks
    });
    let tasks = tokio::task::spawn_blocking(move || starter.join()).await.expect("a thread").expect("the starter");
    let asked = tasks.len();
    let mut latencies = Vec::with_capacity(asked);
    for task in tasks {
        latencies.extend(task.await.expect("a call"));
    }
    latencies.sort();
    let refused = asked - latencies.len();
    (latencies, refused)
}

/// CPU time that this process and its workers, replaced ones included, have used so far: what a busy neighbour can not add to.
pub(crate) fn cpu_seconds() -> f64 {
    let ticks = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        after_name.split_whitespace().skip(11).take(4).filter_map(|text| text.parse::<u32>().ok()).sum::<u32>()
    };
    // The kernel counts in hundredths, on every architecture that matters here.
    f64::from(ticks("self") + workers().iter().map(|pid| ticks(pid)).sum::<u32>()) / 100.0
}

/// The process ids of the workers.
fn workers() -> Vec<String> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let children = threads.map(|thread| std::fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    children.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

pub(crate) fn print_most(callers: usize, most: f64, cpu_seconds_each: f64) {
    let cpu = cpu_seconds_each * 1e6;
    println!(
        "closed loop, {callers} callers, one mapper: {most:.0} evaluations per second, {cpu:.0} µs of CPU time each"
    );
}

pub(crate) fn print(share: f64, (latencies, refused): &(Vec<Duration>, usize)) {
    let Some(last) = latencies.last() else { return println!("open loop: all {refused} calls were refused") };
    let at = |permille: usize| latencies[latencies.len() * permille / 1000];
    println!(
        "open loop at {:.0} % of it, {} calls, {refused} refused: p50 {:.2?}, p95 {:.2?}, p99 {:.2?}, longest {last:.2?}",
        share * 100.0,
        latencies.len() + refused,
        at(500),
        at(950),
        at(990),
    );
}

/// Memory of the worker processes, as the kernel tells it: all that is mapped, the share of it when what several processes
/// map counts in parts, and what is a worker's own. The second needs the right to look (root, or `CAP_SYS_PTRACE`), as
/// workers let nobody look into them.
pub(crate) fn print_worker_memory(when: &str) {
    for worker in workers() {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{worker}/{file}")).unwrap_or_default();
        let all = [read("status"), read("smaps_rollup")].concat();
        let kib = |name: &str| {
            all.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse::<f64>().ok())
        };
        let mb =
            |name: &str| kib(name).map_or_else(|| "unknown".to_owned(), |kib| format!("{:.1} MB", kib * 1024.0 / 1e6));
        let (resident, share, own) = (mb("VmRSS:"), mb("Pss:"), mb("RssAnon:"));
        println!("a worker {when}: {resident} resident, {share} proportional (PSS), {own} its own");
    }
}
