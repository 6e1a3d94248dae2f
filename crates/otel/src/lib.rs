//! Spans as OpenTelemetry traces, sent by OTLP over HTTP as Kratos' `tracing` section says.
//!
//! Only spans of the target [`bia_telemetry::trace::TARGET`] leave the program: a request with its route, a call to a
//! provider by what it is for, a mapper's evaluation, a transaction. Their attributes are bounded words. Log lines are not
//! exported. `bia` uses this crate in builds with the feature `otel` alone.
//!
//! What it never does: export a token, a claim, an address, a query or anything of a library; keep a request waiting (a
//! collector that is slow or gone costs spans, and one line of the log); believe a `traceparent` by itself (the server
//! decides which callers are trusted).
//!
//! Where to start reading: [`Traces::start`].

mod collector;

use bia_config::{ExposeSecret as _, Tracing};
use bia_outbound::SetupError;
use bia_telemetry::trace::{self, Listener};
use collector::Collector;
use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use std::collections::HashMap;
use std::time::Duration;
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

/// How long one batch may take to be sent.
const EXPORT_MAX: Duration = Duration::from_secs(10);
/// How long the end of the program waits for the last batch.
const SHUTDOWN_MAX: Duration = Duration::from_secs(5);

/// Why spans can't be exported; a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// No HTTP client.
    #[error("tracing: {0}")]
    Client(#[from] SetupError),
    /// Most likely the address.
    #[error(
        "tracing.providers.otlp.server_url: {address:?} can't be used: {why}. Write host and port, such as localhost:4318"
    )]
    Exporter {
        /// As configured.
        address: String,
        /// The exporter's own words.
        why: ExporterBuildError,
    },
    /// No thread to send from.
    #[error("tracing: no thread could be started: {0}")]
    Thread(std::io::Error),
}

/// Exports spans until it is dropped; that sends what is left.
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Prepares the export; nothing is sent before the first span ends.
    ///
    /// # Errors
    /// See [`TracesError`].
    pub fn start(config: &Tracing) -> Result<Self, TracesError> {
        let otlp = &config.providers.otlp;
        // Kratos: host and port alone, with the scheme in a key of its own.
        let scheme = if otlp.insecure { "http" } else { "https" };
        let endpoint = format!("{scheme}://{}/v1/traces", otlp.server_url);
        let mut headers = HashMap::new();
        if let Some(value) = &otlp.authorization_header {
            headers.insert("authorization".to_owned(), value.expose_secret().to_owned());
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(EXPORT_MAX)?)
            .with_endpoint(endpoint)
            .with_timeout(EXPORT_MAX)
            .with_headers(headers)
            .build()
            .map_err(|why| TracesError::Exporter { address: otlp.server_url.clone(), why })?;
        let sampler = Sampler::TraceIdRatioBased(otlp.sampling.sampling_ratio);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(sampler)))
            .with_resource(resource(config))
            .build();
        trace::set_listener(Box::new(W3c));
        Ok(Self { provider })
    }

    /// Hears the spans; give it to the subscriber.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_tracer(self.provider.tracer("bia"))
            .with_filter(Targets::new().with_target(trace::TARGET, LevelFilter::INFO))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown_with_timeout(SHUTDOWN_MAX) {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

fn resource(config: &Tracing) -> Resource {
    let name = config.service_name.clone().unwrap_or_else(|| "bia".to_owned());
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let environment = config.deployment_environment.clone().filter(|name| !name.is_empty());
    let environment = environment.map(|name| KeyValue::new("deployment.environment.name", name));
    Resource::builder().with_service_name(name).with_attribute(version).with_attributes(environment).build()
}

/// W3C trace context.
struct W3c;

impl Listener for W3c {
    fn adopt(&self, span: &Span, traceparent: &str) {
        let carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
        // Without a listener, or for a span that is not sampled, there is nothing to join.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
    }

    fn rename(&self, span: &Span, name: String) {
        span.context().span().update_name(name);
    }

    fn outgoing(&self) -> Option<String> {
        let mut carrier = HashMap::new();
        TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
        carrier.remove("traceparent")
    }
}
