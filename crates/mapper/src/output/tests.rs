use serde_json::json;

use super::*;

fn key_of(output: Value) -> &'static str {
    mapped_identity(output).expect_err("must be refused").key
}

#[test]
fn traits_must_be_an_object_wherever_the_output_goes_wrong() {
    for output in [
        json!("hello"),
        json!(null),
        json!([1]),
        json!({"user": {}}),
        json!({"identity": {}}),
        json!({"identity": ["traits"]}),
    ] {
        assert_eq!(key_of(output), "identity.traits");
    }
    for traits in [json!(null), json!(["a"]), json!("x")] {
        assert_eq!(key_of(json!({"identity": {"traits": traits}})), "identity.traits");
    }
}

#[test]
fn metadata_null_is_refused_but_absent_metadata_is_fine() {
    assert_eq!(key_of(json!({"identity": {"traits": {}, "metadata_public": null}})), "identity.metadata_public");
    assert_eq!(key_of(json!({"identity": {"traits": {}, "metadata_admin": [1]}})), "identity.metadata_admin");
    let mapped = mapped_identity(json!({"identity": {"traits": {}}, "ignored": 1})).expect("fits");
    assert_eq!((mapped.metadata_public, mapped.metadata_admin, mapped.verified_addresses), (None, None, None));
}

#[test]
fn status_and_id_are_those_of_kratos() {
    let of = |output| {
        let error = crate::MapperError::from(mapped_identity(output).expect_err("must be refused"));
        (error.code(), error.error_id(), error.visitor_reason().into_owned())
    };
    let says = |what: &str, key: &str| {
        format!("OpenID Connect Jsonnet mapper did not return {what} for key {key}. Please check your Jsonnet code!")
    };
    assert_eq!(of(json!({})), (500, None, says("an object", "identity.traits")));
    assert_eq!(
        of(json!({"identity": {"traits": {}, "metadata_public": "x"}})),
        (500, Some("invalid_configuration"), says("an object", "identity.metadata_public"))
    );
    assert_eq!(
        of(json!({"identity": {"traits": {}, "region": 5}})),
        (500, Some("invalid_configuration"), says("a string", "identity.region"))
    );
    assert_eq!(
        of(json!({"identity": {"traits": {}, "verified_addresses": {"via": "email"}}})),
        (400, None, says("an array", "identity.verified_addresses"))
    );
    assert_eq!(
        of(json!({"identity": {"traits": {}, "verified_addresses": ["a@b.example"]}})),
        (
            400,
            None,
            "Failed to unmarshal value for key identity.verified_addresses. Please check your Jsonnet code!".to_owned()
        )
    );
}

#[test]
fn an_unknown_region_is_a_bad_request() {
    let of = |region: &str| {
        mapped_identity(json!({"identity": {"traits": {}, "region": region}})).map(|mapped| mapped.region)
    };
    assert_eq!(of("eu-central"), Ok(Some("eu-central".to_owned())));
    let error = crate::MapperError::from(of("mars").expect_err("must be refused"));
    assert_eq!((error.code(), error.error_id()), (400, None));
}

#[test]
fn email_addresses_are_normalised_and_others_are_not() {
    let mapped = mapped_identity(json!({"identity": {"traits": {}, "verified_addresses": [
        {"via": "email", "value": " Alice@Contoso.Example "}, {"via": "sms", "value": " +49 "}, {"Via": "email", "VALUE": "B@x"}, null
    ]}}))
    .expect("fits");
    let seen: Vec<_> = mapped.verified_addresses.expect("set").into_iter().map(|a| (a.via, a.value)).collect();
    let expected = [("email", "alice@contoso.example"), ("sms", " +49 "), ("email", "b@x"), ("", "")];
    assert_eq!(seen, expected.map(|(via, value)| (via.to_owned(), value.to_owned())));
}

#[test]
fn deny_wins_over_identity_and_a_misshapen_deny_never_lets_anybody_in() {
    let reason = |output| mapped_identity(output).map(|mapped| mapped.deny);
    assert_eq!(
        reason(json!({"deny": {"reason": "Guests are not served."}})),
        Ok(Some("Guests are not served.".to_owned()))
    );
    assert_eq!(reason(json!({"deny": {"reason": "No."}, "identity": {"traits": {}}})), Ok(Some("No.".to_owned())));
    assert_eq!(reason(json!({"deny": null, "identity": {"traits": {}}})), Ok(None));
    assert_eq!(key_of(json!({"deny": {}, "identity": {"traits": {}}})), "deny.reason");
    assert_eq!(key_of(json!({"deny": false, "identity": {"traits": {}}})), "deny");
    assert_eq!(key_of(json!({"deny": "no", "identity": {"traits": {}}})), "deny");
}
