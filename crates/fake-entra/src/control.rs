//! Steering a running stand-in from the same process.

use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::access_log::{Call, Endpoint};
use crate::claims::TokenVersion;
use crate::clients::Client;
use crate::faults::{Fault, IdTokenFault};
use crate::issue::{self, Grant};
use crate::party::{Party, PartyKind};
use crate::people::Person;
use crate::plain;
use crate::state::{Settings, Shared};

/// The steering handle. Every setting counts from the next request on.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
    base_url: String,
}

/// An ID token outside any flow, as a native SDK would hold it.
#[derive(Clone, Debug, Default)]
pub struct Mint {
    /// Key, address or hint of the person.
    pub person: String,
    pub client_id: String,
    pub nonce: Option<String>,
    /// Name of a plain provider; `None`: Entra v2.
    pub plain_provider: Option<String>,
    /// Empty: `openid profile email`.
    pub scopes: Vec<String>,
    pub fault: Option<IdTokenFault>,
    /// Issuing host; empty: [`crate::FakeEntra::base_url`].
    pub base_url: String,
}

impl Control {
    pub(crate) fn new(shared: Arc<Shared>, base_url: String) -> Control {
        Control { shared, base_url }
    }

    fn settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.lock().settings);
    }

    /// Everything as after the start, save for the signing keys.
    pub fn reset(&self) {
        self.shared.lock().reset(&self.shared.options);
    }

    /// Who sits at every browser and picks themselves. `None`: the account page asks, unless `login_hint` does.
    pub fn set_persona(&self, key: Option<&str>) {
        self.settings(|settings| settings.persona = key.map(str::to_owned));
    }

    /// Claims laid over every ID token from now on; replaces the overlay before.
    pub fn overlay_claims(&self, claims: Map<String, Value>) {
        self.settings(|settings| settings.claims = claims);
    }

    /// Claims left out of every ID token from now on.
    pub fn drop_claims(&self, names: &[&str]) {
        self.settings(|settings| settings.drop = names.iter().map(|name| (*name).to_owned()).collect());
    }

    /// Members laid over every userinfo answer.
    pub fn overlay_userinfo(&self, members: Map<String, Value>) {
        self.settings(|settings| settings.userinfo = members);
    }

    /// Members laid over every `/v1.0/me`.
    pub fn overlay_graph(&self, members: Map<String, Value>) {
        self.settings(|settings| settings.graph = members);
    }

    /// Plans a misbehaviour, behind those already planned.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.lock().faults.push(fault);
    }

    /// Behaves again.
    pub fn clear_faults(&self) {
        self.shared.lock().faults.clear();
    }

    /// Signs with a new key; the one before stays published.
    pub fn rotate_keys(&self) {
        self.shared.lock().keys.rotate();
    }

    /// Publishes the signing key alone.
    pub fn drop_old_keys(&self) {
        self.shared.lock().keys.drop_old();
    }

    /// Whether key sets name the signing key behind the others, as no order is promised. Off by default.
    pub fn publish_signing_key_last(&self, last: bool) {
        self.shared.lock().keys.put_signing_last(last);
    }

    /// Published kids, the signing one first.
    pub fn key_ids(&self) -> Vec<String> {
        self.shared.lock().keys.kids()
    }

    /// Lets foreigners in at a tenant's own address, as a host that is not Entra might.
    pub fn allow_any_tenant(&self, allow: bool) {
        self.settings(|settings| settings.any_tenant = allow);
    }

    /// Exactly these redirect URIs for every application; `None`: each application's own rule.
    pub fn set_redirect_uris(&self, uris: Option<Vec<String>>) {
        self.settings(|settings| settings.redirect_uris = uris);
    }

    /// Registers an application, or replaces the one of that id.
    pub fn put_client(&self, client: Client) {
        self.shared.lock().clients.insert(client.id.clone(), client);
    }

    /// A copy of a registration, to change and put back.
    pub fn client(&self, id: &str) -> Option<Client> {
        self.shared.lock().clients.get(id).cloned()
    }

    /// Seconds that an ID token lives.
    pub fn set_token_lifetime(&self, seconds: i64) {
        self.settings(|settings| settings.lifetime = seconds);
    }

    /// Groups beyond which a token only points at them. Entra: 200.
    pub fn set_group_limit(&self, limit: usize) {
        self.settings(|settings| settings.group_limit = limit);
    }

    /// Graph answers `insufficient_claims` until a sign-in satisfied this authentication context.
    pub fn require_graph_context(&self, context: Option<&str>) {
        self.settings(|settings| settings.graph_context = context.map(str::to_owned));
    }

    /// Graph wants `User.Read`, as the real one does. Off by default.
    pub fn enforce_graph_scopes(&self, enforce: bool) {
        self.settings(|settings| settings.enforce_graph_scopes = enforce);
    }

    /// Whether contexts that are asked for show up in `acrs`. On by default.
    pub fn grant_step_up(&self, grant: bool) {
        self.settings(|settings| settings.step_up = grant);
    }

    /// The person of that key, address or hint, as they are now.
    pub fn person(&self, hint: &str) -> Option<Person> {
        self.shared.lock().person(hint).map(|person| Person::clone(&person))
    }

    /// Adds a person or replaces the one of that key; counts for refreshes of older sign-ins, too.
    pub fn put_person(&self, person: Person) {
        self.shared.lock().put_person(person);
    }

    /// The account is disabled: no sign-in, and refreshes end in `invalid_grant`.
    pub fn disable_person(&self, key: &str) {
        if let Some(mut person) = self.person(key) {
            person.disabled = true;
            self.put_person(person);
        }
    }

    /// Ends the refresh tokens given so far, as a password reset does.
    pub fn revoke_refresh_tokens(&self, key: &str) {
        self.shared.lock().revoke(key);
    }

    /// What Entra's sign-out would open in frames: front-channel logout addresses with `sid`.
    pub fn front_channel_logouts(&self, key: &str) -> Vec<String> {
        self.shared.lock().front_channel_logouts(key)
    }

    /// Stops the clock at this second since 1970; `None` follows the system again.
    pub fn set_clock(&self, standing_at: Option<i64>) {
        let mut state = self.shared.lock();
        state.clock.standing_at = standing_at;
        state.clock.offset = 0;
    }

    /// Moves the clock, standing or not.
    pub fn advance_clock(&self, seconds: i64) {
        self.shared.lock().clock.offset += seconds;
    }

    /// Every call so far, at most 20,000.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.lock().log.clone()
    }

    /// How often an endpoint was called.
    pub fn count(&self, endpoint: Endpoint) -> usize {
        self.shared.lock().log.iter().filter(|call| call.endpoint == endpoint).count()
    }

    /// Forgets the calls so far.
    pub fn clear_log(&self) {
        self.shared.lock().log.clear();
    }

    /// An ID token without a flow. `None`: no such person or provider.
    pub fn mint_id_token(&self, mint: &Mint) -> Option<String> {
        let person = self.shared.lock().person(&mint.person)?;
        let kind = match &mint.plain_provider {
            None => PartyKind::Entra(TokenVersion::V2),
            Some(name) => PartyKind::Plain(plain::find(name)?),
        };
        let base = if mint.base_url.is_empty() { self.base_url.clone() } else { mint.base_url.clone() };
        let default_scopes = || ["openid", "profile", "email"].map(str::to_owned).to_vec();
        let grant = Grant {
            party: Party { kind, base },
            client: mint.client_id.clone(),
            person,
            scopes: if mint.scopes.is_empty() { default_scopes() } else { mint.scopes.clone() },
            nonce: mint.nonce.clone(),
            acrs: Vec::new(),
            auth_time: None,
            sid: Uuid::new_v4().to_string(),
            refreshable: false,
        };
        Some(issue::id_token(&self.shared, &grant, "", mint.fault.as_ref()))
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Control").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
