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
pub(crate) async fn open_loop<F: Future<Output = bool> + Send + 'static>(
    rate: f64,
    time: Duration,
    call: &(impl Fn() -> F + Clone + Send + 'static),
) -> (Vec<Duration>, usize) {
    let started = Instant::now();
    let pause = Duration::from_secs_f64(1.0 / rate);
    let mut due = started;
    let mut tasks = Vec::new();
    while due.duration_since(started) < time {
        // The timer of the runtime is a millisecond coarse, so calls start in small bursts; their wait counts.
        if let Some(early) = due.checked_duration_since(Instant::now()) {
            tokio::time::sleep(early).await;
        }
        let (asked, call) = (due, call.clone());
        tasks.push(tokio::spawn(async move { call().await.then(|| asked.elapsed()) }));
        due += pause;
    }
    let asked = tasks.len();
    let mut latencies = Vec::with_capacity(asked);
    for task in tasks {
        latencies.extend(task.await.expect("a call"));
    }
    latencies.sort();
    let refused = asked - latencies.len();
    (latencies, refused)
}

pub(crate) fn print_most(most: f64) {
    println!("closed loop, 8 callers, one mapper: {most:.0} evaluations per second");
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

/// Resident memory of the worker processes, as the kernel tells it.
pub(crate) fn print_worker_memory() {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return };
    for thread in threads.flatten() {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            let status = std::fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
            let lines = status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("RssAnon"));
            println!("worker {child}: {}", lines.map(|line| line.replace('\t', " ")).collect::<Vec<_>>().join(", "));
        }
    }
}
