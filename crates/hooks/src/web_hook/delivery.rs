//! Sending: attempts, waits, redirects, and the one log line that each call leaves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bia_outbound::{Answer, OutboundError};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, LOCATION, USER_AGENT};
use url::Url;
use uuid::Uuid;

use super::failure::{Failure, in_words};
use super::options::Options;
use super::request::Message;
use crate::services::Services;

/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 5 * 1024 * 1024;
/// Kratos: Go's client follows ten.
const REDIRECTS_MAX: usize = 10;

/// One call with everything it needs, so that it can outlive the request that caused it.
pub(super) struct Delivery {
    pub(super) options: Arc<Options>,
    pub(super) services: Services,
    /// `ctx` as JSON text.
    pub(super) context: String,
}

/// What came of a call.
pub(super) enum Delivered {
    /// The template asked not to call.
    Cancelled,
    Answered(Answer),
}

impl Delivery {
    /// Evaluates the body and sends it, with retries.
    pub(super) async fn carry_out(self) -> Result<Delivered, Failure> {
        let started = Instant::now();
        let outcome = self.attempts().await;
        self.log(&outcome, started.elapsed());
        outcome
    }

    async fn attempts(&self) -> Result<Delivered, Failure> {
        let built = Message::build(&self.options, self.services.bodies.as_ref(), &self.context).await;
        let message = match built {
            Err(failure) if failure.is_cancel() => return Ok(Delivered::Cancelled),
            built => built?,
        };
        let pace = self.services.pace;
        let trigger = Uuid::new_v4();
        let mut wait = pace.wait;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let outcome = self.follow(&message, trigger).await;
            if !is_worth_a_retry(&outcome) {
                return outcome.map(Delivered::Answered).map_err(|error| Failure::Refused(in_words(&error)));
            }
            if attempts > pace.retries {
                return Err(given_up(attempts, &outcome));
            }
            tokio::time::sleep(asked_to_wait(&outcome).unwrap_or(wait).min(pace.wait_max)).await;
            wait = wait.saturating_mul(2);
        }
    }

    /// One attempt: sends the message and follows redirects as Kratos' client does.
    async fn follow(&self, message: &Message, trigger: Uuid) -> Result<Answer, OutboundError> {
        let mut message = message.clone();
        let request_id = Uuid::new_v4();
        for _ in 0..REDIRECTS_MAX {
            let answer = self.once(&message, request_id, trigger).await?;
            let Some(target) = redirect_target(&answer, &message.url) else {
                return Ok(answer);
            };
            redirect(&mut message, answer.status, target);
        }
        Err(OutboundError::TooManyRedirects { place: self.options.label().to_owned() })
    }

    async fn once(&self, message: &Message, request_id: Uuid, trigger: Uuid) -> Result<Answer, OutboundError> {
        let mut call = self
            .services
            .outbound
            .call(message.method.clone(), message.url.as_str())
            .purpose("web_hook")
            .timeout(self.services.pace.attempt)
            .limit(ANSWER_BYTES_MAX);
        for (name, value) in &message.headers {
            if let Ok(value) = value.to_str() {
                call = call.header(name.as_str(), value);
            }
        }
        if self.options.emit_ids {
            call = call.header("Ory-Webhook-Request-ID", &request_id.to_string());
            call = call.header("Ory-Webhook-Trigger-ID", &trigger.to_string());
        }
        // Configured receivers are the operator's own: they may join the trace.
        if let Some(parent) = bia_telemetry::trace::outgoing() {
            call = call.header("traceparent", &parent);
        }
        if let Some(body) = &message.body {
            call = call.body(body.clone());
        }
        call.send().await
    }

    fn log(&self, outcome: &Result<Delivered, Failure>, duration: Duration) {
        let web_hook = self.options.label();
        let word = match outcome {
            Ok(Delivered::Cancelled) => "cancelled",
            Ok(Delivered::Answered(answer)) if answer.status >= 400 => "refused",
            Ok(Delivered::Answered(_)) => "ok",
            Err(failure) => failure.kind(),
        };
        match outcome {
            Ok(Delivered::Cancelled) => {
                tracing::debug!(web_hook, "the body template cancelled the web hook")
            }
            Ok(Delivered::Answered(answer)) => {
                tracing::info!(web_hook, status = answer.status, ?duration, "web hook answered");
            }
            Err(failure) if self.options.ignores_response() => {
                tracing::warn!(web_hook, error = %failure, ?duration, "web hook failed; nobody waits for its answer");
            }
            Err(failure) => {
                tracing::error!(web_hook, error = %failure, ?duration, "web hook failed")
            }
        }
        metrics::counter!("bia_web_hooks_total", "outcome" => word).increment(1);
        metrics::histogram!("bia_web_hook_duration_seconds").record(duration.as_secs_f64());
    }
}

fn is_worth_a_retry(outcome: &Result<Answer, OutboundError>) -> bool {
    match outcome {
        Ok(answer) => matches!(answer.status, 429 | 500 | 502..),
        Err(error) => error.is_passing(),
    }
}

/// Kratos: only 429 and 503 may say how long to wait.
fn asked_to_wait(outcome: &Result<Answer, OutboundError>) -> Option<Duration> {
    outcome.as_ref().ok().filter(|answer| matches!(answer.status, 429 | 503))?.retry_after()
}

fn given_up(attempts: u32, last: &Result<Answer, OutboundError>) -> Failure {
    match last {
        Err(OutboundError::Timeout { .. }) => Failure::TimedOut { attempts },
        Err(error) => Failure::GaveUp { attempts, last: in_words(error).to_owned() },
        Ok(answer) => Failure::GaveUp { attempts, last: format!("status {}", answer.status) },
    }
}

fn redirect_target(answer: &Answer, from: &Url) -> Option<Url> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    from.join(answer.header(LOCATION.as_str())?).ok()
}

/// Kratos: 307 and 308 repeat the call elsewhere, the older ones turn it into a GET without a body.
fn redirect(message: &mut Message, status: u16, target: Url) {
    if matches!(status, 301..=303) && message.method != Method::GET && message.method != Method::HEAD {
        message.method = Method::GET;
        message.body = None;
        message.headers.remove(CONTENT_TYPE);
    }
    if target.origin() != message.url.origin() {
        // Configured headers hold credentials, which are meant for the configured host alone.
        message.headers = std::mem::take(&mut message.headers)
            .into_iter()
            .filter_map(|(name, value)| Some((name?, value)))
            .filter(|(name, _)| name == CONTENT_TYPE || name == USER_AGENT)
            .collect();
    }
    message.url = target;
}
