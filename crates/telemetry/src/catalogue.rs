//! Every metric of the program: one table that describes, documents and checks them.
//!
//! Labels are words of ours or ids from the configuration, never text that a client sent: whoever asks for endlessly many
//! paths or providers must not make endlessly many series.

use Kind::{Counter, Gauge, Histogram};

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; begins anew with the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations in buckets.
    Histogram,
}

impl Kind {
    /// Prometheus' word.
    pub const fn name(self) -> &'static str {
        match self {
            Counter => "counter",
            Gauge => "gauge",
            Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// As Prometheus shows it.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Its labels; each takes only the values of a fixed list or of the configuration.
    pub labels: &'static [&'static str],
    /// What it tells, for people.
    pub help: &'static str,
}

const fn metric(name: &'static str, kind: Kind, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind, labels, help }
}

/// Every metric, in the order of the documentation.
pub const CATALOGUE: &[Metric] = &[
    // --- people ---
    metric("bia_sign_in_started_total", Counter, &["flow", "provider"], "People sent to a provider"),
    metric(
        "bia_sign_in_finished_total",
        Counter,
        &["flow", "provider", "outcome"],
        "Sign-ins that succeeded; outcome is login, registration or link",
    ),
    metric(
        "bia_sign_in_refused_total",
        Counter,
        &["flow", "provider", "step"],
        "Sign-ins that ended in a refusal, by the step that refused",
    ),
    metric("bia_sessions_issued_total", Counter, &[], "Sessions that began"),
    metric("bia_sessions_revoked_total", Counter, &["reason"], "Sessions that were ended before their time"),
    metric(
        "bia_rechecks_total",
        Counter,
        &["provider", "outcome"],
        "Questions whether somebody is still there (recheck)",
    ),
    // --- requests ---
    metric(
        "bia_http_requests_total",
        Counter,
        &["port", "route", "method", "status"],
        "Answered HTTP requests; status is its class, such as 2xx",
    ),
    metric(
        "bia_http_request_duration_seconds",
        Histogram,
        &["port", "route"],
        "Time from a request's headers to its answer",
    ),
    metric(
        "bia_rate_limited_total",
        Counter,
        &["limit", "route"],
        "Requests answered with 429; limit is address or flow",
    ),
    // --- providers and other servers ---
    metric(
        "bia_upstream_calls_total",
        Counter,
        &["call", "outcome"],
        "Calls to other servers by what they are for; outcome is the status class, or what went wrong",
    ),
    metric("bia_upstream_call_duration_seconds", Histogram, &["call"], "Time that those calls took"),
    metric(
        "bia_client_secret_accepted_total",
        Counter,
        &["provider", "secret"],
        "Token requests by which of several client secrets the provider took, 1 being the first",
    ),
    metric(
        "bia_client_credential_days_left",
        Gauge,
        &["provider", "credential"],
        "Days until a client secret or certificate ends; negative afterwards",
    ),
    // --- mappers ---
    metric("bia_mapper_evaluations_total", Counter, &["outcome"], "Jsonnet evaluations by how they ended"),
    metric("bia_mapper_evaluation_duration_seconds", Histogram, &[], "Time of an evaluation, waiting included"),
    metric("bia_mapper_workers", Gauge, &[], "Worker processes alive"),
    metric("bia_mapper_running", Gauge, &[], "Evaluations running now"),
    metric("bia_mapper_waiting", Gauge, &[], "Evaluations waiting for a worker"),
    metric("bia_mapper_workers_started_total", Counter, &[], "Worker processes started"),
    metric(
        "bia_mapper_workers_killed_total",
        Counter,
        &["reason"],
        "Worker processes that were stopped or ended in the middle of an evaluation",
    ),
    // --- hooks ---
    metric("bia_web_hooks_total", Counter, &["outcome"], "Web hooks called, after all attempts"),
    metric("bia_web_hook_duration_seconds", Histogram, &[], "Time of a web hook, all attempts together"),
    metric("bia_web_hooks_dropped_total", Counter, &[], "Web hooks not called because too many were under way"),
    metric("bia_hook_panics_total", Counter, &["hook"], "Hooks that panicked"),
    metric("bia_hook_timeouts_total", Counter, &["hook"], "Hooks that took too long"),
    // --- database ---
    metric("bia_store_connections", Gauge, &["pool", "state"], "Open connections, in_use or idle"),
    metric("bia_store_connections_max", Gauge, &["pool"], "Connections that may be open"),
    metric("bia_store_wait_seconds", Histogram, &["pool"], "Time spent waiting for a connection"),
    metric("bia_store_busy_total", Counter, &["pool"], "Requests that got no connection in time"),
    metric("bia_store_operation_duration_seconds", Histogram, &["operation"], "Time of one statement"),
    metric("bia_store_errors_total", Counter, &["operation"], "Statements and connections that failed"),
    // --- the configuration ---
    metric("bia_config_reloads_total", Counter, &["outcome"], "Changed configurations that were taken or refused"),
    metric(
        "bia_config_last_reload_successful",
        Gauge,
        &[],
        "1, or 0 when the configuration on disk was refused and an older one is in use",
    ),
    metric(
        "bia_config_last_reload_success_timestamp_seconds",
        Gauge,
        &[],
        "When the configuration in use was taken, in seconds since 1970",
    ),
    metric("bia_config_restart_needed", Gauge, &[], "1 when a changed key waits for the next start"),
    // --- the program ---
    metric("bia_audit_events_total", Counter, &["event"], "Audit events"),
    metric(
        "bia_audit_events_dropped_total",
        Counter,
        &["reason"],
        "Audit events that could not be written: disk full, or too slow",
    ),
    metric("bia_build_info", Gauge, &["version"], "Always 1; the version is its label"),
    metric("process_cpu_seconds_total", Counter, &[], "CPU time of the server process, without its mapper workers"),
    metric("process_resident_memory_bytes", Gauge, &[], "Memory of the server process, without its mapper workers"),
    metric("process_virtual_memory_bytes", Gauge, &[], "Address space of the server process"),
    metric("process_threads", Gauge, &[], "Threads of the server process"),
    metric("process_open_fds", Gauge, &[], "Open files and sockets"),
    metric("process_max_fds", Gauge, &[], "Files and sockets that may be open"),
    metric("process_start_time_seconds", Gauge, &[], "When the process started, in seconds since 1970"),
];

/// Gives every metric its help text in the installed recorder.
pub fn describe() {
    for metric in CATALOGUE {
        match metric.kind {
            Counter => metrics::describe_counter!(metric.name, metric.help),
            Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}
