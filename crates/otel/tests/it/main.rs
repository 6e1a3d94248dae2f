//! Spans on their way to a real receiver of OTLP over HTTP.

mod receiver;

use bia_config::{Otlp, Sampling, Tracing, TracingProvider, TracingProviders};
use bia_otel::Traces;
use bia_telemetry::trace;
use receiver::Receiver;
use std::net::TcpListener;
use std::time::{Duration, Instant};
use tracing::Span;
use tracing_subscriber::layer::SubscriberExt as _;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn config(receiver: &Receiver, sampling_ratio: f64) -> Tracing {
    Tracing {
        provider: Some(TracingProvider::Otel),
        service_name: Some("front-door".to_owned()),
        deployment_environment: Some("staging".to_owned()),
        providers: TracingProviders {
            otlp: Otlp {
                server_url: receiver.address(),
                insecure: true,
                sampling: Sampling { sampling_ratio },
                authorization_header: Some("Bearer for-the-collector".into()),
            },
            ..TracingProviders::default()
        },
    }
}

fn request() -> Span {
    tracing::info_span!(target: trace::TARGET, "request", otel.kind = "server", http.route = "/sessions/whoami")
}

#[test]
fn spans_of_ours_arrive_with_their_relations_and_nothing_of_others() {
    let receiver = Receiver::start();
    let traces = Traces::start(&config(&receiver, 1.0)).expect("traces");
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(traces.layer()));
    request().in_scope(|| {
        tracing::info!(target: "bia", secret = "in a log line", "something happened");
        tracing::info_span!("span of a library", secret = "of a library").in_scope(|| ());
        tracing::info_span!(target: trace::TARGET, "upstream call", call = "token").in_scope(|| ());
    });
    drop(guard);
    drop(traces);
    let spans = receiver.spans();
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["upstream call", "request"]);
    assert_eq!(spans[0].parent_span_id, spans[1].span_id);
    assert_eq!(receiver.attribute(&spans[1], "http.route").as_deref(), Some("/sessions/whoami"));
    let everything = format!("{spans:?}");
    assert!(!everything.contains("secret") && !everything.contains(file!()), "{everything}");
    assert!(spans.iter().all(|span| span.events.is_empty()), "log lines are not exported");
    let resource = receiver.resource();
    assert_eq!(resource.get("service.name").map(String::as_str), Some("front-door"));
    assert_eq!(resource.get("deployment.environment.name").map(String::as_str), Some("staging"));
    assert_eq!(receiver.authorizations(), ["Bearer for-the-collector"]);
    assert_eq!(receiver.paths(), ["/v1/traces"]);
}

#[test]
fn a_callers_trace_goes_on_and_its_decision_wins() {
    let receiver = Receiver::start();
    // Of our own accord nothing is sampled.
    let traces = Traces::start(&config(&receiver, 0.0)).expect("traces");
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(traces.layer()));
    request().in_scope(|| ());
    let span = request();
    trace::adopt(&span, PARENT);
    let sent_on = span.in_scope(trace::outgoing).expect("a traceparent");
    trace::rename(&span, || "GET /sessions/whoami".to_owned());
    drop(span);
    drop(guard);
    drop(traces);
    let spans = receiver.spans();
    assert_eq!(spans.len(), 1, "{spans:?}");
    assert_eq!(spans[0].name, "GET /sessions/whoami");
    assert_eq!(receiver::hex(&spans[0].trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(receiver::hex(&spans[0].parent_span_id), "b7ad6b7169203331");
    assert_eq!(sent_on, format!("00-{}-{}-01", receiver::hex(&spans[0].trace_id), receiver::hex(&spans[0].span_id)));
}

/// Far more than the end of a program waits for its last spans: only what hangs takes as long.
const HANGS: Duration = Duration::from_secs(60);

#[test]
fn a_collector_that_is_gone_or_silent_keeps_nobody_waiting() {
    let receiver = Receiver::start();
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("an address");
    // Connections to the first are made by the system, and nobody reads them.
    for address in [silent.local_addr().expect("an address"), gone] {
        let mut config = config(&receiver, 1.0);
        config.providers.otlp.server_url = address.to_string();
        let traces = Traces::start(&config).expect("traces");
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(traces.layer()));
        let began = Instant::now();
        request().in_scope(|| ());
        assert!(began.elapsed() < HANGS, "a request waited for {address}");
        drop(guard);
        let began = Instant::now();
        drop(traces);
        assert!(began.elapsed() < HANGS, "the end waited for {address}");
    }
}

#[test]
fn an_address_that_is_none_is_refused_with_its_key() {
    let receiver = Receiver::start();
    let mut config = config(&receiver, 1.0);
    config.providers.otlp.server_url = "not an address".to_owned();
    let error = Traces::start(&config).err().expect("an error").to_string();
    assert!(error.contains("tracing.providers.otlp.server_url") && error.contains("localhost:4318"), "{error}");
}
