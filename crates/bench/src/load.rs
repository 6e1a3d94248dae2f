//! Many flows at once, closed loop or open, and what came of them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::provider::Calls;
use crate::scenario::{Kind, World};
use crate::server::Server;

/// How much, and how fast.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) people: usize,
    /// Flows a second; none: as fast as it goes.
    pub(crate) rate: Option<f64>,
    pub(crate) duration: Duration,
    pub(crate) at_least: u64,
}

/// One scenario on one server.
#[derive(Serialize)]
pub(crate) struct Measured {
    pub(crate) scenario: Kind,
    pub(crate) seconds: f64,
    pub(crate) flows: u64,
    pub(crate) flows_per_second: f64,
    pub(crate) failed: u64,
    /// How often each failure was met, without anything that names a person.
    pub(crate) failures: BTreeMap<String, u64>,
    /// CPU milliseconds of the server's process tree for each flow that finished.
    pub(crate) cpu_ms_per_flow: f64,
    /// Milliseconds of each request, the stand-in's time taken off; in an open loop counted from when it was due.
    pub(crate) requests: Latencies,
    /// The same by step.
    pub(crate) steps: BTreeMap<&'static str, Latencies>,
    pub(crate) upstream: Calls,
    pub(crate) pss_mib_before: f64,
    pub(crate) pss_mib_after: f64,
    /// Percentiles for the plot.
    #[serde(skip)]
    pub(crate) curve: Vec<(f64, f64)>,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Latencies {
    pub(crate) count: u64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// What flows report while they run.
pub(crate) struct Tally {
    requests: Mutex<Histogram<u64>>,
    steps: Mutex<BTreeMap<&'static str, Histogram<u64>>>,
    failures: Mutex<BTreeMap<String, u64>>,
    done: AtomicU64,
}

impl Tally {
    pub(crate) fn new() -> Tally {
        let (requests, steps, failures) = (Mutex::new(histogram()), Mutex::default(), Mutex::default());
        Tally { requests, steps, failures, done: AtomicU64::new(0) }
    }

    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(crate) fn failures(&self) -> BTreeMap<String, u64> {
        lock(&self.failures).clone()
    }

    /// One flow; `late` is how long it waited for its turn.
    pub(crate) async fn one(&self, world: &World<'_>, kind: Kind, late: Duration) -> bool {
        let (steps, done) = world.go(kind).await;
        for (number, step) in steps.iter().enumerate() {
            let took = if number == 0 { step.took + late } else { step.took };
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
            lock(&self.requests).saturating_record(micros);
            lock(&self.steps).entry(step.name).or_insert_with(histogram).saturating_record(micros);
        }
        match done {
            Ok(()) => {
                self.done.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(error) => {
                *lock(&self.failures).entry(format!("{error:#}")).or_default() += 1;
                false
            }
        }
    }
}

/// Runs the plan and measures it.
pub(crate) async fn measure(server: &Server, world: &World<'_>, kind: Kind, plan: Plan) -> Measured {
    let tally = Tally::new();
    let (before, calls) = (server.usage(true), world.provider.calls());
    let began = Instant::now();
    match plan.rate {
        None => closed(world, kind, plan, &tally, began).await,
        Some(rate) => open(world, kind, plan, &tally, began, rate).await,
    }
    let seconds = began.elapsed().as_secs_f64();
    let after = server.usage(true);
    let flows = tally.done();
    let failures = tally.failures();
    let requests = lock(&tally.requests);
    Measured {
        scenario: kind,
        seconds,
        flows,
        flows_per_second: flows as f64 / seconds,
        failed: failures.values().sum(),
        failures,
        cpu_ms_per_flow: (after.cpu_ms.saturating_sub(before.cpu_ms)) as f64 / flows.max(1) as f64,
        requests: latencies(&requests),
        steps: lock(&tally.steps).iter().map(|(name, histogram)| (*name, latencies(histogram))).collect(),
        upstream: world.provider.calls().since(calls),
        pss_mib_before: before.pss_kib as f64 / 1024.0,
        pss_mib_after: after.pss_kib as f64 / 1024.0,
        curve: curve(&requests),
    }
}

/// Each person begins the next flow when the one before is done.
async fn closed(world: &World<'_>, kind: Kind, plan: Plan, tally: &Tally, began: Instant) {
    let begun = AtomicU64::new(0);
    join_all((0..plan.people).map(|_| async {
        while began.elapsed() < plan.duration || begun.load(Ordering::Relaxed) < plan.at_least {
            begun.fetch_add(1, Ordering::Relaxed);
            // A server that is down must not be asked as fast as a loop can turn.
            if !tally.one(world, kind, Duration::ZERO).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }))
    .await;
}

/// Flows begin at their time; one that finds everybody busy waits, and its wait counts.
async fn open(world: &World<'_>, kind: Kind, plan: Plan, tally: &Tally, began: Instant, rate: f64) {
    let seats = Semaphore::new(plan.people);
    let wanted = ((plan.duration.as_secs_f64() * rate) as u64).max(plan.at_least);
    let next = AtomicU64::new(0);
    join_all((0..plan.people).map(|_| async {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= wanted {
                return;
            }
            let due = began + Duration::from_secs_f64(number as f64 / rate);
            tokio::time::sleep_until(due.into()).await;
            let Ok(_seat) = seats.acquire().await else { return };
            tally.one(world, kind, due.elapsed()).await;
        }
    }))
    .await;
}

fn histogram() -> Histogram<u64> {
    // Microseconds up to a minute.
    Histogram::new_with_bounds(1, 60_000_000, 3).unwrap_or_else(|_| unreachable!("the bounds are constants"))
}

fn latencies(histogram: &Histogram<u64>) -> Latencies {
    let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    Latencies {
        count: histogram.len(),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: histogram.max() as f64 / 1000.0,
    }
}

fn curve(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    // Even steps in the number of nines, so that the tail can be read.
    (0..=40)
        .map(|step| {
            let nines = f64::from(step) / 10.0;
            (nines, histogram.value_at_quantile(1.0 - 10f64.powf(-nines)) as f64 / 1000.0)
        })
        .collect()
}

fn lock<T>(value: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    value.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_milliseconds_and_the_curve_goes_on_into_the_tail() {
        let mut recorded = histogram();
        for micros in 1..=1000 {
            recorded.record(micros * 10).expect("inside the bounds");
        }
        let found = latencies(&recorded);
        let near = |value: f64, wanted: f64| (value - wanted).abs() / wanted < 0.01;
        assert!(near(found.p50, 5.0) && near(found.p99, 9.9) && near(found.max, 10.0), "{found:?}");
        let curve = curve(&recorded);
        assert!(curve.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1));
        assert!(near(curve.last().expect("a point").1, 10.0));
    }
}
