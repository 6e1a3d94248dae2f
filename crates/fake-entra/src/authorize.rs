//! The authorization endpoint: who is at the browser, may they, and the code they get.

use std::sync::Arc;

use axum::response::Response;
use http::header::SET_COOKIE;
use uuid::Uuid;

use crate::authorize_request::{Ask, Target};
use crate::dispatch::Request;
use crate::issue::{Code, Grant};
use crate::oauth_error::OAuthError;
use crate::pages::{self, AccountPage};
use crate::party::{Party, PartyKind};
use crate::people::Person;
use crate::state::Shared;
use crate::tenants::{Tenant, TenantForm};
use crate::{brands, jwt, reply};

/// Remembers who signed in last, for `prompt=none` and sign-out. Interactive sign-ins ask again, so that whoever tries
/// things out can become somebody else.
pub(crate) const SIGNED_IN_COOKIE: &str = "stand_in_signed_in";
/// Set by a test's browser: this person sits there.
const PERSONA_COOKIE: &str = "persona";

pub(crate) fn answer(
    shared: &Shared,
    request: &Request,
    party: &Party,
    form: Option<TenantForm>,
    fault: Option<OAuthError>,
) -> Response {
    let target = match Target::of(shared, party, request.parameters()) {
        Ok(target) => target,
        Err(refusal) => return pages::error(&refusal),
    };
    let ask = match Ask::read(party, request.parameters()) {
        Ok(ask) => ask,
        Err(refusal) => return target.refuse(&refusal),
    };
    if let Some(fault) = fault {
        return target.refuse(&fault);
    }
    if let Some(refusal) = brands::refuse_authorization(party, &ask, target.is_form_post()) {
        return target.refuse(&refusal);
    }
    match choose(shared, request, &ask) {
        Choice::Person(person) => {
            if let Err(refusal) = may_sign_in(shared, &target, &person, form) {
                return pages::error(&refusal);
            }
            grant(shared, request, party, target, ask, person)
        }
        Choice::Ask => account_page(shared, request, &target),
        Choice::Consent(person) => pages::consent(&request.path, request.parameters(), &target.client.id, &person),
        Choice::Refused(refusal) => target.refuse(&refusal),
    }
}

enum Choice {
    Person(Arc<Person>),
    /// Nothing picks a person: show the account page.
    Ask,
    Consent(Arc<Person>),
    Refused(OAuthError),
}

fn choose(shared: &Shared, request: &Request, ask: &Ask) -> Choice {
    let parameters = request.parameters();
    let prompt = ask.prompt.as_deref().unwrap_or_default();
    let picked = parameters.filled("pick");
    if picked == Some("cancel") {
        return Choice::Refused(declined());
    }
    let state = shared.lock();
    // "The last does not go with login_hint": select_account asks even when a hint is there.
    let hint = parameters.filled("login_hint").filter(|_| prompt != "select_account");
    let persona = request.cookie(PERSONA_COOKIE).or(state.settings.persona.as_deref());
    let signed_in = request.cookie(SIGNED_IN_COOKIE).filter(|_| prompt == "none");
    // A hint that names nobody here (an address the visitor typed) leaves the choice to the next in line.
    let named = [picked, hint, persona, signed_in];
    match named.into_iter().flatten().find_map(|name| state.person(name)) {
        Some(person) => {
            let consented = prompt != "consent" || persona.is_some() || parameters.get("consent") == Some("accept");
            if consented { Choice::Person(person) } else { Choice::Consent(person) }
        }
        None if prompt == "none" => {
            let text = "A silent sign-in request was sent but no user is signed in.";
            Choice::Refused(OAuthError::new(400, "login_required", 50058, text))
        }
        None => Choice::Ask,
    }
}

/// What "Cancel" means to the application.
pub(crate) fn declined() -> OAuthError {
    let mut refusal = OAuthError::new(400, "access_denied", 65004, "User declined to consent to access the app.");
    refusal.subcode = Some("cancel");
    refusal
}

/// Entra's checks of account against address and application. Shown, not redirected, as there.
fn may_sign_in(shared: &Shared, target: &Target, person: &Person, form: Option<TenantForm>) -> Result<(), OAuthError> {
    let refused = |code, text: String| Err(OAuthError::new(400, "invalid_request", code, text));
    if person.disabled {
        return refused(50057, "The user account is disabled.".to_owned());
    }
    let Some(form) = form else { return Ok(()) };
    let client = &target.client;
    let home = if person.is_personal() {
        "live.com".to_owned()
    } else {
        format!("https://sts.windows.net/{}/", shared.tenant_id(person.tenant))
    };
    let foreign = |tenant: &str| {
        let text = format!(
            "User account '{}' from identity provider '{home}' does not exist in tenant '{tenant}' and cannot access \
             the application '{}' in that tenant. The account needs to be added as an external user in the tenant \
             first. Sign out and sign in again with a different account.",
            person.upn, client.id
        );
        refused(50020, text)
    };
    match form {
        TenantForm::Common | TenantForm::Organizations if client.audience.single_tenant().is_some() => {
            let text = format!(
                "Application '{}' is not configured as a multi-tenant application. Usage of the /common endpoint is \
                 not allowed for such apps. Use a tenant-specific endpoint or configure the application to be \
                 multi-tenant.",
                client.id
            );
            return refused(50194, text);
        }
        TenantForm::Organizations if person.tenant == Tenant::Consumers => {
            return foreign("organizations");
        }
        TenantForm::One(tenant) if tenant != person.tenant && !shared.lock().settings.any_tenant => {
            return foreign(tenant.display_name());
        }
        _ => {}
    }
    if !client.audience.admits(person.tenant) && !shared.lock().settings.any_tenant {
        if person.is_personal() {
            let text = "The account type can't be used with this application.".to_owned();
            return refused(500208, text);
        }
        return foreign(client.audience.single_tenant().map_or("consumers", Tenant::display_name));
    }
    Ok(())
}

fn grant(shared: &Shared, request: &Request, party: &Party, target: Target, ask: Ask, person: Arc<Person>) -> Response {
    let code = match party.kind {
        _ if party.is_entra() => format!("1.A{}", jwt::random_text(120)),
        _ => jwt::random_text(24),
    };
    let cookie = format!("{SIGNED_IN_COOKIE}={}; Path=/; HttpOnly; SameSite=Lax", person.key);
    let mut parameters = vec![("code", code.clone())];
    if party.is_entra() {
        parameters.push(("session_state", Uuid::new_v4().to_string()));
    }
    if matches!(party.kind, PartyKind::Plain(provider) if provider.names_itself) {
        parameters.push(("iss", party.issuer("")));
    }
    parameters.extend(brands::authorization_extras(party, &ask, &person));
    let response = target.answer(parameters);
    let mut state = shared.lock();
    let now = state.now();
    let acrs = if state.settings.step_up { ask.acrs } else { Vec::new() };
    let grant = Grant {
        party: party.clone(),
        client: target.client.id,
        person,
        refreshable: brands::is_refreshable(party, &ask.scopes, request.parameters()),
        scopes: ask.scopes,
        nonce: ask.nonce,
        acrs,
        auth_time: ask.wants_auth_time.then_some(now),
        sid: Uuid::new_v4().to_string(),
    };
    let redirect_uri = target.redirect_uri;
    state.codes.insert(code, Code { grant, redirect_uri, challenge: ask.challenge, at: now, used: false });
    reply::with_header(response, SET_COOKIE, &cookie)
}

fn account_page(shared: &Shared, request: &Request, target: &Target) -> Response {
    let parameters = request.parameters();
    let everybody = shared.lock().people().to_vec();
    let domain = parameters.filled("domain_hint").map(str::to_ascii_lowercase);
    let in_domain: Vec<Arc<Person>> = everybody
        .iter()
        .filter(|person| match domain.as_deref() {
            None => true,
            Some("consumers") => person.is_personal(),
            Some("organizations") => !person.is_personal(),
            Some(domain) => person.tenant.domains().contains(&domain),
        })
        .cloned()
        .collect();
    // A hint that fits nobody hides nobody.
    let people = if in_domain.is_empty() { everybody } else { in_domain };
    pages::accounts(&AccountPage {
        path: &request.path,
        parameters,
        application: &target.client.id,
        people: &people,
        hint: parameters.filled("login_hint"),
    })
}
