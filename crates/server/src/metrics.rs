//! The metrics of the server, and their text form at `/admin/metrics/prometheus`.
//!
//! | Name | Labels | What |
//! | --- | --- | --- |
//! | `bia_http_requests_total` | port, operation, method, status | answered requests |
//! | `bia_http_request_duration_seconds` | port, operation | time from the first byte to the answer |
//!
//! Labels are operation ids, never paths: a path is somebody else's text and there are endlessly many.

use crate::dispatch::Port;
use crate::request_log::port_name;
use http::Method;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;

const REQUESTS: &str = "bia_http_requests_total";
const DURATION: &str = "bia_http_request_duration_seconds";
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0];

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
        metrics::describe_counter!(REQUESTS, "Answered HTTP requests");
        metrics::describe_histogram!(DURATION, metrics::Unit::Seconds, "Time to answer an HTTP request");
        handle
    })
}

pub(crate) fn request(port: Port, operation: &'static str, method: &Method, status: u16, elapsed: Duration) {
    let method = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    };
    let port = port_name(port);
    metrics::counter!(REQUESTS, "port" => port, "operation" => operation, "method" => method, "status" => status.to_string())
        .increment(1);
    metrics::histogram!(DURATION, "port" => port, "operation" => operation).record(elapsed.as_secs_f64());
}
