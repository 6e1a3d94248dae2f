//! `tracing`: OpenTelemetry, with Kratos' keys. Spans are exported by builds with the feature `otel`.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use crate::unsupported::{self, Ignored};

/// Where spans go, if anywhere.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tracing {
    /// `otel` sends traces; the others are read and reported. Default: none, no traces.
    pub provider: Option<TracingProvider>,
    /// The service's name in traces. Default: `bia`.
    pub service_name: Option<String>,
    /// The environment's name in traces. Default: none.
    pub deployment_environment: Option<String>,
    /// Settings of each provider.
    pub providers: TracingProviders,
}

/// Kratos' providers of tracing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TracingProviders {
    /// The collector that traces are posted to, by OTLP over HTTP.
    pub otlp: Otlp,
    /// Kratos' client of a Jaeger agent; Jaeger takes OTLP, too.
    #[schemars(schema_with = "unsupported::jaeger")]
    pub jaeger: Option<Ignored>,
    /// Kratos' client of a Zipkin server; not served.
    #[schemars(schema_with = "unsupported::zipkin")]
    pub zipkin: Option<Ignored>,
}

/// `tracing.providers.otlp`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Otlp {
    /// Host and port of the collector; traces are posted to `/v1/traces` there. Default: `localhost:4318`.
    pub server_url: String,
    /// Plain http instead of https. Default: false.
    pub insecure: bool,
    /// How many requests are traced.
    pub sampling: Sampling,
    /// What the collector is sent as `Authorization`. Default: none.
    #[schemars(with = "Option<String>")]
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
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// The share of requests that are traced, from 0 to 1; a caller's decision wins. Default: 1.
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
