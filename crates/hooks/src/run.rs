//! Which hooks run, in which order, and what a hook that fails does to the flow.
//!
//! Everything is decided when the configuration is read: for each place there is one list, so that a request
//! looks nothing up. The rules (contract §6.2):
//!
//! - A method's list (`after.oidc.hooks`) is used when at least one of its hooks can run there, else the
//!   global list (`after.hooks`). Never both.
//! - Order is the order of the configuration, except `session`, which always comes last.
//! - The first hook that refuses ends the list.
//! - A hook that panics becomes a plain 500; a third-party hook that takes longer than its deadline a 504.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bia_model::{ApiError, FlowKind};
use futures_util::FutureExt as _;

use crate::context::{Hook, HookContext, HookError, Moment};
use crate::services::Background;

/// How long a third-party hook may take unless the [`crate::Registry`] was told otherwise.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// What the visitor signed in with, or which settings form was submitted: it selects the method's hook list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Social sign-in, and linking or unlinking in settings.
    Oidc,
    /// The profile form of settings.
    Profile,
}

/// The hooks of one configuration, resolved for every place. Built by [`crate::Registry::build`].
#[derive(Clone, Default)]
pub struct Hooks {
    pub(crate) login: Lists,
    pub(crate) registration: Lists,
    pub(crate) settings: Lists,
    pub(crate) warnings: Vec<String>,
    pub(crate) background: Background,
}

/// The lists of one kind of flow, after precedence.
#[derive(Clone, Default)]
pub(crate) struct Lists {
    pub(crate) before: Vec<Slot>,
    pub(crate) oidc: Vec<Slot>,
    pub(crate) profile: Vec<Slot>,
}

/// One configured hook.
#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) hook: Arc<dyn Hook>,
    /// Third-party hooks are cut off; the built-in ones limit themselves.
    pub(crate) deadline: Option<Duration>,
}

impl Lists {
    fn after(&self, method: Method) -> &[Slot] {
        match method {
            Method::Oidc => &self.oidc,
            Method::Profile => &self.profile,
        }
    }
}

impl Hooks {
    /// No hooks at all, for tests and for tools that run no flows.
    pub fn none() -> Self {
        Self::default()
    }

    /// What an operator should know about hooks that do nothing here; each was also logged once by the build.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The names of the third-party hooks that run somewhere, each perhaps several times: what metrics call them.
    pub fn third_party(&self) -> impl Iterator<Item = &str> {
        let lists = [&self.login, &self.registration, &self.settings];
        let slots = lists.into_iter().flat_map(|lists| lists.before.iter().chain(&lists.oidc).chain(&lists.profile));
        slots.filter(|slot| slot.deadline.is_some()).map(|slot| slot.hook.name())
    }

    /// Waits for web hooks that run in the background, at shutdown. False when some were still under way.
    pub async fn finish_background(&self, within: Duration) -> bool {
        self.background.finish(within).await
    }

    /// Runs `before.hooks` when a flow is created.
    ///
    /// # Errors
    /// What the first refusing hook said; no flow is to be created then.
    pub async fn before(&self, kind: FlowKind, context: &mut HookContext<'_>) -> Result<(), HookError> {
        let lists = match kind {
            FlowKind::Login => &self.login,
            FlowKind::Registration => &self.registration,
            FlowKind::Settings => &self.settings,
        };
        run_list(&lists.before, Moment::Before(kind), context).await
    }

    /// Runs the login hooks: somebody proved who they are, the session is not stored yet.
    ///
    /// # Errors
    /// What the first refusing hook said; no session is to be issued then.
    pub async fn login_after(&self, method: Method, context: &mut HookContext<'_>) -> Result<(), HookError> {
        run_list(self.login.after(method), Moment::LoginAfter, context).await
    }

    /// Runs the hooks that may still stop or change a registration.
    ///
    /// # Errors
    /// What the first refusing hook said; the identity is not to be inserted then.
    pub async fn registration_before_insert(
        &self,
        method: Method,
        context: &mut HookContext<'_>,
    ) -> Result<(), HookError> {
        run_list(self.registration.after(method), Moment::RegistrationBeforeInsert, context).await
    }

    /// Runs the hooks of a stored registration.
    ///
    /// # Errors
    /// What the first failing hook said. Kratos: the identity stays, the client gets the error.
    pub async fn registration_after_insert(
        &self,
        method: Method,
        context: &mut HookContext<'_>,
    ) -> Result<(), HookError> {
        run_list(self.registration.after(method), Moment::RegistrationAfterInsert, context).await
    }

    /// Runs the hooks that may still stop or change a settings update.
    ///
    /// # Errors
    /// What the first refusing hook said; nothing is to be saved then.
    pub async fn settings_before_save(&self, method: Method, context: &mut HookContext<'_>) -> Result<(), HookError> {
        run_list(self.settings.after(method), Moment::SettingsBeforeSave, context).await
    }

    /// Runs the hooks of a saved settings update.
    ///
    /// # Errors
    /// What the first failing hook said. Kratos: what was saved stays.
    pub async fn settings_after_save(&self, method: Method, context: &mut HookContext<'_>) -> Result<(), HookError> {
        run_list(self.settings.after(method), Moment::SettingsAfterSave, context).await
    }
}

async fn run_list(list: &[Slot], moment: Moment, context: &mut HookContext<'_>) -> Result<(), HookError> {
    for slot in list.iter().filter(|slot| slot.hook.runs_at(moment)) {
        run_one(slot, moment, context).await?;
    }
    Ok(())
}

/// Runs one hook so that neither a panic nor a hang of somebody else's code can take the flow with it.
async fn run_one(slot: &Slot, moment: Moment, context: &mut HookContext<'_>) -> Result<(), HookError> {
    // Unwind safety: after a panic the flow is given up, and what the hook left half-changed is dropped with it.
    let run = AssertUnwindSafe(async { slot.hook.run(moment, context).await }).catch_unwind();
    let finished = match slot.deadline {
        Some(deadline) => match tokio::time::timeout(deadline, run).await {
            Ok(finished) => finished,
            Err(_) => return Err(too_slow(slot.hook.name(), moment, deadline)),
        },
        None => run.await,
    };
    match finished {
        Ok(result) => result.inspect_err(|error| {
            tracing::info!(hook = slot.hook.name(), ?moment, outcome = outcome(error), "a hook stopped the flow");
        }),
        Err(_) => {
            // The panic's own text may hold anything, so neither the log line nor the visitor gets it.
            tracing::error!(hook = slot.hook.name(), ?moment, "a hook panicked; the flow was stopped");
            metrics::counter!("bia_hook_panics_total", "hook" => slot.hook.name().to_owned()).increment(1);
            Err(ApiError::internal("A plug-in of this server failed. Please contact the system administrator.").into())
        }
    }
}

fn too_slow(name: &str, moment: Moment, deadline: Duration) -> HookError {
    tracing::error!(hook = name, ?moment, ?deadline, "a hook did not finish within its deadline; the flow was stopped");
    metrics::counter!("bia_hook_timeouts_total", "hook" => name.to_owned()).increment(1);
    ApiError::new(504).with_reason("A plug-in of this server did not finish in time. Please try again later.").into()
}

fn outcome(error: &HookError) -> &'static str {
    match error {
        HookError::Messages(_) => "messages",
        HookError::Api(_) => "error",
    }
}
