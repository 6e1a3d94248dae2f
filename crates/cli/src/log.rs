//! The structured log on standard error, as `log.level` and `log.format` say.

use bia_config::{Log, LogFormat, LogLevel};
use std::io::IsTerminal as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts the log. Events of `bia::audit` are written from `info` on, whatever the level: who signed in must not
/// vanish because somebody wanted a quieter log.
pub(crate) fn start(log: &Log) {
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
        .with_target("bia::audit", level.max(LevelFilter::INFO));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // A second start, in a test of several servers, keeps the first one's log.
    let _ = match log.format {
        LogFormat::Json => {
            registry.with(layer.json().flatten_event(true).with_current_span(false).with_span_list(false)).try_init()
        }
        LogFormat::Text => registry.with(layer.with_ansi(std::io::stderr().is_terminal())).try_init(),
    };
}
