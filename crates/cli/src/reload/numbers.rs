//! The metrics of reloads; `bia_telemetry::catalogue` says what they mean.

const RELOADS: &str = "bia_config_reloads_total";
const SUCCESSFUL: &str = "bia_config_last_reload_successful";
const SINCE: &str = "bia_config_last_reload_success_timestamp_seconds";
const RESTART: &str = "bia_config_restart_needed";

/// Alerts need a series before anything happens.
pub(super) fn start() {
    for outcome in ["taken", "refused"] {
        metrics::counter!(RELOADS, "outcome" => outcome).absolute(0);
    }
    current(false);
}

pub(super) fn taken(needs_restart: bool) {
    metrics::counter!(RELOADS, "outcome" => "taken").increment(1);
    current(needs_restart);
}

pub(super) fn refused() {
    metrics::counter!(RELOADS, "outcome" => "refused").increment(1);
    metrics::gauge!(SUCCESSFUL).set(0.0);
}

fn current(needs_restart: bool) {
    metrics::gauge!(SUCCESSFUL).set(1.0);
    metrics::gauge!(SINCE).set(time::OffsetDateTime::now_utc().unix_timestamp() as f64);
    metrics::gauge!(RESTART).set(f64::from(u8::from(needs_restart)));
}
