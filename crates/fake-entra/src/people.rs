//! The people one can sign in as, as data that other crates may use as well.

mod table;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::tenants::Tenant;

/// One account. Every identifier is fixed, so that recorded answers can carry them literally.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Short name for `login_hint`, [`crate::Control::set_persona`] and tests.
    pub key: String,
    /// What is special about this account, shown on the account page.
    pub about: String,
    pub tenant: Tenant,
    pub oid: String,
    pub name: String,
    pub given_name: String,
    pub family_name: String,
    /// `userPrincipalName` in Graph.
    pub upn: String,
    /// Where it differs from `upn`, as for guests.
    #[serde(default)]
    pub preferred_username: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
    /// "E-mail domain owner verified". `None`: the optional claim is missing from the token.
    #[serde(default)]
    pub xms_edov: Option<bool>,
    /// 0 member, 1 guest.
    #[serde(default)]
    pub acct: Option<u8>,
    /// Who authenticated a guest.
    #[serde(default)]
    pub idp: Option<String>,
    #[serde(default)]
    pub groups: Vec<Group>,
    /// App roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Directory role templates.
    #[serde(default)]
    pub wids: Vec<String>,
    #[serde(default)]
    pub amr: Vec<String>,
    #[serde(default)]
    pub acr: Option<String>,
    /// Optional claims that this account's tokens carry besides the above.
    #[serde(default)]
    pub more_claims: Map<String, Value>,
    /// Graph fields beyond names and addresses, such as `jobTitle`.
    #[serde(default)]
    pub profile: Map<String, Value>,
    /// Left the company: no sign-in, and refresh tokens end.
    #[serde(default)]
    pub disabled: bool,
}

/// A membership as `/me/memberOf` lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    pub id: String,
    pub display_name: String,
    #[serde(default)]
    pub kind: GroupKind,
    /// Reached through another group: only `transitiveMemberOf` and tokens name it.
    #[serde(default)]
    pub nested: bool,
    /// `DOMAIN\name` of a synced group; tokens carry it in place of the id.
    #[serde(default)]
    pub on_premises_name: Option<String>,
}

/// The `@odata.type` of a membership.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    #[default]
    Group,
    DirectoryRole,
    AdministrativeUnit,
}

impl GroupKind {
    pub(crate) fn odata_type(self) -> &'static str {
        match self {
            GroupKind::Group => "#microsoft.graph.group",
            GroupKind::DirectoryRole => "#microsoft.graph.directoryRole",
            GroupKind::AdministrativeUnit => "#microsoft.graph.administrativeUnit",
        }
    }
}

impl Person {
    /// True for a Microsoft account of the consumer tenant.
    pub fn is_personal(&self) -> bool {
        self.tenant == Tenant::Consumers
    }

    /// The opaque value of the `login_hint` claim, which comes back as `login_hint` and `logout_hint`.
    pub fn login_hint(&self) -> String {
        format!("O.{}", crate::jwt::encode(self.oid.as_bytes()))
    }

    /// A stable number for the providers that count their accounts.
    pub fn number(&self) -> u64 {
        let digest = ring::digest::digest(&ring::digest::SHA256, self.oid.as_bytes());
        let mut bytes = [0; 8];
        bytes[4..].copy_from_slice(&digest.as_ref()[..4]);
        u64::from_be_bytes(bytes)
    }

    /// Whether a hint (key, address, or the opaque `login_hint`) means this person.
    pub(crate) fn answers_to(&self, hint: &str) -> bool {
        self.key == hint
            || self.upn.eq_ignore_ascii_case(hint)
            || self.preferred_username.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(hint))
            || self.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(hint))
            || self.login_hint() == hint
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Person").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Everybody on the account page, in its order.
pub fn people() -> &'static [Person] {
    static PEOPLE: LazyLock<Vec<Person>> = LazyLock::new(table::people);
    &PEOPLE
}

/// A person by key; any `load-…` name is a person of her own, always the same.
pub fn find_person(key: &str) -> Option<Person> {
    people().iter().find(|person| person.key == key).cloned().or_else(|| load_person(key))
}

/// People for load runs: made on first sight, left out of the account page.
pub(crate) fn load_person(key: &str) -> Option<Person> {
    let rest = key.strip_prefix("load-")?;
    let fits = !rest.is_empty() && rest.len() <= 64;
    if !fits || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        return None;
    }
    Some(table::load_person(key))
}
