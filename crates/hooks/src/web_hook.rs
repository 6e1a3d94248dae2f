//! `web_hook`: calls a URL with what happened, and perhaps obeys the answer (contract §6.4).
//!
//! One call in order: `template_context` writes what the body template sees, `request`
//! evaluates the template and puts the HTTP message together, `delivery` sends it with retries, `response`
//! turns the answer into changes of the identity or a refusal. Nothing of a call but its label, host, status
//! and duration is logged: paths, headers, bodies and cookies may all be secrets.

mod delivery;
mod failure;
mod options;
mod request;
mod response;
mod template_context;

use std::sync::Arc;

use async_trait::async_trait;

use crate::context::{Hook, HookContext, HookError, Moment};
use crate::services::Services;
use delivery::{Delivered, Delivery};
use failure::Failure;

pub use options::Options;
pub(crate) use template_context::canonical;

/// A configured web hook.
pub struct WebHook {
    options: Arc<Options>,
    allowlist: Arc<[String]>,
    services: Services,
}

impl WebHook {
    /// `allowlist`: canonical names of the request headers that the template may see.
    pub fn new(options: Options, allowlist: Arc<[String]>, services: Services) -> Self {
        Self { options: Arc::new(options), allowlist, services }
    }

    fn in_background(&self, delivery: Delivery) {
        let started = self.services.background.spawn(async move {
            // Whatever comes of it was logged by the delivery; nobody waits for it.
            let _ = delivery.carry_out().await;
        });
        if !started {
            let label = self.options.label();
            tracing::error!(
                web_hook = label,
                "too many web hooks are under way in the background; this one was dropped"
            );
            metrics::counter!("bia_web_hooks_dropped_total").increment(1);
        }
    }
}

#[async_trait]
impl Hook for WebHook {
    fn name(&self) -> &str {
        "web_hook"
    }

    /// A hook that obeys the answer runs while something can still be changed, any other when all is done.
    fn runs_at(&self, moment: Moment) -> bool {
        match moment {
            Moment::Before(_) | Moment::LoginAfter => true,
            Moment::RegistrationBeforeInsert | Moment::SettingsBeforeSave => self.options.interrupts(),
            Moment::RegistrationAfterInsert | Moment::SettingsAfterSave => !self.options.interrupts(),
        }
    }

    async fn run(&self, moment: Moment, context: &mut HookContext<'_>) -> Result<(), HookError> {
        let delivery = Delivery {
            options: Arc::clone(&self.options),
            services: self.services.clone(),
            context: template_context::render(moment, context, &self.allowlist),
        };
        if self.options.ignores_response() {
            self.in_background(delivery);
            return Ok(());
        }
        let delivered = match moment {
            // What happened is stored, so the receiver must hear of it even if the client goes away meanwhile:
            // dropping this future leaves the task running.
            Moment::RegistrationAfterInsert | Moment::SettingsAfterSave => {
                let request = bia_telemetry::request::current();
                let delivered = bia_telemetry::request::continued(request, delivery.carry_out());
                tokio::spawn(delivered).await.unwrap_or(Err(Failure::Crashed))
            }
            _ => delivery.carry_out().await,
        };
        match delivered.map_err(Failure::into_api_error)? {
            Delivered::Cancelled => Ok(()),
            Delivered::Answered(answer) => {
                response::obey(&self.options, &answer, context.identity.as_deref_mut(), context.now)
            }
        }
    }
}
