//! `tracing`: OpenTelemetry, with Kratos' keys. Spans are exported by builds with the feature `otel`.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use secrecy::SecretString;
use serde::Deserialize;

use crate::unsupported;

/// Where spans go, if anywhere.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tracing {
    /// `otel` is the one that has an effect.
    pub provider: Option<TracingProvider>,
    /// The service's name in traces. Default: `bia`.
    pub service_name: Option<String>,
    /// The environment's name in traces. Default: none.
    pub deployment_environment: Option<String>,
    /// Settings of each provider.
    pub providers: TracingProviders,
}

/// Kratos' providers of tracing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TracingProvider {
    /// Its own protocol is not spoken; Jaeger takes OTLP, too.
    Jaeger,
    /// OTLP over HTTP.
    Otel,
    /// Its own protocol is not spoken.
    Zipkin,
}

/// `tracing.providers`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TracingProviders {
    /// OTLP over HTTP.
    pub otlp: Otlp,
}

/// `tracing.providers.otlp`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Otlp {
    /// Host and port of the collector, for example `localhost:4318`. Spans are posted to `/v1/traces` there.
    pub server_url: String,
    /// Plain http instead of https.
    pub insecure: bool,
    /// How many requests are traced.
    pub sampling: Sampling,
    /// Sent as `Authorization`.
    pub authorization_header: Option<SecretString>,
}

impl Default for Otlp {
    fn default() -> Self {
        Self {
            server_url: "localhost:4318".to_owned(),
            insecure: false,
            sampling: Sampling::default(),
            authorization_header: None,
        }
    }
}

/// `tracing.providers.otlp.sampling`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// From 0 to 1; a caller's decision wins.
    pub sampling_ratio: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        // Kratos: everything, unless told otherwise.
        Self { sampling_ratio: 1.0 }
    }
}

impl Tracing {
    /// Whether spans are to be exported.
    pub fn is_wanted(&self) -> bool {
        self.provider == Some(TracingProvider::Otel)
    }
}

impl JsonSchema for Tracing {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Tracing".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        unsupported::tracing(generator)
    }
}
