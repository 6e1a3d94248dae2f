//! Everything the stand-in remembers, behind one lock that is held for moments only (never while signing).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use url::Url;

use crate::access_log::Call;
use crate::bounded::Bounded;
use crate::clients::Client;
use crate::clock::Clock;
use crate::faults::Fault;
use crate::issue::{Code, Grant};
use crate::keys::KeyRing;
use crate::options::Options;
use crate::people::{self, Person};
use crate::tenants::{Tenant, tenant_id};

const CALLS_MAX: usize = 20_000;
const PEOPLE_MAX: usize = 10_000;

pub(crate) struct Shared {
    pub(crate) options: Options,
    state: Mutex<State>,
}

/// What [`crate::Control`] sets and `reset` puts back.
pub(crate) struct Settings {
    pub(crate) persona: Option<String>,
    pub(crate) claims: Map<String, Value>,
    pub(crate) drop: Vec<String>,
    pub(crate) userinfo: Map<String, Value>,
    pub(crate) graph: Map<String, Value>,
    pub(crate) redirect_uris: Option<Vec<String>>,
    pub(crate) lifetime: i64,
    pub(crate) any_tenant: bool,
    pub(crate) group_limit: usize,
    pub(crate) graph_context: Option<String>,
    pub(crate) enforce_graph_scopes: bool,
    pub(crate) step_up: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            persona: None,
            claims: Map::new(),
            drop: Vec::new(),
            userinfo: Map::new(),
            graph: Map::new(),
            redirect_uris: None,
            lifetime: 3600,
            any_tenant: false,
            group_limit: 200,
            graph_context: None,
            enforce_graph_scopes: false,
            step_up: true,
        }
    }
}

pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) faults: Vec<Fault>,
    pub(crate) clients: HashMap<String, Client>,
    people: Vec<Arc<Person>>,
    pub(crate) keys: KeyRing,
    pub(crate) clock: Clock,
    pub(crate) codes: Bounded<Code>,
    pub(crate) refresh_tokens: Bounded<Grant>,
    pub(crate) access_tokens: Bounded<Grant>,
    /// By `sid`.
    pub(crate) sessions: Bounded<Grant>,
    /// `sid` of sessions whose refresh tokens ended.
    pub(crate) revoked: Bounded<()>,
    pub(crate) log: Vec<Call>,
    /// ID tokens given again under load: text and the second until which.
    pub(crate) reusable: Bounded<(String, i64)>,
}

impl State {
    fn new(options: &Options) -> State {
        State {
            settings: Settings::default(),
            faults: Vec::new(),
            clients: options.clients.iter().map(|client| (client.id.clone(), client.clone())).collect(),
            people: people::people().iter().cloned().map(Arc::new).collect(),
            keys: KeyRing::new(),
            clock: Clock::default(),
            codes: Bounded::new(100_000),
            refresh_tokens: Bounded::new(50_000),
            access_tokens: Bounded::new(50_000),
            sessions: Bounded::new(50_000),
            revoked: Bounded::new(50_000),
            log: Vec::new(),
            reusable: Bounded::new(10_000),
        }
    }

    /// As after the start, save for the keys: a relying party may have cached those.
    pub(crate) fn reset(&mut self, options: &Options) {
        let keys = self.keys.clone();
        *self = State { keys, ..State::new(options) };
    }

    pub(crate) fn people(&self) -> &[Arc<Person>] {
        &self.people
    }

    /// The person of that key, address or hint.
    pub(crate) fn person(&self, hint: &str) -> Option<Arc<Person>> {
        let by_key = self.people.iter().find(|person| person.key == hint);
        by_key
            .or_else(|| self.people.iter().find(|person| person.answers_to(hint)))
            .cloned()
            .or_else(|| people::load_person(hint).map(Arc::new))
    }

    /// Adds a person, or replaces the one of that key.
    pub(crate) fn put_person(&mut self, person: Person) {
        let person = Arc::new(person);
        match self.people.iter().position(|known| known.key == person.key) {
            Some(index) => self.people[index] = person,
            None if self.people.len() < PEOPLE_MAX => self.people.push(person),
            None => {}
        }
    }

    /// Ends the refresh tokens of everything this person signed in to, as a password reset does.
    pub(crate) fn revoke(&mut self, key: &str) {
        for grant in self.sessions.values().filter(|grant| grant.person.key == key) {
            self.revoked.insert(grant.sid.clone(), ());
        }
    }

    pub(crate) fn is_revoked(&self, grant: &Grant) -> bool {
        self.revoked.get(&grant.sid).is_some()
    }

    /// Addresses that Entra's sign-out page opens in frames: one per session at an application that registered one.
    /// With `sid` and, as at Entra, without `iss`.
    pub(crate) fn front_channel_logouts(&self, key: &str) -> Vec<String> {
        let sessions = self.sessions.values().filter(|grant| grant.person.key == key && grant.party.is_entra());
        let mut addresses: Vec<String> = sessions
            .filter_map(|grant| {
                let uri = self.clients.get(&grant.client)?.front_channel_logout_uri.as_deref()?;
                let mut url = Url::parse(uri).ok()?;
                url.query_pairs_mut().append_pair("sid", &grant.sid);
                Some(url.to_string())
            })
            .collect();
        addresses.sort();
        addresses
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }
}

impl Shared {
    pub(crate) fn new(options: Options) -> Shared {
        let state = Mutex::new(State::new(&options));
        Shared { options, state }
    }

    /// A panic elsewhere must not silence the stand-in for the rest of a test run.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> i64 {
        self.lock().now()
    }

    pub(crate) fn tenant_id(&self, tenant: Tenant) -> &str {
        tenant_id(tenant, &self.options.contoso_tenant_id)
    }

    pub(crate) fn remember(&self, call: Call) {
        let mut state = self.lock();
        if self.options.keep_log && state.log.len() < CALLS_MAX {
            state.log.push(call);
        }
    }
}
