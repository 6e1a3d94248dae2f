//! The two forms of a line. Both end with the correlation id of the request, unless the line has it already.

use serde_json::{Map, Value};
use std::fmt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields as _};
use tracing_subscriber::registry::LookupSpan;

const REQUEST_ID: &str = "request_id";

/// One JSON object per line: time, level, message, the event's fields, target.
pub(super) struct Json;

/// Words for people.
pub(super) struct Text;

fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default()
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, DefaultFields> for Json {
    fn format_event(
        &self,
        _: &FmtContext<'_, S, DefaultFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        writeln!(writer, "{}", line(event, now()))
    }
}

fn line(event: &Event<'_>, now: String) -> Value {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let mut line = Map::new();
    line.insert("timestamp".to_owned(), now.into());
    line.insert("level".to_owned(), event.metadata().level().as_str().into());
    line.append(&mut fields.0);
    line.insert("target".to_owned(), event.metadata().target().into());
    if let Some(id) = bia_telemetry::request::id() {
        line.entry(REQUEST_ID).or_insert_with(|| id.into());
    }
    Value::Object(line)
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().trim_start_matches("r#").to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, DefaultFields> for Text {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, DefaultFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        if writer.has_ansi_escapes() {
            write!(writer, "\x1b[2m{}\x1b[0m \x1b[{}m{level:>5}\x1b[0m ", now(), colour(level))?;
        } else {
            write!(writer, "{} {level:>5} ", now())?;
        }
        write!(writer, "{}: ", event.metadata().target())?;
        let mut fields = String::new();
        context.format_fields(Writer::new(&mut fields), event)?;
        // Some values have several lines. Indented, none of them passes for a line of the log's own.
        writer.write_str(&fields.replace('\n', "\n    "))?;
        let has_id = event.metadata().fields().field(REQUEST_ID).is_some();
        if let Some(id) = bia_telemetry::request::id().filter(|_| !has_id) {
            write!(writer, " {REQUEST_ID}={id}")?;
        }
        writeln!(writer)
    }
}

fn colour(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

#[cfg(test)]
mod tests;
