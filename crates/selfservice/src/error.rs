//! What can stop a flow, and how each becomes a form message, an error page or a new flow (contract §9.4).

use bia_hooks::{HookError, HookMessage};
use bia_identity::SchemasError;
use bia_identity::identities::PrepareError;
use bia_model::error::{Refusal, id};
use bia_model::identity_schema::TraitError;
use bia_model::message::id as message_id;
use bia_model::{ApiError, Flow, Message};
use bia_store::StoreError;

/// Why a flow can't go on.
#[derive(Debug)]
pub(crate) enum FlowError {
    /// An API error: 400 is shown in the form, anything else on the error page.
    Api(Box<ApiError>),
    /// Refused traits, each shown at its field.
    Traits(Vec<TraitError>),
    /// Messages from a hook, each at its field.
    Hook(Vec<HookMessage>),
    /// A message for the whole form.
    Form(Box<Message>),
    /// The flow's time is over; a new one takes its place.
    Expired,
    /// The session is too old for what was asked; the person has to sign in again.
    NeedsPrivilegedSession,
    /// Somebody else changed the same account in this moment.
    Stale,
}

impl FlowError {
    /// The status of a JSON answer that shows the flow (Kratos: `RecoverStatusCode`, default 400).
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Api(error) => error.code,
            Self::Stale => 409,
            _ => 400,
        }
    }

    /// The step that refused, and what the provider said about it.
    pub(crate) fn refusal(&self) -> Refusal {
        let step = match self {
            Self::Api(error) => match &error.refusal {
                Some(refusal) => return Refusal::clone(refusal),
                None if error.id.as_deref() == Some(id::IDENTITY_DISABLED) => "disabled",
                None if error.code == 503 => "database",
                None if error.code >= 500 => "server",
                None => "request",
            },
            Self::Traits(_) => "traits",
            Self::Hook(_) => "hook",
            Self::Form(message) => match message.id {
                message_id::DUPLICATE => "address_taken",
                message_id::LINKED_MISMATCH => "link_mismatch",
                _ => "form",
            },
            Self::Expired => "flow",
            Self::NeedsPrivilegedSession => "old_session",
            Self::Stale => "request",
        };
        Refusal { step, ..Refusal::default() }
    }

    pub(crate) fn message(message: Message) -> Self {
        Self::Form(Box::new(message))
    }

    /// Puts the error into the form.
    ///
    /// # Errors
    /// The API error when it can't be shown there.
    pub(crate) fn show(self, flow: &mut Flow) -> Result<(), Box<ApiError>> {
        match self {
            Self::Api(error) if error.id.as_deref() == Some(id::IDENTITY_DISABLED) => {
                flow.ui.messages.push(Message::identity_disabled());
            }
            Self::Api(error) if error.code == 400 => {
                flow.ui.messages.push(Message::generic(error.reason.as_deref().unwrap_or_default()));
            }
            Self::Api(error) => return Err(error),
            Self::Traits(errors) => flow.ui.apply_errors(&errors),
            Self::Hook(messages) => flow.ui.apply_errors(&at_fields(messages)),
            Self::Form(message) => flow.ui.messages.push(*message),
            Self::Stale => return Err(Box::new(changed_meanwhile())),
            Self::Expired | Self::NeedsPrivilegedSession => {
                return Err(Box::new(ApiError::internal("The flow can not be continued.")));
            }
        }
        Ok(())
    }
}

/// A hook's messages as the form takes them: one entry a message, at the node its pointer names.
fn at_fields(messages: Vec<HookMessage>) -> Vec<TraitError> {
    let mut out = Vec::new();
    for group in messages {
        for message in group.messages {
            out.push(TraitError::new(&group.pointer, message));
        }
    }
    out
}

impl From<ApiError> for FlowError {
    fn from(error: ApiError) -> Self {
        Self::Api(Box::new(error))
    }
}

impl From<StoreError> for FlowError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stale { .. } | StoreError::Collision => Self::Stale,
            error => Self::from(store_error(&error)),
        }
    }
}

impl From<SchemasError> for FlowError {
    fn from(error: SchemasError) -> Self {
        tracing::error!(%error, "identity schema can't be used");
        Self::from(ApiError::invalid_configuration(
            "The identity schema can not be used. Please report this to the system administrator.",
        ))
    }
}

impl From<PrepareError> for FlowError {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Traits(errors) => Self::Traits(errors),
            PrepareError::Schema(error) => Self::from(error),
        }
    }
}

impl From<HookError> for FlowError {
    fn from(error: HookError) -> Self {
        match error {
            HookError::Messages(messages) => Self::Hook(messages),
            HookError::Api(error) => Self::from(error.at_step("hook")),
        }
    }
}

/// What a client is told about a database failure; the log has the rest.
pub fn store_error(error: &StoreError) -> ApiError {
    match error {
        StoreError::NotFound { .. } => ApiError::no_such_row(),
        StoreError::Conflict { .. } => ApiError::new(409)
            .with_message("Unable to insert or update resource because a resource with that value exists already"),
        StoreError::Stale { .. } | StoreError::Collision => changed_meanwhile(),
        _ => {
            tracing::error!(%error, "the database did not answer as expected");
            ApiError::new(503).with_reason("The database is not available right now. Please try again.")
        }
    }
}

fn changed_meanwhile() -> ApiError {
    ApiError::conflict("This account was changed at the same moment, perhaps in another tab. Please try again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_counted_by_the_step_nearest_to_its_cause() {
        let step = |error: FlowError| error.refusal().step;
        assert_eq!(step(ApiError::new(503).at_step("mapper").at_step("hook").into()), "mapper");
        assert_eq!(step(ApiError::new(503).into()), "database");
        assert_eq!(step(ApiError::new(500).into()), "server");
        assert_eq!(step(ApiError::bad_request("x").with_id(id::IDENTITY_DISABLED).into()), "disabled");
        assert_eq!(step(FlowError::Traits(Vec::new())), "traits");
        assert_eq!(step(FlowError::message(Message::duplicate_credentials())), "address_taken");
        assert_eq!(step(FlowError::message(Message::linked_credentials_mismatch())), "link_mismatch");
    }
}
