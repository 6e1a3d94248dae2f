//! What is believed of Entra, and whose people may in.

use crate::support::{World, exchange, now, public_url, query};
use bia_fake_entra::{
    CONSUMERS_TENANT_ID, CONTOSO_TENANT_ID, FABRIKAM_TENANT_ID, Fault, IdTokenFault, Mint, TEST_CLIENT_ID,
};
use bia_provider::{AuthorizeRequest, ExchangeRequest, IdTokenRequest, Step};
use serde_json::{Map, json};
use std::collections::BTreeMap;

#[tokio::test]
async fn a_member_signs_in_with_pkce_and_nonce() {
    let world = World::new().await;
    let provider = world.microsoft(json!({}));
    let authorization = world.authorize(&provider).await.unwrap();
    let url = &authorization.url;
    assert_eq!(query(url, "code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(query(url, "nonce"), authorization.nonce);
    assert_eq!(query(url, "scope").as_deref(), Some("profile email openid"));
    assert_eq!(authorization.redirect_uri, "http://127.0.0.1:4433/self-service/methods/oidc/callback/microsoft");
    let code = world.code(&authorization, "alice").await;
    let signed_in = exchange(&provider, &authorization, &code).await.unwrap();
    assert_eq!(signed_in.claims.email, "alice@contoso.example");
    assert_eq!(signed_in.claims.raw_str("tid"), Some(CONTOSO_TENANT_ID));
    assert_eq!(signed_in.facts.tenant_id.as_deref(), Some(CONTOSO_TENANT_ID));
    assert!(!signed_in.facts.email_proven, "nothing proves an address by default");
    let sent = world.control().calls();
    let token = sent.iter().find(|call| call.path.ends_with("/token")).unwrap();
    assert_eq!(token.form.get("code_verifier"), authorization.pkce_verifier.as_ref());
}

#[tokio::test]
async fn every_fault_in_an_id_token_is_refused_and_the_next_sign_in_works() {
    let world = World::new().await;
    let provider = world.microsoft(json!({ "microsoft_tenant": CONTOSO_TENANT_ID }));
    let faults = [
        (IdTokenFault::BadSignature, 400),
        (IdTokenFault::WrongNonce, 400),
        (IdTokenFault::NoNonce, 400),
        (IdTokenFault::WrongAud { value: None }, 400),
        (IdTokenFault::WrongIss { value: None }, 400),
        (IdTokenFault::WrongTid { value: None }, 400),
        (IdTokenFault::Expired { seconds: None }, 400),
        (IdTokenFault::NotYetValid { seconds: None }, 400),
        (IdTokenFault::AlgNone, 400),
        (IdTokenFault::Hs256 { value: None }, 400),
        (IdTokenFault::UnknownKey, 400),
        (IdTokenFault::StrangerSameKid, 400),
        (IdTokenFault::NoIdToken, 400),
        (IdTokenFault::NotJwt, 500),
    ];
    for (fault, code) in faults {
        world.control().add_fault(Fault::id_token(fault.clone()).times(1));
        let error = world.sign_in(&provider, "alice").await.expect_err(&format!("{fault:?}"));
        assert_eq!(error.to_api().code, code, "{fault:?}: {error}");
    }
    world.sign_in(&provider, "alice").await.expect("an honest sign-in");
}

#[tokio::test]
async fn odd_but_honest_tokens_are_believed() {
    let world = World::new().await;
    // Without `kid`: the only key, or any of several. Each provider is new, so that none knows a key from before.
    world.control().drop_old_keys();
    for (published, signing_last) in [(1, false), (2, false), (2, true)] {
        if world.control().key_ids().len() < published {
            world.control().rotate_keys();
        }
        world.control().publish_signing_key_last(signing_last);
        assert_eq!(world.control().key_ids().len(), published);
        world.control().add_fault(Fault::id_token(IdTokenFault::NoKid).times(1));
        let provider = world.microsoft(json!({}));
        let outcome = world.sign_in(&provider, "alice").await;
        outcome.unwrap_or_else(|e| panic!("{published} keys, the signing one last: {signing_last}: {e}"));
    }
    let provider = world.microsoft(json!({}));
    for fault in [IdTokenFault::AudArray, IdTokenFault::FutureIat { seconds: None }, IdTokenFault::RotatedKey] {
        world.control().add_fault(Fault::id_token(fault.clone()).times(1));
        world.sign_in(&provider, "alice").await.unwrap_or_else(|e| panic!("{fault:?}: {e}"));
    }
}

#[tokio::test]
async fn odd_tenant_ids_and_subjects_end_where_kratos_ends() {
    let world = World::new().await;
    let provider = world.microsoft(json!({ "microsoft_tenant": CONTOSO_TENANT_ID }));
    let cases = [
        (json!({ "tid": "contoso.onmicrosoft.com" }), vec![], 400),
        (json!({}), vec!["tid"], 400),
        (json!({ "tid": FABRIKAM_TENANT_ID }), vec![], 400),
        (json!({ "tid": CONTOSO_TENANT_ID.to_uppercase() }), vec![], 502),
        (json!({ "tid": CONTOSO_TENANT_ID.replace('-', "") }), vec![], 502),
        (json!({ "tid": 5 }), vec![], 500),
        (json!({}), vec!["sub"], 502),
        (json!({ "sub": "" }), vec![], 502),
        (json!({ "sub": 42 }), vec![], 400),
        (json!({ "email": 5 }), vec![], 400),
        (json!({ "amr": "mfa" }), vec![], 400),
    ];
    for (claims, drop, code) in cases {
        let fault = IdTokenFault::Claims {
            claims: claims.as_object().cloned().unwrap(),
            drop: drop.iter().map(|name| (*name).to_owned()).collect(),
        };
        world.control().add_fault(Fault::id_token(fault).times(1));
        let error = world.sign_in(&provider, "alice").await.expect_err("refused");
        assert_eq!(error.to_api().code, code, "{claims} {drop:?}: {error}");
    }
}

#[tokio::test]
async fn five_forms_of_tenant_admit_exactly_their_people() {
    let world = World::new().await;
    // Everybody signs in at `common`, so that the token's tenant alone decides.
    let door = world.microsoft(json!({}));
    let everybody = ["alice", "bob", "carol", "guest"];
    let matrix = [
        ("common", vec!["alice", "bob", "carol", "guest"]),
        ("organizations", vec!["alice", "bob", "guest"]),
        ("consumers", vec!["carol"]),
        (CONTOSO_TENANT_ID, vec!["alice", "guest"]),
        ("contoso.example", vec!["alice", "guest"]),
    ];
    for (tenant, admitted) in matrix {
        let provider = world.microsoft(json!({ "microsoft_tenant": tenant }));
        for who in everybody {
            let authorization = world.authorize(&door).await.unwrap();
            let code = world.code(&authorization, who).await;
            let outcome = exchange(&provider, &authorization, &code).await;
            assert_eq!(outcome.is_ok(), admitted.contains(&who), "{tenant} {who}: {:?}", outcome.err());
            if let Err(error) = outcome {
                assert_eq!((error.step(), error.to_api().code), (Step::Policy, 400));
            }
        }
    }
}

#[tokio::test]
async fn policies_narrow_who_may_in() {
    let world = World::new().await;
    let cases = [
        (json!({ "allowed_tenants": [CONTOSO_TENANT_ID] }), vec!["alice", "guest"]),
        (json!({ "allowed_tenants": ["fabrikam.example"] }), vec!["bob"]),
        (json!({ "personal_accounts": "deny" }), vec!["alice", "bob", "guest"]),
        (json!({ "guests": "deny" }), vec!["alice", "bob", "carol"]),
    ];
    for (policy, admitted) in cases {
        let provider = world.microsoft(json!({ "microsoft": policy }));
        for who in ["alice", "bob", "carol", "guest"] {
            let outcome = world.sign_in(&provider, who).await;
            assert_eq!(outcome.is_ok(), admitted.contains(&who), "{policy} {who}: {:?}", outcome.err());
        }
    }
}

#[tokio::test]
async fn a_foreign_address_is_never_proven() {
    let world = World::new().await;
    for mode in [
        json!({ "email_verified_from": "xms_edov" }),
        json!({ "email_verified_from": "tenant", "trusted_domains": { CONTOSO_TENANT_ID: ["contoso.example"] } }),
    ] {
        let provider = world.microsoft(json!({ "microsoft": mode }));
        // Mallory's claim is false, Trudy's absent, both with Alice's address in a tenant of their own.
        for (who, proven) in [("alice", true), ("mallory", false), ("trudy", false)] {
            let signed_in = world.sign_in(&provider, who).await.unwrap();
            assert_eq!(signed_in.claims.email, "alice@contoso.example");
            assert_eq!(signed_in.facts.email_proven, proven, "{mode} {who}");
        }
    }
}

#[tokio::test]
async fn xms_edov_counts_in_its_three_spellings_alone() {
    let world = World::new().await;
    let provider = world.microsoft(json!({ "microsoft": { "email_verified_from": "xms_edov" } }));
    let cases = [
        (json!(true), true),
        (json!(1), true),
        (json!("1"), true),
        (json!("true"), false),
        (json!(2), false),
        (json!(null), false),
        (json!([true]), false),
    ];
    for (value, proven) in cases {
        let overlay = Map::from_iter([("xms_edov".to_owned(), value.clone())]);
        world.control().overlay_claims(overlay);
        assert_eq!(world.sign_in(&provider, "alice").await.unwrap().facts.email_proven, proven, "{value}");
    }
    world.control().overlay_claims(json!({ "xms_edov": true, "email_verified": false }).as_object().cloned().unwrap());
    assert!(!world.sign_in(&provider, "alice").await.unwrap().facts.email_proven, "an explicit no is never overruled");
}

#[tokio::test]
async fn the_subject_comes_from_the_configured_source() {
    let world = World::new().await;
    let alice = world.control().person("alice").unwrap();
    let sub_of = |source: &str| {
        let provider = world.microsoft(json!({ "subject_source": source }));
        let world = &world;
        async move { world.sign_in(&provider, "alice").await.unwrap().claims.sub }
    };
    let pairwise = sub_of("userinfo").await;
    assert!(!pairwise.is_empty() && pairwise != alice.oid);
    assert_eq!(sub_of("oid").await, alice.oid);
    assert_eq!(sub_of("me").await, alice.oid);
    assert_eq!(sub_of("tid_oid").await, format!("{CONTOSO_TENANT_ID}/{}", alice.oid));
    world.control().drop_claims(&["oid"]);
    for source in ["oid", "tid_oid"] {
        let provider = world.microsoft(json!({ "subject_source": source }));
        let api = world.sign_in(&provider, "alice").await.unwrap_err().to_api();
        assert_eq!((api.code, api.reason.as_deref()), (502, Some("provider did not return a subject")));
    }
}

#[tokio::test]
async fn a_submitted_id_token_needs_its_nonce_and_an_audience_of_ours() {
    let world = World::new().await;
    let provider = world.microsoft(json!({ "additional_id_token_audiences": ["mobile-app"] }));
    let mint = |client: &str, nonce: Option<&str>, fault| {
        let mint = Mint {
            person: "alice".to_owned(),
            client_id: client.to_owned(),
            nonce: nonce.map(str::to_owned),
            fault,
            ..Mint::default()
        };
        world.control().mint_id_token(&mint).unwrap()
    };
    let cases = [
        (mint(TEST_CLIENT_ID, Some("n"), None), Some("n"), None),
        (mint("mobile-app", Some("n"), None), Some("n"), None),
        (mint("somebody-else", Some("n"), None), Some("n"), Some(403)),
        (mint(TEST_CLIENT_ID, Some("n"), Some(IdTokenFault::BadSignature)), Some("n"), Some(403)),
        ("rubbish".to_owned(), Some("n"), Some(403)),
        (mint(TEST_CLIENT_ID, Some("n"), None), None, Some(502)),
        (mint(TEST_CLIENT_ID, Some("n"), None), Some("m"), Some(502)),
        (mint(TEST_CLIENT_ID, None, None), Some("n"), Some(502)),
    ];
    for (at, (id_token, nonce, code)) in cases.iter().enumerate() {
        let request = IdTokenRequest { id_token, nonce: *nonce, now: now() };
        let outcome = provider.verify_id_token(request).await;
        assert_eq!(outcome.as_ref().err().map(|e| e.to_api().code), *code, "case {at}: {:?}", outcome.err());
    }
}

#[tokio::test]
async fn a_step_up_counts_only_when_the_token_names_it() {
    let world = World::new().await;
    let provider = world.microsoft(json!({ "microsoft": { "step_up_context": "c1" } }));
    let parameters = BTreeMap::new();
    for granted in [true, false] {
        world.control().grant_step_up(granted);
        let request = AuthorizeRequest { step_up: Some("c1"), ..AuthorizeRequest::new("s", &parameters, now()) };
        let authorization = provider.authorize(request).await.unwrap();
        let code = world.code(&authorization, "alice").await;
        let outcome = provider
            .exchange(ExchangeRequest {
                code: &code,
                redirect_uri: &authorization.redirect_uri,
                pkce_verifier: authorization.pkce_verifier.as_deref(),
                nonce: authorization.nonce.as_deref(),
                iss: None,
                user: None,
                step_up: Some("c1"),
                now: now(),
            })
            .await;
        assert_eq!(outcome.is_ok(), granted, "{:?}", outcome.err());
        assert!(outcome.map_or(true, |s| s.facts.second_factor));
    }
}

#[tokio::test]
async fn the_stand_ins_reserved_tenant_is_refused_whatever_the_host() {
    let options = bia_fake_entra::Options::dev();
    let entra = bia_fake_entra::start(options).await.unwrap();
    let outbound = bia_outbound::Outbound::new(bia_outbound::Policy::default()).unwrap();
    let world = World { entra, outbound };
    let entry = json!({
        "client_id": bia_fake_entra::RESERVED_CLIENT_ID, "client_secret": bia_fake_entra::RESERVED_CLIENT_SECRET,
    });
    let provider = world.microsoft(entry);
    assert_eq!(world.sign_in(&provider, "alice").await.unwrap_err().step(), Step::Policy);
    assert_eq!(bia_provider::STAND_IN_CLIENT_ID, bia_fake_entra::RESERVED_CLIENT_ID);
    assert_eq!(bia_provider::STAND_IN_TENANT_ID.to_string(), bia_fake_entra::RESERVED_TENANT_ID);
    let config = json!({ "providers": [provider_entry(&world)] });
    let config: bia_config::OidcConfig = serde_json::from_value(config).unwrap();
    let providers = bia_provider::Providers::with_stand_in(&config, &public_url(), &world.outbound);
    world.sign_in(&providers.get("dev").unwrap(), "alice").await.expect("`bia dev` believes its own stand-in");
}

fn provider_entry(world: &World) -> serde_json::Value {
    let base = world.entra.base_url();
    json!({
        "id": "dev", "provider": "microsoft", "client_id": bia_fake_entra::RESERVED_CLIENT_ID,
        "client_secret": bia_fake_entra::RESERVED_CLIENT_SECRET, "microsoft_tenant": "common",
        "mapper_url": "file://none", "microsoft": { "authority_host": base, "graph_host": base },
    })
}

#[test]
fn the_consumer_tenant_is_microsofts() {
    assert_eq!(CONSUMERS_TENANT_ID, "9188040d-6c67-4c5b-b112-36a304b66dad");
}

#[tokio::test]
async fn a_v1_token_is_named_as_such_to_the_operator() {
    let world = World::new().await;
    let provider = world.microsoft(json!({}));
    world.control().overlay_claims(json!({ "ver": "1.0" }).as_object().cloned().unwrap());
    let error = world.sign_in(&provider, "alice").await.unwrap_err();
    assert_eq!(error.to_api().code, 400);
    assert!(error.to_string().contains("accessTokenAcceptedVersion"), "{error}");
}

#[tokio::test]
async fn an_apps_own_signing_key_is_found_by_naming_the_app() {
    let world = World::new().await;
    let mut client = world.control().client(TEST_CLIENT_ID).unwrap();
    client.custom_signing_key = true;
    world.control().put_client(client);
    let without = world.microsoft(json!({}));
    assert_eq!(world.sign_in(&without, "alice").await.unwrap_err().step(), Step::IdToken);
    let with = world.microsoft(json!({ "microsoft": { "custom_signing_key": true } }));
    world.sign_in(&with, "alice").await.expect("the key that ?appid= publishes");
}
