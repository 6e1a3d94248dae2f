//! Which nodes a flow shows (contract §2.5). What a node looks like is in the model; the order is sorted there.

use crate::deps::Deps;
use bia_config::OidcProvider;
use bia_model::{Flow, FlowKind, Group, Identity, IdentitySchema, InputType, Message, Node, message};
use uuid::Uuid;

/// The button that starts a sign-in or sign-up with a provider.
pub(crate) fn provider_button(provider_id: &str, label: Message) -> Node {
    Node::submit(Group::Oidc, "provider", provider_id, label)
}

/// Providers that a flow may offer: enabled, of the flow's organization, and allowed to return where the flow
/// returns to.
pub(crate) fn offered<'a>(deps: &'a Deps, flow: &'a Flow) -> impl Iterator<Item = &'a OidcProvider> {
    let providers = deps.config.selfservice.methods.oidc.config.providers.iter();
    providers.filter(move |provider| {
        provider.enabled && of_organization(provider, flow.organization_id) && may_return(deps, provider, flow)
    })
}

/// A flow of an organization offers that organization's connections, any other flow those of none.
pub(crate) fn of_organization(provider: &OidcProvider, organization: Option<Uuid>) -> bool {
    let own = provider.organization_id.as_deref().filter(|id| !id.is_empty());
    match (own, organization) {
        (None, None) => true,
        (Some(own), Some(wanted)) => Uuid::parse_str(own).is_ok_and(|own| own == wanted),
        _ => false,
    }
}

/// `return_urls` narrows a provider to flows that return there. A relative `return_to` is completed from the default
/// URL, as where the flow ends.
pub(crate) fn may_return(deps: &Deps, provider: &OidcProvider, flow: &Flow) -> bool {
    if provider.return_urls.is_empty() {
        return true;
    }
    let Some(return_to) = &flow.return_to else {
        return false;
    };
    let default = deps.default_return_url();
    let base = url::Url::parse(default).unwrap_or_else(|_| deps.config.public_url().url().clone());
    let list: Vec<_> =
        provider.return_urls.iter().filter_map(|entry| crate::return_to::Allowed::parse(entry, &base, false)).collect();
    crate::return_to::resolve(Some(return_to), default, &list).is_ok()
}

/// Buttons of a first-factor login or of a registration.
pub(crate) fn provider_buttons(deps: &Deps, flow: &mut Flow) {
    let label = match flow.kind {
        FlowKind::Registration => Message::sign_up_with,
        _ => Message::sign_in_with,
    };
    let buttons: Vec<Node> = offered(deps, flow).map(|p| provider_button(&p.id, label(p.label(), &p.id))).collect();
    flow.ui.nodes.extend(buttons);
}

/// The anti-CSRF field. Browser flows get its value when they are rendered.
pub(crate) fn csrf(flow: &mut Flow) {
    flow.ui.nodes.retain(|node| node.attributes.name != "csrf_token");
    flow.ui.nodes.push(Node::csrf_token(""));
}

/// Login that confirms who is signed in: only providers that this identity has links to.
pub(crate) fn refresh_buttons(deps: &Deps, flow: &mut Flow, identity: &Identity) {
    if identity.organization_id.is_some() && flow.organization_id.is_none() {
        return;
    }
    let links = identity.oidc_links();
    let buttons: Vec<Node> = offered(deps, flow)
        .filter(|p| links.iter().any(|link| p.answers_to(&link.provider)))
        .map(|p| provider_button(&p.id, Message::sign_in_with(p.label(), &p.id)))
        .collect();
    flow.ui.nodes.extend(buttons);
}

/// A second factor by way of an authentication context: linked providers that have `step_up_context`.
pub(crate) fn step_up_buttons(deps: &Deps, flow: &mut Flow, identity: &Identity) {
    let links = identity.oidc_links();
    let buttons: Vec<Node> = offered(deps, flow)
        .filter(|p| p.microsoft.step_up_context.is_some())
        .filter(|p| links.iter().any(|link| p.answers_to(&link.provider)))
        .map(|p| provider_button(&p.id, Message::sign_in_with(p.label(), &p.id)))
        .collect();
    flow.ui.nodes.extend(buttons);
}

/// The fields of a registration form, with the profile button in two-step style.
pub(crate) fn registration_fields(deps: &Deps, flow: &mut Flow, schema: &IdentitySchema) {
    flow.ui.nodes.extend(schema.trait_nodes(Group::Default));
    if is_two_step(deps) {
        flow.ui.nodes.push(Node::submit(Group::Profile, "method", "profile", Message::sign_up()));
    }
}

/// Registration asks for the profile first unless configured otherwise.
pub(crate) fn is_two_step(deps: &Deps) -> bool {
    let registration = &deps.config.selfservice.flows.registration;
    registration.style == bia_config::RegistrationStyle::ProfileFirst && !registration.enable_legacy_one_step
}

/// The group of trait fields on the continuation form.
pub(crate) fn continuation_group(deps: &Deps) -> Group {
    if deps.config.feature_flags.legacy_oidc_registration_node_group { Group::Oidc } else { Group::Default }
}

/// Settings: the profile form and the links, as they are now.
pub(crate) fn settings_nodes(deps: &Deps, flow: &mut Flow, schema: &IdentitySchema, identity: &Identity) {
    csrf(flow);
    if deps.config.selfservice.methods.profile.enabled {
        let mut nodes = schema.trait_nodes(Group::Profile);
        bia_model::identity_schema::set_values(&mut nodes, &identity.traits, Group::Profile);
        flow.ui.nodes.extend(nodes);
        flow.ui.nodes.push(Node::submit(Group::Profile, "method", "profile", Message::save()));
    }
    if deps.config.selfservice.methods.oidc.enabled {
        link_nodes(deps, flow, identity);
    }
}

fn link_nodes(deps: &Deps, flow: &mut Flow, identity: &Identity) {
    let links = identity.oidc_links();
    let linked = |p: &OidcProvider| links.iter().filter(|link| p.answers_to(&link.provider)).count();
    let providers = &deps.config.selfservice.methods.oidc.config.providers;
    let managed = flow.organization_id.is_some() && flow.organization_id == identity.organization_id;
    if managed {
        flow.ui.messages.push(Message::managed_by_organization());
    }
    let mut nodes = Vec::new();
    for provider in offered(deps, flow).filter(|provider| linked(provider) == 0) {
        let mut node = Node::submit(Group::Oidc, "link", &provider.id, Message::link(provider.label()));
        node.attributes.disabled = managed;
        nodes.push(node);
    }
    if bia_identity::identities::count_first_factors(identity) > 1 {
        for provider in providers.iter().filter(|provider| of_organization(provider, flow.organization_id)) {
            let own: Vec<_> = links.iter().filter(|link| provider.answers_to(&link.provider)).collect();
            for link in &own {
                // With one link of a provider the value is the plain provider id, as in Kratos.
                let value = if own.len() == 1 { provider.id.clone() } else { link.identifier() };
                nodes.push(Node::submit(Group::Oidc, "unlink", &value, Message::unlink(provider.label())));
            }
        }
    }
    flow.ui.nodes.extend(nodes);
}

/// The login form that asks the owner of an address to confirm a new link (contract §3.7.1).
pub(crate) fn linking_buttons(flow: &mut Flow, used_provider_id: &str, only: Option<&[String]>) {
    flow.ui.nodes.retain(|node| {
        let Some(value) = node.value_str().filter(|_| node.group == Group::Oidc) else {
            return true;
        };
        value != used_provider_id && only.is_none_or(|only| only.iter().any(|id| id == value))
    });
    for node in flow.ui.nodes.iter_mut().filter(|node| node.group == Group::Oidc) {
        let label = node.meta.label.as_ref().filter(|label| label.id == message::id::SIGN_IN_WITH);
        let name = label.and_then(|label| label.context.as_ref()).and_then(|context| context["provider"].as_str());
        if let Some(name) = name.map(str::to_owned) {
            node.meta.label = Some(Message::confirm_with(&name));
        }
    }
}

/// The continuation form: one button, the anti-CSRF field, and the traits as far as they are known.
pub(crate) fn continuation(
    deps: &Deps,
    flow: &mut Flow,
    provider_id: &str,
    schema: Option<(&IdentitySchema, &serde_json::Value)>,
) {
    flow.ui.nodes.clear();
    csrf(flow);
    flow.ui.nodes.push(provider_button(provider_id, Message::registration_continue()));
    if let Some((schema, traits)) = schema {
        let group = continuation_group(deps);
        let mut nodes = schema.trait_nodes(group);
        bia_model::identity_schema::set_values(&mut nodes, traits, group);
        flow.ui.nodes.extend(nodes);
    }
}

/// Turns trait fields into hidden ones, for the step that asks for a credential.
pub(crate) fn hide_traits(flow: &mut Flow) {
    for node in flow.ui.nodes.iter_mut().filter(|node| node.group == Group::Default) {
        node.attributes.input_type = InputType::Hidden;
    }
}
