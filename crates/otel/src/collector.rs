//! The HTTP client of the exporter: ours, so that the system's trust store and proxy count here, too.

use crate::TracesError;
use async_trait::async_trait;
use bia_outbound::{Outbound, Policy};
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

/// Sends batches from a thread of its own: the exporter's thread has no runtime, and that of the requests may be gone.
#[derive(Debug)]
pub(crate) struct Collector {
    outbound: Outbound,
    runtime: Option<Runtime>,
    timeout: Duration,
}

impl Collector {
    pub(crate) fn new(timeout: Duration) -> Result<Self, TracesError> {
        // `clients.http` is about what others can make us call; the collector is the operator's own.
        let outbound = Outbound::new(Policy::default())?;
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("otel").enable_all().build();
        Ok(Self { outbound, runtime: Some(runtime.map_err(TracesError::Thread)?), timeout })
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let Some(runtime) = &self.runtime else { return Err("the exporter has ended".into()) };
        let (parts, body) = request.into_parts();
        let method = reqwest::Method::from_bytes(parts.method.as_str().as_bytes())?;
        let mut call = self.outbound.call(method, parts.uri.to_string()).purpose("traces").timeout(self.timeout);
        for (name, value) in &parts.headers {
            call = call.header(name.as_str(), value.to_str()?);
        }
        // Heard by nobody: a span about sending spans would never come to an end.
        let sending = call.body(body).send().with_subscriber(NoSubscriber::default());
        let answer = runtime.spawn(sending).await??;
        Ok(Response::builder().status(answer.status).body(answer.body)?)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // A runtime that is dropped within another one would wait, which panics there.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
