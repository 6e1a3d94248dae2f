//! Home-realm discovery: the domain of an address decides where its people sign in (design §3).
//!
//! A provider with `microsoft.home_realm_domains` is an organisation's own connection. Its button is hidden unless
//! `always_show_button`, and the login form asks for an address instead, with Kratos' `identifier_first` nodes.
//! What is answered depends on the domain alone: nothing here looks anybody up, so nothing tells who exists.
//!
//! The second half of the promise is [`home_of`]: somebody who comes back from a personal or social account with an
//! address of such a domain is led on to the organisation's connection, and no second identity appears.

use crate::context::Context;
use crate::deps::Deps;
use crate::error::FlowError;
use crate::oidc::Arrival;
use crate::oidc::start::{self, Departure};
use crate::outcome::Reply;
use crate::submit::Submission;
use crate::{csrf, flow, ui};
use bia_config::OidcProvider;
use bia_model::identity_schema::TraitError;
use bia_model::{Aal, Flow, FlowKind, Group, InputType, Message, Node};
use bia_telemetry::audit::{self, Event};
use serde_json::Value;
use url::Host;
use uuid::Uuid;

/// Kratos: what a form submits as `method`.
const METHOD: &str = "identifier_first";
/// RFC 5321 allows 254 characters in an address; more is no address.
const IDENTIFIER_LENGTH_MAX: usize = 320;
/// Levels of nested traits that are searched for an identifier's title.
const DEPTH_MAX: usize = 8;
const UNKNOWN_DOMAIN: &str =
    "No organization signs in here with addresses of this domain. Please choose another way to sign in.";

/// An organisation's connection and the configured domain that led there.
pub(crate) struct Home<'a> {
    pub(crate) provider: &'a OidcProvider,
    domain: &'a str,
}

/// Whether a submission is for this method.
pub(crate) fn is_asked(deps: &Deps, flow: &Flow, submission: &Submission) -> bool {
    applies(deps, flow) && submission.text("method") == Some(METHOD) && submission.text("provider").is_none()
}

/// Makes a fresh login form ask for an address instead of naming every organisation. Changes nothing unless a
/// provider has home-realm domains.
pub(crate) async fn offer(deps: &Deps, flow: &mut Flow) {
    if !applies(deps, flow) {
        return;
    }
    hide_buttons(deps, flow);
    let label = identifier_label(deps, flow).await;
    let mut identifier = Node::input(Group::IdentifierFirst, "identifier", InputType::Text);
    identifier.attributes.required = true;
    identifier.attributes.autocomplete = Some("username webauthn".to_owned());
    flow.ui.nodes.push(identifier.with_value("").with_label(label));
    flow.ui.nodes.push(Node::submit(Group::IdentifierFirst, "method", METHOD, Message::node_continue()));
    flow.ui.sort(FlowKind::Login, &[]);
}

/// Takes the buttons away that would show every visitor which organisations sign in here. A flow that names its
/// organization keeps them.
pub(crate) fn hide_buttons(deps: &Deps, flow: &mut Flow) {
    if flow.organization_id.is_some() {
        return;
    }
    let hidden: Vec<&str> = deps
        .config
        .providers()
        .iter()
        .filter(|provider| is_home(provider) && !provider.microsoft.always_show_button)
        .map(|provider| provider.id.as_str())
        .collect();
    flow.ui.nodes.retain(|node| {
        let button = node.group == Group::Oidc && node.attributes.name == "provider";
        !(button && node.value_str().is_some_and(|id| hidden.contains(&id)))
    });
}

/// Only a first sign-in asks where somebody belongs; whoever refreshes or links has shown that already.
fn applies(deps: &Deps, flow: &Flow) -> bool {
    flow.kind == FlowKind::Login
        && flow.requested_aal == Aal::Aal1
        && !flow.refresh
        && flow.organization_id.is_none()
        && flow.pending_link.is_none()
        && flow.test_context.is_none()
        && deps.config.selfservice.methods.oidc.enabled
        && deps.config.providers().iter().any(is_home)
}

fn is_home(provider: &OidcProvider) -> bool {
    provider.enabled && !provider.microsoft.home_realm_domains.is_empty()
}

/// Leads to the organisation's connection, or shows the same form again.
///
/// # Errors
/// The form's message for a domain that nobody claims; 403 without the anti-CSRF token, as in Kratos.
pub(crate) async fn submit(
    deps: &Deps,
    context: &Context,
    login: &mut Flow,
    submission: &Submission,
) -> Result<Reply, FlowError> {
    csrf::ensure(context, login.is_browser(), submission.text("csrf_token"))?;
    login.active = Some(METHOD.to_owned());
    let Some(identifier) = submission.text("identifier") else {
        return Err(FlowError::Traits(vec![TraitError::new("#/identifier", Message::required("identifier"))]));
    };
    // The address itself is neither kept nor sent on as a hint: two people of one domain get the same bytes.
    let home = domain_of(identifier).and_then(|domain| find(deps, login, &domain));
    match home {
        Some(home) => lead(deps, context, login, &home, submission.traits()).await,
        None => Err(FlowError::message(Message::generic(UNKNOWN_DOMAIN))),
    }
}

/// The organisation's connection that a personal or social sign-in has to be moved to, if its address belongs to
/// one. Whether the address is proven doesn't matter: the organisation decides who somebody is, not the address.
pub(crate) fn home_of<'a>(deps: &'a Deps, flow: &Flow, arrival: &Arrival<'_>) -> Option<Home<'a>> {
    let first_sign_in = matches!(flow.kind, FlowKind::Login | FlowKind::Registration)
        && flow.requested_aal == Aal::Aal1
        && !flow.refresh
        && flow.pending_link.is_none()
        && !arrival.by_id_token;
    // Guests of one organisation keep their own address; only accounts of nobody's organisation are moved.
    let personal =
        arrival.provider.microsoft.home_realm_domains.is_empty() && organization_of(arrival.provider).is_none();
    if !first_sign_in || !personal {
        return None;
    }
    let domain = domain_of(&arrival.signed_in.claims.email)?;
    find(deps, flow, &domain).filter(|home| home.provider.id != arrival.provider.id)
}

/// Sends somebody who came back from another account on to the organisation's connection.
pub(crate) async fn move_on(
    deps: &Deps,
    context: &Context,
    mut flow: Flow,
    arrival: Arrival<'_>,
    home: Home<'_>,
) -> Reply {
    let line = audit::event(Event::HomeRealm).actor("person").flow(flow.kind.as_str());
    line.provider(&arrival.provider.id).to_provider(&home.provider.id).record();
    match lead(deps, context, &mut flow, &home, arrival.traits).await {
        Ok(reply) => reply,
        Err(error) => flow::fail(deps, context, flow, error, true).await,
    }
}

async fn lead(
    deps: &Deps,
    context: &Context,
    flow: &mut Flow,
    home: &Home<'_>,
    traits: Value,
) -> Result<Reply, FlowError> {
    // Whoever is led to an organisation's connection signs in there, as with `?organization=`.
    flow.organization_id = organization_of(home.provider).or(flow.organization_id);
    let departure = Departure { traits, domain_hint: Some(home.domain), ..Departure::default() };
    start::leave(deps, context, flow, home.provider, departure).await
}

/// The connection that claims a domain and may be used in this flow.
fn find<'a>(deps: &'a Deps, flow: &Flow, domain: &str) -> Option<Home<'a>> {
    let homes = deps.config.providers().iter().filter(|provider| is_home(provider));
    let mut usable = homes.filter(|provider| {
        ui::may_return(deps, provider, flow)
            && flow.organization_id.is_none_or(|own| organization_of(provider) == Some(own))
    });
    usable.find_map(|provider| {
        let mut domains = provider.microsoft.home_realm_domains.iter();
        let claimed = domains.find(|claimed| normal(claimed).as_deref() == Some(domain))?;
        Some(Home { provider, domain: claimed })
    })
}

fn organization_of(provider: &OidcProvider) -> Option<Uuid> {
    provider.organization_id.as_deref().and_then(|id| Uuid::parse_str(id).ok())
}

/// The domain of something that looks like an address, in its normal form.
fn domain_of(address: &str) -> Option<String> {
    let address = address.trim();
    if address.len() > IDENTIFIER_LENGTH_MAX {
        return None;
    }
    let (local, domain) = address.rsplit_once('@')?;
    if local.is_empty() { None } else { normal(domain) }
}

/// Lower case, with international names in their ASCII form, so that one domain has one spelling.
fn normal(domain: &str) -> Option<String> {
    match Host::parse(domain.trim().trim_end_matches('.')).ok()? {
        Host::Domain(domain) => Some(domain),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

/// Kratos: the title of the one trait that identifies people, else "ID".
async fn identifier_label(deps: &Deps, flow: &Flow) -> Message {
    let schema_id = flow.identity_schema.as_deref().unwrap_or(deps.schemas.default_id());
    let Ok(schema) = deps.schemas.get(schema_id).await else {
        return Message::node_id();
    };
    let mut found = Vec::new();
    collect_identifiers(schema.document(), &mut Vec::new(), &mut found);
    match found.as_slice() {
        [(title, name)] if !title.is_empty() => Message::trait_label(title, name),
        _ => Message::node_id(),
    }
}

/// Title and dotted name of every trait that some method of Kratos would take as an identifier.
fn collect_identifiers(schema: &Value, path: &mut Vec<String>, found: &mut Vec<(String, String)>) {
    const MARKS: [(&str, &str); 5] = [
        ("password", "identifier"),
        ("webauthn", "identifier"),
        ("passkey", "display_name"),
        ("totp", "account_name"),
        ("code", "identifier"),
    ];
    let credentials = &schema["ory.sh/kratos"]["credentials"];
    if MARKS.iter().any(|(method, key)| credentials[*method][*key] == Value::Bool(true)) {
        found.push((schema["title"].as_str().unwrap_or_default().to_owned(), path.join(".")));
    }
    let Some(properties) = schema["properties"].as_object().filter(|_| path.len() < DEPTH_MAX) else {
        return;
    };
    for (name, part) in properties {
        path.push(name.clone());
        collect_identifiers(part, path, found);
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_domain_has_one_spelling() {
        for spelling in ["a@contoso.example", " A@CONTOSO.Example ", "x@y@contoso.example", "a@contoso.example."] {
            assert_eq!(domain_of(spelling).as_deref(), Some("contoso.example"), "{spelling}");
        }
        assert_eq!(domain_of("a@bücher.example"), domain_of("b@xn--bcher-kva.example"));
    }

    #[test]
    fn what_is_no_address_has_no_domain() {
        let long = format!("{}@contoso.example", "a".repeat(400));
        for text in ["", "contoso.example", "@contoso.example", "a@", "a@ ", "a@192.0.2.1", "a@con toso", &long] {
            assert_eq!(domain_of(text), None, "{text}");
        }
    }

    #[test]
    fn the_label_is_the_title_of_the_only_identifier() {
        let marked =
            json!({ "title": "E-Mail", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } });
        let schema = |properties: Value| json!({ "properties": { "traits": { "properties": properties } } });
        let identifiers = |schema: Value| {
            let mut found = Vec::new();
            collect_identifiers(&schema, &mut Vec::new(), &mut found);
            found
        };
        let one = identifiers(schema(json!({ "email": marked.clone(), "name": { "title": "Name" } })));
        assert_eq!(one, [("E-Mail".to_owned(), "traits.email".to_owned())]);
        assert_eq!(identifiers(schema(json!({ "email": marked.clone(), "phone": marked }))).len(), 2);
    }
}
