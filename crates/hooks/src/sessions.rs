//! `session` and `revoke_active_sessions`: both only ask, the flow does it in its own transaction.

use async_trait::async_trait;

use crate::context::{Hook, HookContext, HookError, Moment};

/// Gives a newly registered person a session.
pub(crate) struct Session;

#[async_trait]
impl Hook for Session {
    fn name(&self) -> &str {
        "session"
    }

    /// Kratos: listed under login it is passed over, because a login always issues a session.
    fn runs_at(&self, moment: Moment) -> bool {
        moment == Moment::RegistrationAfterInsert
    }

    async fn run(&self, _: Moment, context: &mut HookContext<'_>) -> Result<(), HookError> {
        context.effects.issue_session = true;
        Ok(())
    }
}

/// Ends every other session of the person who signed in or changed their settings.
pub(crate) struct RevokeActiveSessions;

#[async_trait]
impl Hook for RevokeActiveSessions {
    fn name(&self) -> &str {
        "revoke_active_sessions"
    }

    fn runs_at(&self, moment: Moment) -> bool {
        matches!(moment, Moment::LoginAfter | Moment::SettingsAfterSave)
    }

    async fn run(&self, _: Moment, context: &mut HookContext<'_>) -> Result<(), HookError> {
        context.effects.revoke_other_sessions = true;
        Ok(())
    }
}
