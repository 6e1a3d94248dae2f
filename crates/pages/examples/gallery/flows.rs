//! Flows and sessions as the public API answers them, built with the same types as the server's.

use bia_model::ui::{Container, Group, InputType, Node};
use bia_model::{Message, MessageType};
use serde_json::{Value, json};

fn flow(nodes: Vec<Node>, messages: Vec<Message>) -> Value {
    let mut ui = Container::new("/self-service/login?flow=1");
    ui.nodes = nodes;
    ui.nodes.push(Node::csrf_token("bWFza2Vk"));
    ui.messages = messages;
    json!({"id": "1", "type": "browser", "ui": ui, "state": "choose_method", "return_to": "https://app.example/",
        "request_url": "https://id.example/self-service/login/browser", "refresh": false, "requested_aal": "aal1"})
}

const PROVIDERS: [(&str, &str); 6] = [
    ("microsoft", "Microsoft"),
    ("google", "Google"),
    ("github", "GitHub"),
    ("gitlab", "GitLab"),
    ("apple", "Apple"),
    ("contoso", "Contoso Staff"),
];

fn buttons(label: fn(&str, &str) -> Message) -> Vec<Node> {
    PROVIDERS.iter().map(|(id, name)| Node::submit(Group::Oidc, "provider", id, label(name, id))).collect()
}

fn field(group: Group, name: &str, kind: InputType, title: &str, value: &str) -> Node {
    let mut node = Node::input(group, name, kind).with_label(Message::trait_label(title, name));
    if !value.is_empty() {
        node = node.with_value(value);
    }
    node
}

fn traits(group: Group) -> Vec<Node> {
    let mut email = field(group, "traits.email", InputType::Email, "E-Mail", "alex@contoso.example");
    email.attributes.required = true;
    let mut country = field(group, "traits.country", InputType::Text, "Country", "DE");
    country.attributes.options = ["DE", "FR"].map(|v| bia_model::ui::InputOption { value: v.into() }).to_vec();
    let mut number = field(group, "traits.employee_number", InputType::Text, "Employee number", "12");
    number.attributes.disabled = true;
    vec![
        email,
        field(group, "traits.name.first", InputType::Text, "First Name", "Alex"),
        field(group, "traits.name.last", InputType::Text, "Last Name", ""),
        country,
        number,
        field(group, "traits.newsletter", InputType::Checkbox, "Send me news", "true"),
    ]
}

pub(crate) fn login() -> Value {
    flow(buttons(Message::sign_in_with), vec![])
}

pub(crate) fn refused() -> Value {
    let nodes = buttons(Message::sign_in_with).into_iter().take(2).collect();
    flow(
        nodes,
        vec![Message::generic(
            "This account belongs to an organization that can't be used here. Please choose another account.",
        )],
    )
}

pub(crate) fn linking() -> Value {
    let nodes = vec![Node::submit(Group::Oidc, "provider", "microsoft", Message::confirm_with("Microsoft"))];
    let types = ["oidc".to_owned()];
    flow(
        nodes,
        vec![Message::link_account("alex@contoso.example", "Google", "/self-service/login/browser", &types, &types)],
    )
}

pub(crate) fn registration() -> Value {
    let mut nodes: Vec<Node> = buttons(Message::sign_up_with).into_iter().take(2).collect();
    nodes.extend(traits(Group::Default).into_iter().take(3));
    nodes.push(Node::submit(Group::Profile, "method", "profile", Message::sign_up()));
    flow(nodes, vec![])
}

pub(crate) fn continuation() -> Value {
    let mut nodes = vec![Node::submit(Group::Oidc, "provider", "microsoft", Message::registration_continue())];
    nodes.extend(traits(Group::Default));
    nodes[3].messages.push(Message::required("last"));
    nodes[3].attributes.required = true;
    flow(nodes, vec![])
}

pub(crate) fn settings() -> Value {
    let mut nodes = traits(Group::Profile);
    nodes.push(Node::submit(Group::Profile, "method", "profile", Message::save()));
    nodes.push(Node::submit(Group::Oidc, "link", "google", Message::link("Google")));
    nodes.push(Node::submit(Group::Oidc, "unlink", "microsoft", Message::unlink("Microsoft")));
    nodes.push(Node::submit(Group::Oidc, "unlink", "contoso", Message::unlink("Contoso Staff")));
    let saved = Message::settings_saved();
    assert_eq!(saved.message_type, MessageType::Success);
    flow(nodes, vec![saved])
}

fn one(id: &str, agent: &str, address: &str, place: &str) -> Value {
    json!({
        "id": id, "active": true, "issued_at": "2026-03-01T09:05:00Z", "expires_at": "2026-03-02T09:05:00Z",
        "authenticated_at": "2026-03-01T09:05:00.123Z", "authenticator_assurance_level": "aal1",
        "authentication_methods": [{"method": "oidc", "aal": "aal1", "completed_at": "2026-03-01T09:05:00Z", "provider": "microsoft"}],
        "devices": [{"id": "d", "ip_address": address, "user_agent": agent, "location": place}],
        "identity": {"id": "5f0a0f1e-8c5c-4f57-8d0e-0a7f4d2f8b11", "schema_id": "default", "state": "active",
            "traits": {"email": "alex@contoso.example", "name": {"first": "Alex", "last": "Wilber"}, "groups": ["staff", "sales"]},
            "metadata_public": {"department": "Sales"}}
    })
}

pub(crate) fn session() -> Value {
    one(
        "0e2c7d5e-7f43-4f7f-9f25-5f6f5f0f9a01",
        "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
        "203.0.113.7",
        "Berlin, DE",
    )
}

pub(crate) fn others() -> Value {
    let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile Safari/604.1";
    let desk = "Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 Chrome/128.0 Safari/537.36 Edg/128.0";
    json!([one("1", phone, "198.51.100.20", ""), one("2", desk, "2001:db8::1", "Paris, FR")])
}

pub(crate) fn claims() -> Value {
    json!({"iss": "https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0", "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        "name": "Alex Wilber", "email": "alex@contoso.example", "raw_claims": {"tid": "8eaef023-2b34-4da1-9baa-8bc8c9d6a490", "groups": ["a", "b"]}})
}

/// Home-realm discovery: an address first, then the buttons that always show.
pub(crate) fn identifier() -> Value {
    let mut address = Node::input(Group::IdentifierFirst, "identifier", InputType::Text)
        .with_label(Message::trait_label("E-Mail", "traits.email"));
    address.attributes.required = true;
    let mut nodes =
        vec![address, Node::submit(Group::IdentifierFirst, "method", "identifier_first", Message::login_continue())];
    nodes.extend(buttons(Message::sign_in_with).into_iter().take(2));
    flow(nodes, vec![])
}

/// "Confirm that it is you", and the step up to a second factor.
pub(crate) fn again(key: &str, value: Value) -> Value {
    let message = if key == "refresh" { Message::refresh() } else { Message::second_factor() };
    let mut flow = flow(buttons(Message::sign_in_with).into_iter().take(1).collect(), vec![message]);
    flow[key] = value;
    flow
}

/// Nothing is configured, or everything is switched off.
pub(crate) fn empty() -> Value {
    flow(vec![], vec![Message::no_methods()])
}

/// An admin's test login before it goes to the provider.
pub(crate) fn test_ahead() -> Value {
    let mut flow = login();
    flow["test_context"] = json!({ "provider_id": "microsoft" });
    flow
}

/// What an admin's test login found out.
pub(crate) fn test_login(works: bool) -> Value {
    let check = |id: &str, ok: bool, detail: &str| json!({ "id": id, "ok": ok, "detail": detail });
    json!({ "id": "1", "test_context": { "provider_id": "microsoft", "debug_payload": {
        "checks": [
            check("token", true, "The provider's answer was verified."),
            check("mapper", works, if works { "The mapper ran." } else { "The data of your account could not be processed. Please contact the system administrator." }),
            check("schema", works, if works { "The identity schema accepts the traits." } else { "The identity schema refuses the traits." }),
        ],
        "jsonnet_stderr": if works { "" } else { "mappers/microsoft.jsonnet:7:12: Field does not exist: email\n  7 |     email: claims.email,\n    |            ^^^^^^^^^^^^" },
        "schema_validation_errors": if works { json!([]) } else { json!([{ "path": "#/traits/email", "message": "is missing" }]) },
        "id_token_claims": claims(),
        "traits": { "email": "alex@contoso.example", "name": { "first": "Alex", "last": "Wilber" } },
        "changes": [
            { "path": "traits.name.last", "kind": "changed", "before": "Weber", "after": "Wilber" },
            { "path": "metadata_public.department", "kind": "added", "after": "Sales" },
        ],
        "changes_are_applied": works,
        "jsonnet_output": "{\"identity\":{\"traits\":{\"email\":\"alex@contoso.example\"}}}",
    } } })
}
