//! The trait and what a hook is given.

use async_trait::async_trait;
use bia_model::{ApiError, ContinueWith, Flow, FlowKind, Identity, Message, Session, Timestamp};

/// A point in a flow at which hooks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// When the flow is created, and when it is submitted for the first time.
    Before(FlowKind),
    /// Somebody has proven who they are; the session isn't stored yet.
    LoginAfter,
    /// A new identity is valid and about to be inserted; its id is still the zero UUID.
    RegistrationBeforeInsert,
    /// The new identity is stored.
    RegistrationAfterInsert,
    /// A changed identity is valid and about to be saved.
    SettingsBeforeSave,
    /// The changed identity is stored.
    SettingsAfterSave,
}

/// The HTTP request that led here, as far as a hook may know it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    /// The full public URL; for social sign-in that is the provider's callback.
    pub url: String,
    /// Header names in canonical form (`User-Agent`) with their values, in order.
    pub headers: Vec<(String, String)>,
    pub cookies: Vec<(String, String)>,
}

/// What a hook asks the flow to do; carried out in the flow's own transaction.
#[derive(Debug, Default)]
pub struct Effects {
    /// Registration: give the client a session.
    pub issue_session: bool,
    /// End every other session of the identity.
    pub revoke_other_sessions: bool,
    /// Next steps for the client.
    pub continue_with: Vec<ContinueWith>,
}

/// What a hook works on.
pub struct HookContext<'a> {
    pub flow: &'a Flow,
    pub request: &'a Request,
    /// Absent before a flow. Changes to traits and addresses are validated again before they are saved;
    /// changes at [`Moment::LoginAfter`] are not persisted (Kratos does the same).
    pub identity: Option<&'a mut Identity>,
    /// Present at [`Moment::LoginAfter`], [`Moment::RegistrationAfterInsert`] and in settings.
    pub session: Option<&'a Session>,
    /// `serve.public.base_url`, for links and for rendering identities.
    pub public_url: &'a str,
    pub now: Timestamp,
    pub effects: &'a mut Effects,
}

/// Messages for one field of the form (or the whole form when `pointer` is empty).
#[derive(Clone, Debug, PartialEq)]
pub struct HookMessage {
    /// A JSON pointer such as `#/traits/email`.
    pub pointer: String,
    pub messages: Vec<Message>,
}

/// Why a hook stops a flow.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HookError {
    /// Shown in the form, on the fields they belong to.
    #[error("the hook refused with {} message group(s)", .0.len())]
    Messages(Vec<HookMessage>),
    /// An API error; with code 400 it is shown in the form, otherwise on the error page.
    #[error("{0}")]
    Api(Box<ApiError>),
}

impl From<ApiError> for HookError {
    fn from(error: ApiError) -> Self {
        Self::Api(Box::new(error))
    }
}

/// Code that takes part in flows.
#[async_trait]
pub trait Hook: Send + Sync {
    /// The name that `hook:` in the configuration uses.
    fn name(&self) -> &str;

    /// Whether it does anything at this moment; a hook list without any counts as empty.
    fn runs_at(&self, moment: Moment) -> bool;

    /// Does its work. An error stops the flow; at [`Moment::RegistrationAfterInsert`] and
    /// [`Moment::SettingsAfterSave`] what was saved stays.
    ///
    /// # Errors
    /// What the visitor is told.
    async fn run(&self, moment: Moment, context: &mut HookContext<'_>) -> Result<(), HookError>;
}
