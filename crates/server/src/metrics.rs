//! The metrics of the process, and their text form at `/admin/metrics/prometheus`.
//!
//! Every crate counts through the `metrics` facade; names, labels and help texts are those of
//! [`bia_telemetry::catalogue`]. Some values are looked up when somebody asks: pools, workers, the process itself.
//!
//! Labels are rows of the URL table, never paths: a path is somebody else's text and there are endlessly many.

mod process;

use crate::dispatch::Port;
use crate::request_log::port_name;
use bia_selfservice::Deps;
use http::Method;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;

const BUCKETS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0];
/// Observations wait in memory until they are put into their buckets, also when nobody ever scrapes.
const UPKEEP_PACE: Duration = Duration::from_secs(5);

/// The recorder of this process, installed at first use. Other crates count through the `metrics` facade.
pub fn handle() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets(&BUCKETS).unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed; /metrics/prometheus stays empty");
        }
        bia_telemetry::catalogue::describe();
        metrics::gauge!("bia_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        handle
    })
}

/// Keeps the recorder's memory bounded for as long as the server runs.
pub(crate) async fn upkeep() {
    let mut rounds = tokio::time::interval(UPKEEP_PACE);
    loop {
        rounds.tick().await;
        handle().run_upkeep();
    }
}

/// Everything, in Prometheus' text form.
pub(crate) fn render(deps: &Deps) -> String {
    for pool in deps.store.pools() {
        metrics::gauge!("bia_store_connections", "pool" => pool.name, "state" => "in_use").set(pool.in_use as f64);
        metrics::gauge!("bia_store_connections", "pool" => pool.name, "state" => "idle").set(pool.idle as f64);
        metrics::gauge!("bia_store_connections_max", "pool" => pool.name).set(pool.max as f64);
    }
    begin_at_zero(deps);
    let mapper = deps.mapper.stats();
    metrics::gauge!("bia_mapper_workers").set(mapper.workers as f64);
    metrics::gauge!("bia_mapper_running").set(mapper.running as f64);
    metrics::gauge!("bia_mapper_waiting").set(mapper.waiting as f64);
    process::observe();
    handle().render()
}

/// Alerts ask how much a counter grew, and nothing grows that is first seen at 1: what should never happen is shown before it
/// does. A counter that has counted stays as it is. Hooks may be others after a reload, so this is done at each scrape.
fn begin_at_zero(deps: &Deps) {
    for reason in bia_telemetry::audit::DROP_REASONS {
        metrics::counter!("bia_audit_events_dropped_total", "reason" => reason).absolute(0);
    }
    metrics::counter!("bia_web_hooks_dropped_total").absolute(0);
    for name in deps.hooks.third_party() {
        metrics::counter!("bia_hook_panics_total", "hook" => name.to_owned()).absolute(0);
        metrics::counter!("bia_hook_timeouts_total", "hook" => name.to_owned()).absolute(0);
    }
    for pool in deps.store.pools() {
        metrics::counter!("bia_store_busy_total", "pool" => pool.name).absolute(0);
    }
    // What a broken database meets first: connections, every write, and the health check.
    for operation in ["connect", "begin", "commit", "rollback", "is_ready"] {
        metrics::counter!("bia_store_errors_total", "operation" => operation).absolute(0);
    }
}

/// Counts one answer. `route` is a row of the URL table, or empty when none fitted.
pub(crate) fn request(port: Port, route: &'static str, method: &Method, status: u16, elapsed: Duration) {
    let method = match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        // Anybody may invent methods.
        _ => "other",
    };
    let status = match status {
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        500..=599 => "5xx",
        _ => "other",
    };
    let (port, route) = (port_name(port), if route.is_empty() { "none" } else { route });
    metrics::counter!("bia_http_requests_total", "port" => port, "route" => route, "method" => method, "status" => status)
        .increment(1);
    metrics::histogram!("bia_http_request_duration_seconds", "port" => port, "route" => route)
        .record(elapsed.as_secs_f64());
}
