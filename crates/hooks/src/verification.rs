//! Kratos' hooks about mail. Bia sends none, so they are accepted, stand in their list, and do nothing.

use async_trait::async_trait;

use crate::context::{Hook, HookContext, HookError, Moment};

/// Names of the hooks that would send mail or lead to a page about it.
pub(crate) const NAMES: [&str; 4] =
    ["verification", "show_verification_ui", "verify_new_address", "notify_previous_addresses"];

/// A hook that Kratos would run here. It counts when a list is checked for being empty, as it does in Kratos.
pub(crate) struct Mail(pub(crate) &'static str);

#[async_trait]
impl Hook for Mail {
    fn name(&self) -> &str {
        self.0
    }

    fn runs_at(&self, moment: Moment) -> bool {
        match self.0 {
            "verify_new_address" => moment == Moment::SettingsBeforeSave,
            "notify_previous_addresses" => moment == Moment::SettingsAfterSave,
            _ => matches!(moment, Moment::LoginAfter | Moment::RegistrationAfterInsert | Moment::SettingsAfterSave),
        }
    }

    async fn run(&self, _: Moment, _: &mut HookContext<'_>) -> Result<(), HookError> {
        Ok(())
    }
}
