//! The same steering over HTTP for programs in other languages, behind [`crate::Options::control_api`].
//!
//! `POST /_control` takes an [`Order`]; `GET /_control/log` and `/_control/state` read; `POST /_control/idtoken` mints.

use std::collections::HashMap;

use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::claims::TokenVersion;
use crate::clients::Client;
use crate::faults::{Fault, IdTokenFault};
use crate::issue::{self, Grant};
use crate::party::{Party, PartyKind};
use crate::people::Person;
use crate::state::{Shared, State};
use crate::{plain, reply};

/// Members that are absent change nothing; `null` for `persona`, `redirectUris` and `graphContext` clears.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Order {
    reset: bool,
    clear_log: bool,
    rotate_key: bool,
    drop_old_keys: bool,
    faults: Option<Vec<Fault>>,
    add_faults: Vec<Fault>,
    #[serde(deserialize_with = "present")]
    persona: Option<Option<String>>,
    claims: Option<Map<String, Value>>,
    drop: Option<Vec<String>>,
    userinfo: Option<Map<String, Value>>,
    graph: Option<Map<String, Value>>,
    #[serde(deserialize_with = "present")]
    redirect_uris: Option<Option<Vec<String>>>,
    #[serde(deserialize_with = "present")]
    graph_context: Option<Option<String>>,
    lifetime: Option<i64>,
    any_tenant: Option<bool>,
    group_limit: Option<usize>,
    enforce_graph_scopes: Option<bool>,
    step_up: Option<bool>,
    clients: HashMap<String, Map<String, Value>>,
    people: Vec<Person>,
    revoke: Vec<String>,
    advance_clock: i64,
}

/// Tells `null` from absent.
fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

pub(crate) fn answer(shared: &Shared, rest: &str, body: &[u8]) -> Response {
    match rest {
        "log" => reply::json(200, &json!(shared.lock().log)),
        "state" => state(shared),
        "idtoken" => mint(shared, body),
        "" => {
            let body = if body.is_empty() { b"{}" } else { body };
            match serde_json::from_slice(body).map_err(|error| error.to_string()).and_then(|order| obey(shared, order))
            {
                Ok(()) => reply::json(200, &json!({ "ok": true, "keys": shared.lock().keys.kids() })),
                Err(reason) => refuse(&reason),
            }
        }
        _ => reply::not_found(),
    }
}

fn refuse(reason: &str) -> Response {
    reply::json(400, &json!({ "error": reason }))
}

fn state(shared: &Shared) -> Response {
    let state = shared.lock();
    let settings = &state.settings;
    let people: Vec<&Person> = state.people().iter().map(|person| &**person).collect();
    let mut clients: Vec<&String> = state.clients.keys().collect();
    clients.sort();
    reply::json(
        200,
        &json!({
            "keys": state.keys.kids(), "persona": settings.persona, "claims": settings.claims, "drop": settings.drop,
            "lifetime": settings.lifetime, "anyTenant": settings.any_tenant, "faults": state.faults.len(),
            "clients": clients, "people": people,
        }),
    )
}

fn obey(shared: &Shared, order: Order) -> Result<(), String> {
    let mut state = shared.lock();
    // Checked before anything changes, so that a bad order changes nothing.
    let known = if order.reset { HashMap::new() } else { state.clients.clone() };
    let clients = order
        .clients
        .into_iter()
        .map(|(id, changes)| changed_client(shared, &known, &id, changes))
        .collect::<Result<Vec<_>, _>>()?;
    if order.reset {
        state.reset(&shared.options);
    }
    if order.clear_log {
        state.log.clear();
    }
    if order.rotate_key {
        state.keys.rotate();
    }
    if order.drop_old_keys {
        state.keys.drop_old();
    }
    if let Some(faults) = order.faults {
        state.faults = faults;
    }
    state.faults.extend(order.add_faults);
    for client in clients {
        state.clients.insert(client.id.clone(), client);
    }
    for person in order.people {
        state.put_person(person);
    }
    for key in &order.revoke {
        state.revoke(key);
    }
    state.clock.offset += order.advance_clock;
    let State { settings, .. } = &mut *state;
    set(&mut settings.persona, order.persona);
    set(&mut settings.claims, order.claims);
    set(&mut settings.drop, order.drop);
    set(&mut settings.userinfo, order.userinfo);
    set(&mut settings.graph, order.graph);
    set(&mut settings.redirect_uris, order.redirect_uris);
    set(&mut settings.graph_context, order.graph_context);
    set(&mut settings.lifetime, order.lifetime);
    set(&mut settings.any_tenant, order.any_tenant);
    set(&mut settings.group_limit, order.group_limit);
    set(&mut settings.enforce_graph_scopes, order.enforce_graph_scopes);
    set(&mut settings.step_up, order.step_up);
    Ok(())
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

/// The registration as it is, with the members that the order names.
fn changed_client(
    shared: &Shared,
    known: &HashMap<String, Client>,
    id: &str,
    changes: Map<String, Value>,
) -> Result<Client, String> {
    let initial = || shared.options.clients.iter().find(|client| client.id == id).cloned();
    let client = known.get(id).cloned().or_else(initial).unwrap_or_default();
    let mut members = match serde_json::to_value(client) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    members.extend(changes);
    members.insert("id".into(), id.into());
    serde_json::from_value(Value::Object(members)).map_err(|error| format!("client {id}: {error}"))
}

#[derive(Deserialize)]
struct MintOrder {
    persona: String,
    client: String,
    nonce: Option<String>,
    op: Option<String>,
    scope: Option<Vec<String>>,
    fault: Option<IdTokenFault>,
    /// Issuing host; by default the one configured, otherwise loopback's own name is unknown here.
    base: Option<String>,
}

/// A whole token answer outside any flow.
fn mint(shared: &Shared, body: &[u8]) -> Response {
    let order: MintOrder = match serde_json::from_slice(body) {
        Ok(order) => order,
        Err(error) => return refuse(&error.to_string()),
    };
    let kind = match order.op.as_deref().map(plain::find) {
        None => PartyKind::Entra(TokenVersion::V2),
        Some(Some(provider)) => PartyKind::Plain(provider),
        Some(None) => return refuse("op: no such plain provider"),
    };
    let Some(person) = shared.lock().person(&order.persona) else {
        return refuse("persona: no such person");
    };
    let base = order.base.or_else(|| shared.options.base_url.clone());
    let grant = Grant {
        party: Party { kind, base: base.unwrap_or_else(|| "https://login.microsoftonline.com".to_owned()) },
        client: order.client,
        person,
        scopes: order.scope.unwrap_or_else(|| ["openid", "profile", "email"].map(str::to_owned).to_vec()),
        nonce: order.nonce,
        acrs: Vec::new(),
        auth_time: None,
        sid: Uuid::new_v4().to_string(),
        refreshable: false,
    };
    let access_token = issue::access_token(shared, &grant);
    let id_token = issue::id_token(shared, &grant, &access_token, order.fault.as_ref());
    reply::json(
        200,
        &json!({
            "token_type": "Bearer", "scope": grant.scopes.join(" "), "expires_in": 3599, "access_token": access_token,
            "id_token": id_token,
        }),
    )
}
