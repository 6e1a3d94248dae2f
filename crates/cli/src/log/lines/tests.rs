use super::*;
use bia_telemetry::request::{Request, scope};
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::layer::SubscriberExt as _;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("written").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().expect("written").clone();
        String::from_utf8(bytes).expect("text").lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_capture_is_read_back_from_the_line_of_either_format() {
    let claims = serde_json::json!({ "it's": "a\"b\\c\nd", "locale": "e\u{301}\u{200b}", "n\u{0}": "\t" });
    let capture = bia_model::capture::Capture::new("m", "missing_field", Some(3), &claims, None);
    let text = serde_json::to_string(&capture).expect("JSON");
    let event =
        || tracing::warn!(target: "bia::capture", provider = %"m", capture = text, "a failed sign-in, redacted");
    let of_text = {
        let (written, _guard) = log_into(Text);
        scope(request(), async { event() }).await;
        written.lines()
    };
    let (written, _guard) = log_into(Json);
    scope(request(), async { event() }).await;
    let lines = [of_text, written.lines()].concat();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in lines {
        assert!(line.contains("req-1"), "{line}");
        assert_eq!(bia_model::capture::Capture::all_in(&line), std::slice::from_ref(&capture), "{line}");
    }
}

/// What this form makes of a line of a request, one with an id of its own, and one outside of any request.
async fn three_lines<F>(form: F) -> Vec<String>
where
    F: FormatEvent<tracing_subscriber::Registry, DefaultFields> + Send + Sync + 'static,
{
    let (written, _guard) = log_into(form);
    let work = async {
        tracing::warn!(target: "bia", error = %"a\nb", missing = None::<&str>, count = 3, "something {}", "happened");
        tracing::info!(target: "bia", request_id = "own", "request");
    };
    scope(request(), work).await;
    tracing::info!(target: "bia", "started");
    written.lines()
}

fn request() -> Request {
    Request { id: "req-1".to_owned(), ..Request::default() }
}

/// What is logged by this thread while the guard lives, in this form.
fn log_into<F>(form: F) -> (Written, tracing::subscriber::DefaultGuard)
where
    F: FormatEvent<tracing_subscriber::Registry, DefaultFields> + Send + Sync + 'static,
{
    let written = Written::default();
    let writer = written.clone();
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).event_format(form);
    let layer = layer.with_writer(move || writer.clone());
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    (written, guard)
}

#[tokio::test]
async fn a_json_line_is_flat_typed_and_names_its_request_once() {
    let lines = three_lines(Json).await;
    let parsed: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(parsed.len(), 3, "{lines:?}");
    assert_eq!(parsed[0]["message"], "something happened");
    assert_eq!((&parsed[0]["error"], &parsed[0]["count"]), (&"a\nb".into(), &3.into()));
    assert_eq!((&parsed[0]["level"], &parsed[0]["target"]), (&"WARN".into(), &"bia".into()));
    assert!(parsed[0].get("missing").is_none(), "{}", lines[0]);
    let ids: Vec<_> = parsed.iter().map(|line| line["request_id"].as_str()).collect();
    assert_eq!(ids, [Some("req-1"), Some("own"), None]);
}

#[tokio::test]
async fn a_line_for_people_names_its_request_once() {
    let lines = three_lines(Text).await;
    assert!(lines[0].contains("WARN bia: something happened"), "{lines:?}");
    // The second line of a value can't pass for a line of the log.
    assert!(lines[1].starts_with("    b count=3") && lines[1].ends_with("request_id=req-1"), "{lines:?}");
    let own = lines.iter().find(|line| line.contains("request_id=\"own\"")).expect("a line");
    assert!(!own.contains("req-1"), "{own}");
    assert!(lines.last().is_some_and(|line| !line.contains("request_id")), "{lines:?}");
}
