//! The structured log on standard error, as `log.level` and `log.format` say, and where audit events go.
//!
//! Every line of a request carries its correlation id, whoever writes it. `log.leak_sensitive_values` changes nothing
//! here: there is nothing in the log that it could uncover.

mod lines;

use anyhow::Context as _;
use bia_config::{Config, Log, LogFormat, LogLevel};
use bia_telemetry::audit::{self, Output};
use lines::{Json, Text};
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::DefaultFields;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How long the end of the program waits for audit events to be written.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// Held while the program runs; its end writes what waits.
pub(crate) struct Telemetry {
    #[cfg(feature = "otel")]
    _traces: Option<bia_otel::Traces>,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        audit::flush(FLUSH_MAX);
    }
}

/// Starts the log alone, for commands that serve nobody.
pub(crate) fn start(log: &Log) -> Telemetry {
    write_log(log, None::<tracing_subscriber::layer::Identity>);
    Telemetry {
        #[cfg(feature = "otel")]
        _traces: None,
    }
}

/// Starts log, audit events and, in builds with the feature `otel`, traces.
///
/// # Errors
/// When the audit file can't be opened, or spans can't be exported as configured.
pub(crate) fn serve(config: &Config) -> anyhow::Result<Telemetry> {
    start_all(config, settings(config, Output::Stdout))
}

/// The same for a command whose results are on standard output: events that a server would write there go to the log,
/// so that they never stand in the middle of JSON.
///
/// # Errors
/// As for [`serve`].
pub(crate) fn beside_results(config: &Config) -> anyhow::Result<Telemetry> {
    start_all(config, settings(config, Output::Log))
}

fn start_all(config: &Config, audit: audit::Settings) -> anyhow::Result<Telemetry> {
    #[cfg(feature = "otel")]
    let traces = config.tracing.is_wanted().then(|| bia_otel::Traces::start(&config.tracing)).transpose()?;
    #[cfg(feature = "otel")]
    let spans = traces.as_ref().map(bia_otel::Traces::layer);
    #[cfg(not(feature = "otel"))]
    let spans = None::<tracing_subscriber::layer::Identity>;
    write_log(&config.log, spans);
    if config.tracing.is_wanted() && !cfg!(feature = "otel") {
        tracing::warn!(
            "tracing.provider is otel, but this program was built without the feature `otel`: no spans are sent"
        );
    }
    audit::start(&audit).context("audit events can't be written")?;
    Ok(Telemetry {
        #[cfg(feature = "otel")]
        _traces: traces,
    })
}

/// `dash` is where `-` leads.
fn settings(config: &Config, dash: Output) -> audit::Settings {
    let output = match config.bia.audit.file.as_deref() {
        None => Output::Log,
        Some(path) if path == Path::new("-") => dash,
        Some(path) => Output::File(path.to_owned()),
    };
    audit::Settings { output, personal_data: config.bia.audit.personal_data }
}

/// Events of `bia::audit` are written from `info` on, whatever the level: who signed in must not vanish because somebody
/// wanted a quieter log.
fn write_log<S>(log: &Log, spans: Option<S>)
where
    S: tracing_subscriber::Layer<tracing_subscriber::Registry> + Send + Sync,
{
    let level = match log.level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Error | LogLevel::Fatal | LogLevel::Panic => LevelFilter::ERROR,
    };
    let filter = Targets::new()
        // Libraries may print what they are given, headers first of all: below a warning they say nothing.
        .with_default(level.min(LevelFilter::WARN))
        .with_target("bia", level)
        .with_target("bia::audit", level.max(LevelFilter::INFO))
        // Spans are for traces; without a listener they cost nothing.
        .with_target(bia_telemetry::trace::TARGET, LevelFilter::OFF);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).fmt_fields(DefaultFields::new());
    let registry = tracing_subscriber::registry().with(spans);
    // A second start, in a test of several servers, keeps the first one's log.
    let _ = match log.format {
        LogFormat::Json => registry.with(layer.event_format(Json).with_filter(filter)).try_init(),
        LogFormat::Text => {
            let layer = layer.with_ansi(std::io::stderr().is_terminal()).event_format(Text);
            registry.with(layer.with_filter(filter)).try_init()
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_a_command_stay_out_of_its_results() {
        let output = |file: &str, dash: Output| {
            let text = format!(
                "{{ dsn: memory, identity: {{ schemas: [{{ id: default, url: 'base64://e30=' }}] }}, selfservice: {{ default_browser_return_url: 'https://app.example.com/' }}, bia: {{ audit: {{ file: '{file}' }} }} }}"
            );
            let loaded = bia_config::load_text("kratos.yml", &text).expect("a configuration");
            settings(&loaded.config, dash).output
        };
        assert_eq!(output("-", Output::Stdout), Output::Stdout, "a server");
        assert_eq!(output("-", Output::Log), Output::Log, "a command");
        assert_eq!(output("audit.jsonl", Output::Log), Output::File("audit.jsonl".into()), "both");
    }
}
