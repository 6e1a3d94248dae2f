//! The metrics of reloads; `bia_telemetry::catalogue` says what they mean.

/// Alerts need a series before anything happens.
pub(super) fn start() {
    for outcome in ["taken", "refused"] {
        metrics::counter!("bia_config_reloads_total", "outcome" => outcome).absolute(0);
    }
    current(false);
}

pub(super) fn taken(needs_restart: bool) {
    metrics::counter!("bia_config_reloads_total", "outcome" => "taken").increment(1);
    current(needs_restart);
}

pub(super) fn refused() {
    metrics::counter!("bia_config_reloads_total", "outcome" => "refused").increment(1);
    metrics::gauge!("bia_config_last_reload_successful").set(0.0);
}

fn current(needs_restart: bool) {
    metrics::gauge!("bia_config_last_reload_successful").set(1.0);
    metrics::gauge!("bia_config_last_reload_success_timestamp_seconds")
        .set(time::OffsetDateTime::now_utc().unix_timestamp() as f64);
    metrics::gauge!("bia_config_restart_needed").set(f64::from(u8::from(needs_restart)));
}
