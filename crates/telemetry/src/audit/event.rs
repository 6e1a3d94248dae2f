//! What is recorded, and the fields of a line.

use super::sink;
use crate::request;
use serde_json::{Map, Value};
use std::fmt::Display;

macro_rules! events {
    ($($variant:ident => $name:literal, $sentence:literal;)+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Event {
            $(#[doc = $sentence] $variant,)+
        }

        impl Event {
            /// Every event there is.
            pub const ALL: &'static [Event] = &[$(Event::$variant,)+];

            /// The word in the field `event`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The same for people, in the log.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }
        }
    };
}

events! {
    SignIn => "sign_in", "somebody signed in";
    SignUp => "sign_up", "somebody signed in for the first time and became an identity";
    Link => "link", "a provider's account was linked to an identity";
    Unlink => "unlink", "a provider's account was unlinked from an identity";
    Refusal => "refusal", "a sign-in, sign-up or link was refused";
    Logout => "logout", "somebody signed out";
    SessionsRevoked => "sessions_revoked", "sessions were ended";
    SettingsChanged => "settings_changed", "somebody changed their own profile";
    HomeRealm => "moved_to_home_realm", "a sign-in with an organisation's address goes on at the organisation's connection";
    SubjectMigrated => "subject_migrated", "a link was rewritten to the new subject";
    SubjectRestored => "subject_migration_rolled_back", "a link has its old subject again";
    IdentityCreated => "identity_created", "the admin API created an identity";
    IdentityUpdated => "identity_updated", "the admin API changed an identity";
    IdentityDeleted => "identity_deleted", "the admin API deleted an identity and its sessions";
    CredentialDeleted => "credential_deleted", "the admin API removed a credential";
    SessionExtended => "session_extended", "the admin API extended a session";
}

macro_rules! fields {
    ($($name:ident),+ $(,)?) => {
        /// The fields of a line after `time` and `event`, in their order.
        pub const FIELDS: &[&str] = &[$(stringify!($name),)+];

        /// A line in the making; nothing is written before [`Entry::record`].
        #[must_use = "nothing is recorded before record()"]
        #[derive(Clone, Debug)]
        pub struct Entry {
            event: Event,
            count: Option<u64>,
            $($name: Option<String>,)+
        }

        /// Begins a line.
        pub fn event(event: Event) -> Entry {
            Entry { event, count: None, $($name: None,)+ }
        }

        impl Entry {
            fn write(&self) {
                tracing::info!(
                    target: "bia::audit",
                    event = self.event.name(),
                    $($name = self.$name,)+
                    count = self.count,
                    "{}", self.event.sentence()
                );
            }

            fn object(&self) -> Map<String, Value> {
                let mut object = Map::new();
                $(if let Some(value) = &self.$name {
                    object.insert(stringify!($name).to_owned(), value.as_str().into());
                })+
                if let Some(count) = self.count {
                    object.insert("count".to_owned(), count.into());
                }
                object
            }
        }
    };
}

fields! {
    actor, flow, provider, tenant_id, identity_id, session_id, reason, oauth_error, aadsts, method, to_provider,
    request_id, ip_address, user_agent, email,
}

/// Begins the line about sessions that ended before their time, and counts them. None is no news: nothing is recorded.
pub fn sessions_ended(reason: &'static str, count: u64) -> Entry {
    metrics::counter!("bia_sessions_revoked_total", "reason" => reason).increment(count);
    event(Event::SessionsRevoked).reason(reason).count(count)
}

/// Longer values are cut: some come from outside.
const VALUE_CHARS_MAX: usize = 256;

fn cut(value: impl Display) -> String {
    value.to_string().chars().take(VALUE_CHARS_MAX).collect()
}

impl Entry {
    /// Who did it: `person`, `admin`, `provider` or `bia` itself.
    pub fn actor(mut self, actor: &'static str) -> Self {
        self.actor = Some(actor.to_owned());
        self
    }

    /// The kind of flow: `login`, `registration` or `settings`.
    pub fn flow(mut self, kind: &'static str) -> Self {
        self.flow = Some(kind.to_owned());
        self
    }

    /// The id of a configured provider.
    pub fn provider(mut self, id: &str) -> Self {
        self.provider = Some(cut(id));
        self
    }

    /// Entra's tenant of the account, as verified.
    pub fn tenant(mut self, id: Option<impl Display>) -> Self {
        self.tenant_id = id.map(cut);
        self
    }

    /// Whom it is about.
    pub fn identity(mut self, id: impl Display) -> Self {
        self.identity_id = Some(cut(id));
        self
    }

    /// The session that began, ended or was used.
    pub fn session(mut self, id: impl Display) -> Self {
        self.session_id = Some(cut(id));
        self
    }

    /// Why, in one word of a fixed list.
    pub fn reason(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// The provider's own words for a refusal, reduced to codes.
    pub fn said(mut self, oauth_error: Option<&str>, aadsts: Option<&str>) -> Self {
        let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(cut);
        (self.oauth_error, self.aadsts) = (given(oauth_error), given(aadsts));
        self
    }

    /// How it was done, in one word of a fixed list.
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(cut(method));
        self
    }

    /// The connection where the sign-in goes on.
    pub fn to_provider(mut self, id: &str) -> Self {
        self.to_provider = Some(cut(id));
        self
    }

    /// How many sessions.
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// The e-mail address of the account. Personal data: left out unless the operator asked for it.
    pub fn email(mut self, email: &str) -> Self {
        self.email = Some(email).filter(|email| !email.is_empty()).map(cut);
        self
    }

    /// Writes it, or hands it to the writer; never waits.
    pub fn record(mut self) {
        if self.event == Event::SessionsRevoked && self.count == Some(0) {
            return;
        }
        let request = request::current();
        self.request_id = request.as_ref().map(|request| request.id.clone());
        metrics::counter!("bia_audit_events_total", "event" => self.event.name()).increment(1);
        sink::with(|sink| {
            if sink.personal_data {
                self.ip_address = request.as_ref().and_then(|request| request.ip_address.as_deref().map(cut));
                self.user_agent = request.as_ref().and_then(|request| request.user_agent.as_deref().map(cut));
            } else {
                self.email = None;
            }
            match &sink.writer {
                Some(writer) => writer.line(self.line(time::OffsetDateTime::now_utc())),
                None => self.write(),
            }
        });
    }

    fn line(&self, now: time::OffsetDateTime) -> String {
        let time = now.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
        let mut object = Map::new();
        object.insert("time".to_owned(), time.into());
        object.insert("event".to_owned(), self.event.name().into());
        object.append(&mut self.object());
        let mut line = Value::Object(object).to_string();
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object_in_the_order_of_the_table() {
        let line = event(Event::Refusal)
            .provider("micro\nsoft")
            .reason("denied")
            .said(Some("access_denied"), None)
            .count(2)
            .line(time::OffsetDateTime::UNIX_EPOCH);
        assert_eq!(
            line,
            "{\"time\":\"1970-01-01T00:00:00Z\",\"event\":\"refusal\",\"provider\":\"micro\\nsoft\",\"reason\":\"denied\",\"oauth_error\":\"access_denied\",\"count\":2}\n"
        );
    }

    #[test]
    fn a_value_from_outside_is_cut() {
        let line = event(Event::SignIn).provider(&"x".repeat(10_000)).line(time::OffsetDateTime::UNIX_EPOCH);
        assert!(line.len() < 400, "{}", line.len());
    }
}
