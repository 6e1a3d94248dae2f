//! What the rules say, in a few lists and without a database.

use super::Account;
use bia_model::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

pub(crate) const LIFESPAN: Duration = Duration::from_secs(24 * 60 * 60);
/// A session can be extended only within this time before its end.
pub(crate) const LAST_HOURS: Duration = Duration::from_secs(6 * 60 * 60);
pub(crate) const RECHECK: Duration = Duration::from_secs(15 * 60);

#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: Uuid,
    pub(crate) email: u8,
    /// Whether the address is verified and proven.
    pub(crate) verified: bool,
    pub(crate) links: BTreeSet<Account>,
    pub(crate) active: bool,
    pub(crate) external_id: Option<u8>,
    pub(crate) gone: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) id: Uuid,
    pub(crate) token: String,
    pub(crate) owner: Uuid,
    pub(crate) account: Account,
    /// Not ended; whether it counts also depends on time and owner.
    pub(crate) flagged: bool,
    pub(crate) expires_at: Timestamp,
    pub(crate) authenticated_at: Timestamp,
    pub(crate) raised: usize,
    /// When the provider was last asked, for sessions that hold a refresh token.
    pub(crate) checked_at: Option<Timestamp>,
    pub(crate) gone: bool,
}

/// Everybody and everything there ever was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) people: Vec<Person>,
    pub(crate) sessions: Vec<Known>,
}

impl Model {
    pub(crate) fn living(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().filter(|person| !person.gone)
    }

    pub(crate) fn kept(&self) -> impl Iterator<Item = &Known> {
        self.sessions.iter().filter(|session| !session.gone)
    }

    pub(crate) fn owner_of_email(&self, email: u8) -> Option<Uuid> {
        self.living().find(|person| person.email == email).map(|person| person.id)
    }

    pub(crate) fn owner_of_account(&self, account: Account) -> Option<Uuid> {
        self.living().find(|person| person.links.contains(&account)).map(|person| person.id)
    }

    pub(crate) fn owner_of_external_id(&self, external_id: u8) -> Option<Uuid> {
        self.living().find(|person| person.external_id == Some(external_id)).map(|person| person.id)
    }

    pub(crate) fn person(&mut self, id: Uuid) -> &mut Person {
        self.people.iter_mut().find(|person| person.id == id).unwrap()
    }

    pub(crate) fn counts(&self, session: &Known, now: Timestamp) -> bool {
        let owner_is_active = self.living().any(|person| person.id == session.owner && person.active);
        !session.gone && session.flagged && now < session.expires_at && owner_is_active
    }

    /// Ends what is chosen and hasn't ended; how many.
    pub(crate) fn end(&mut self, chosen: impl Fn(&Known) -> bool) -> u64 {
        let mut ended = 0;
        for session in self.sessions.iter_mut().filter(|session| !session.gone && session.flagged) {
            if chosen(session) {
                session.flagged = false;
                ended += 1;
            }
        }
        ended
    }

    /// Removes what is chosen; how many.
    pub(crate) fn remove(&mut self, chosen: impl Fn(&Known) -> bool) -> u64 {
        let mut removed = 0;
        for session in self.sessions.iter_mut().filter(|session| !session.gone) {
            if chosen(session) {
                session.gone = true;
                removed += 1;
            }
        }
        removed
    }

    pub(crate) fn delete(&mut self, id: Uuid) {
        self.person(id).gone = true;
        self.remove(|session| session.owner == id);
    }
}

impl Known {
    pub(crate) fn extend(&mut self, now: Timestamp) {
        if now > self.expires_at - LAST_HOURS {
            self.expires_at = self.expires_at.max(now + LIFESPAN);
        }
    }

    pub(crate) fn raise(&mut self, now: Timestamp) {
        // Never asked since the sign-in: the new sign-in is as good as an answer.
        if self.checked_at == Some(self.authenticated_at) {
            self.checked_at = Some(now);
        }
        self.authenticated_at = now;
        self.raised += 1;
    }

    pub(crate) fn is_due(&self, provider: &str, now: Timestamp) -> bool {
        let waits = self.checked_at.is_some_and(|at| at < now - RECHECK);
        !self.gone && self.flagged && now < self.expires_at && self.account.provider == provider && waits
    }
}
