//! Handlers of the admin port. Who may reach it may do everything: it has no authentication, as in Kratos.

pub(crate) mod identities;
pub(crate) mod identity_json;
pub(crate) mod sessions;
pub(crate) mod test_login;

use crate::call::Call;
use bia_identity::admin::Admin;
use uuid::Uuid;

impl Call {
    pub(crate) fn admin(&self) -> Admin<'_> {
        Admin { store: &self.deps().store, schemas: &self.deps().schemas, now: self.now }
    }

    /// `{id}`, if it is a UUID.
    pub(crate) fn id(&self) -> Option<Uuid> {
        Uuid::parse_str(self.param("id")).ok()
    }
}
