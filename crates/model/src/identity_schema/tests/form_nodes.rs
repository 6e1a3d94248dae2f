use super::*;
use crate::flow::FlowKind;
use crate::ui::{Container, InputType};

fn names(container: &Container) -> Vec<&str> {
    container.nodes.iter().map(|node| node.attributes.name.as_str()).collect()
}

#[test]
fn every_leaf_has_an_input_of_its_kind() {
    let schema = traits_schema(json!({
        "type": "object",
        "properties": {
            "email": { "type": "string", "format": "email", "title": "E-Mail", "pattern": "@" },
            "phone": { "$ref": "#/definitions/phone" },
            "web": { "type": "string", "format": "uri" },
            "born": { "type": "string", "format": "date" },
            "met": { "type": "string", "format": "date-time" },
            "age": { "type": "integer" },
            "agree": { "type": "boolean" },
            "groups": { "type": "array", "items": { "type": "string" } },
            "things": { "type": "array", "items": { "type": "object" } },
            "colour": { "type": "string", "enum": ["red", "blue"], "disableFormField": true },
            "either": { "type": ["string", "null"] },
            "name": { "type": "object", "properties": { "first": { "type": "string" } }, "required": ["first"] }
        },
        "required": ["email"]
    }));
    let nodes = schema.trait_nodes(Group::Profile);
    let find = |name: &str| nodes.iter().find(|node| node.attributes.name == format!("traits.{name}"));
    for (name, input_type, autocomplete) in [
        ("email", InputType::Email, Some("email")),
        ("phone", InputType::Tel, Some("tel")),
        ("web", InputType::Url, Some("url")),
        ("born", InputType::Date, None),
        ("met", InputType::DatetimeLocal, None),
        ("age", InputType::Number, None),
        ("agree", InputType::Checkbox, None),
        ("groups", InputType::Text, None),
        ("colour", InputType::Text, None),
        ("name.first", InputType::Text, None),
    ] {
        let node = find(name).unwrap();
        assert_eq!(node.attributes.input_type, input_type, "{name}");
        assert_eq!(node.attributes.autocomplete.as_deref(), autocomplete, "{name}");
        assert_eq!(node.attributes.required, matches!(name, "email" | "name.first"), "{name}");
        assert_eq!(node.attributes.disabled, name == "colour");
        assert_eq!(node.group, Group::Profile);
    }
    assert_eq!(find("email").unwrap().attributes.pattern.as_deref(), Some("@"));
    assert_eq!(find("colour").unwrap().attributes.options.len(), 2);
    let label = find("email").unwrap().meta.label.clone().unwrap();
    assert_eq!(label, Message::trait_label("E-Mail", "traits.email"));
    for hidden in ["name", "things", "either"] {
        assert!(find(hidden).is_none(), "{hidden}");
    }
    assert_eq!(nodes.len(), 10);
}

#[test]
fn keys_are_in_document_order() {
    assert_eq!(person().keys(), ["traits.email", "traits.name.first", "traits.name.last", "traits.groups"]);
}

/// What Kratos shows when a mapper produced a wrong list (contract suite, scenario 34).
#[test]
fn refused_values_are_shown_where_kratos_shows_them() {
    let schema = person();
    let traits = json!({ "email": "alice@contoso.example", "groups": ["a", 1, {}] });
    let mut form = Container::new("/");
    form.nodes = schema.trait_nodes(Group::Default);
    form.nodes.push(Node::csrf_token("token"));
    form.nodes.push(Node::submit(Group::Oidc, "provider", "ms", Message::registration_continue()));
    set_values(&mut form.nodes, &traits, Group::Default);
    form.apply_errors(&schema.validate(&traits));
    form.sort(FlowKind::Registration, &schema.keys());
    assert_eq!(
        names(&form),
        [
            "provider",
            "csrf_token",
            "traits.email",
            "traits.name.first",
            "traits.name.last",
            "traits.groups.1",
            "traits.groups",
            "traits.groups.2",
            "traits.groups.0",
        ]
    );
    let node = |name: &str| form.nodes.iter().find(|node| node.attributes.name == name).unwrap();
    assert_eq!(node("traits.groups.1").attributes.input_type, InputType::Number);
    assert_eq!(node("traits.groups.1").messages[0].id, 4_000_026);
    assert_eq!(node("traits.groups.2").attributes.value, None);
    assert_eq!(node("traits.groups.0").attributes.value, Some(json!("a")));
}

#[test]
fn unknown_traits_come_last_with_the_message_about_them() {
    let schema = person();
    let traits = json!({ "email": "alice@contoso.example", "shoe_size": 42 });
    let mut form = Container::new("/");
    form.nodes = schema.trait_nodes(Group::Default);
    set_values(&mut form.nodes, &traits, Group::Default);
    form.apply_errors(&schema.validate(&traits));
    form.sort(FlowKind::Registration, &schema.keys());
    assert_eq!(names(&form)[4..], ["traits.shoe_size", "traits"]);
    assert!(form.messages.is_empty());
}

#[test]
fn a_null_clears_the_value_and_keeps_the_input() {
    let mut nodes = person().trait_nodes(Group::Default);
    set_values(&mut nodes, &json!({ "email": "a@b" }), Group::Default);
    set_values(&mut nodes, &json!({ "email": null }), Group::Profile);
    let email = nodes.iter().find(|node| node.attributes.name == "traits.email").unwrap();
    assert_eq!((email.attributes.value.as_ref(), email.group), (None, Group::Profile));
}

#[test]
fn nodes_are_sorted_by_group_then_key_then_value() {
    let keys = person().keys();
    let save = || Node::submit(Group::Profile, "method", "profile", Message::save());
    let link = |value: &str| Node::submit(Group::Oidc, "link", value, Message::link(value));
    let mut settings = Container::new("/");
    settings.nodes = vec![link("b"), link("a"), save()];
    settings.nodes.extend(person().trait_nodes(Group::Profile));
    settings.nodes.push(Node::csrf_token(""));
    settings.sort(FlowKind::Settings, &keys);
    assert_eq!(
        names(&settings),
        [
            "csrf_token",
            "traits.email",
            "traits.name.first",
            "traits.name.last",
            "traits.groups",
            "method",
            "link",
            "link"
        ]
    );
    assert_eq!(settings.nodes[6].value_str(), Some("a"));

    let mut registration = Container::new("/");
    registration.nodes = vec![save(), Node::csrf_token("")];
    registration.nodes.extend(person().trait_nodes(Group::Default));
    registration.nodes.push(Node::submit(Group::Oidc, "provider", "x", Message::sign_up()));
    registration.sort(FlowKind::Registration, &keys);
    assert_eq!(names(&registration)[..3], ["provider", "csrf_token", "traits.email"]);
    assert_eq!(names(&registration).last(), Some(&"method"));
}

#[test]
fn api_errors_reach_the_form_only_when_they_belong_there() {
    let mut form = Container::new("/");
    assert!(form.apply_api_error(&crate::ApiError::bad_request("because")));
    assert!(form.apply_api_error(&crate::ApiError::unauthorized("x").with_id("identity_disabled")));
    assert!(!form.apply_api_error(&crate::ApiError::internal("x")));
    let ids: Vec<_> = form.messages.iter().map(|message| message.id).collect();
    assert_eq!(ids, [4_000_001, 4_010_011]);
}
