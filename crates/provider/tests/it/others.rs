//! Generic, Google, GitHub, GitLab and Apple over the same path.

use crate::support::{World, exchange, now, query};
use bia_fake_entra::{
    AppleKey, Client, Endpoint, EndpointFault, Fault, IdTokenFault, Mint, PLAIN_CLIENT_ID, PLAIN_CLIENT_SECRET,
};
use bia_provider::{IdTokenRequest, Provider};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::sync::Arc;

const APPLE_KEY: &str = include_str!("apple.pem");

fn generic(world: &World, op: &str, more: Value) -> Arc<dyn Provider> {
    let mut entry = json!({
        "id": "generic", "provider": "generic", "client_id": PLAIN_CLIENT_ID, "client_secret": PLAIN_CLIENT_SECRET,
        "issuer_url": world.entra.plain_issuer(op), "mapper_url": "file://none", "scope": ["profile", "email"],
    });
    crate::support::lay_over(&mut entry, more);
    world.provider(entry)
}

fn named(world: &World, kind: &str, scope: Value) -> Arc<dyn Provider> {
    world.provider(json!({
        "id": kind, "provider": kind, "client_id": PLAIN_CLIENT_ID, "client_secret": PLAIN_CLIENT_SECRET,
        "issuer_url": format!("{}/{kind}", world.entra.base_url()), "mapper_url": "file://none", "scope": scope,
    }))
}

#[tokio::test]
async fn pkce_follows_metadata_and_setting_as_in_kratos() {
    let world = World::new().await;
    let cases = [
        ("pkce", "auto", true, "/callback/generic"),
        ("plain", "auto", false, "/callback/generic"),
        ("pkce", "never", false, "/callback/generic"),
        ("plain", "force", true, "/callback"),
    ];
    for (op, pkce, sent, callback) in cases {
        let provider = generic(&world, op, json!({ "pkce": pkce }));
        let authorization = world.authorize(&provider).await.unwrap();
        assert_eq!(query(&authorization.url, "code_challenge").is_some(), sent, "{op} {pkce}");
        assert_eq!(query(&authorization.url, "nonce"), None);
        assert!(authorization.redirect_uri.ends_with(callback));
        let code = world.code(&authorization, "alice").await;
        let signed_in = exchange(&provider, &authorization, &code).await.unwrap();
        assert!(signed_in.facts.email_proven, "a true email_verified is the proof");
    }
}

#[tokio::test]
async fn an_answer_in_another_issuers_name_is_refused_before_its_code_is_sent() {
    let world = World::new().await;
    let own = |op: &str| world.entra.plain_issuer(op);
    let tenant = |id: &str| format!("{}/{id}/v2.0", world.entra.base_url());
    let (named, plain) = (generic(&world, "named", json!({})), generic(&world, "plain", json!({})));
    let microsoft = world.microsoft(json!({}));
    for (provider, iss, accepted) in [
        (&named, Some(own("named")), true),
        (&named, None, false),
        (&named, Some(own("plain")), false),
        (&named, Some(own("named/")), false),
        // Who promises nothing may leave it away, and still not name somebody else.
        (&plain, None, true),
        (&plain, Some(own("plain")), true),
        (&plain, Some(own("named")), false),
        (&microsoft, None, true),
        (&microsoft, Some(tenant(bia_fake_entra::CONTOSO_TENANT_ID)), true),
        (&microsoft, Some(tenant("evil.example")), false),
        (&microsoft, Some(own("plain")), false),
    ] {
        check_answer(&world, provider, iss.as_deref(), accepted).await;
    }
}

/// Signs Alice in with an answer in that issuer's name; a refused one's code is not sent.
async fn check_answer(world: &World, provider: &Arc<dyn Provider>, iss: Option<&str>, accepted: bool) {
    let authorization = world.authorize(provider).await.unwrap();
    let code = world.code(&authorization, "alice").await;
    let asked = world.control().count(Endpoint::Token);
    let request = bia_provider::ExchangeRequest {
        code: &code,
        redirect_uri: &authorization.redirect_uri,
        pkce_verifier: authorization.pkce_verifier.as_deref(),
        nonce: authorization.nonce.as_deref(),
        iss,
        user: None,
        step_up: None,
        now: now(),
    };
    let outcome = provider.exchange(request).await;
    assert_eq!(outcome.is_ok(), accepted, "{iss:?}: {:?}", outcome.err());
    assert_eq!(world.control().count(Endpoint::Token) - asked, usize::from(accepted), "{iss:?}");
}

#[tokio::test]
async fn microsoft_is_held_to_a_promise_to_name_itself() {
    let world = World::new().await;
    let base = world.entra.base_url();
    let metadata = json!({
        "issuer": format!("{base}/{{tenantid}}/v2.0"),
        "jwks_uri": format!("{base}/common/discovery/v2.0/keys"),
        "authorization_response_iss_parameter_supported": true,
    });
    let promises = EndpointFault::Status {
        status: 200,
        retry_after: None,
        body: Some(metadata),
        headers: std::collections::BTreeMap::new(),
    };
    world.control().add_fault(Fault::at(Endpoint::Discovery, promises));
    let microsoft = world.microsoft(json!({}));
    check_answer(&world, &microsoft, None, false).await;
    let own = format!("{base}/{}/v2.0", bia_fake_entra::CONTOSO_TENANT_ID);
    check_answer(&world, &microsoft, Some(&own), true).await;
}

#[tokio::test]
async fn a_token_without_a_claim_that_every_token_has_is_refused() {
    let world = World::new().await;
    let provider = generic(&world, "plain", json!({}));
    for claim in ["iss", "sub", "aud", "exp", "iat"] {
        world.control().drop_claims(&[claim]);
        let error = world.sign_in(&provider, "alice").await.expect_err(claim);
        // Kratos: without a subject it is the provider that misbehaves.
        assert_eq!(error.to_api().code, if claim == "sub" { 502 } else { 400 }, "{claim}: {error}");
    }
    world.control().drop_claims(&[]);
    world.sign_in(&provider, "alice").await.expect("a whole token");
    // Without `kid` every key that fits is tried, not the first one alone.
    world.control().rotate_keys();
    world.control().publish_signing_key_last(true);
    assert_eq!(world.control().key_ids().len(), 2);
    let provider = generic(&world, "plain", json!({}));
    world.control().add_fault(Fault::id_token(IdTokenFault::NoKid));
    world.sign_in(&provider, "alice").await.expect("a token by one of several keys");
}

#[tokio::test]
async fn userinfo_counts_only_for_the_person_of_the_id_token() {
    let world = World::new().await;
    let provider = generic(&world, "plain", json!({ "claims_source": "userinfo" }));
    let signed_in = world.sign_in(&provider, "bob").await.unwrap();
    assert!(!signed_in.claims.raw_claims.contains_key("aud"), "raw claims are userinfo's alone");
    assert_eq!(signed_in.claims.iss, world.entra.plain_issuer("plain"));
    world.control().overlay_userinfo(json!({ "sub": "somebody-else" }).as_object().cloned().unwrap());
    let api = world.sign_in(&provider, "bob").await.unwrap_err().to_api();
    assert_eq!(api.code, 400);
    assert_eq!(api.reason.as_deref(), Some("sub (Subject) claim mismatch between ID token and UserInfo endpoint"));
    // The access token goes into the header alone: addresses end in logs.
    let mut asked = world.control().calls();
    asked.retain(|call| call.endpoint == Endpoint::Userinfo);
    assert_eq!(asked.len(), 2);
    for call in asked {
        assert!(call.path.ends_with("/op/plain/userinfo"), "{}", call.path);
        assert!(call.query.is_empty() && call.form.is_empty(), "{:?} {:?}", call.query, call.form);
        assert_eq!(call.authorization.expect("a header").scheme, "Bearer");
    }
}

#[tokio::test]
async fn metadata_of_another_issuer_is_refused() {
    let world = World::new().await;
    for op in ["badissuer", "trailing"] {
        let provider = generic(&world, op, json!({}));
        let api = world.authorize(&provider).await.unwrap_err().to_api();
        assert_eq!((api.code, api.id.as_deref()), (500, Some("invalid_configuration")), "{op}");
    }
    let issuer = format!("{}/", world.entra.plain_issuer("trailing"));
    let provider = generic(&world, "trailing", json!({ "issuer_url": issuer }));
    world.sign_in(&provider, "alice").await.expect("the closing slash is part of the issuer");
}

#[tokio::test]
async fn the_place_of_the_secret_is_found_and_remembered() {
    let world = World::new().await;
    for op in ["basiconly", "postonly", "plain"] {
        let provider = generic(&world, op, json!({}));
        world.sign_in(&provider, "alice").await.unwrap_or_else(|e| panic!("{op}: {e}"));
        world.control().clear_log();
        world.sign_in(&provider, "alice").await.unwrap();
        assert_eq!(world.control().count(Endpoint::Token), 1, "{op}");
    }
    let odd = json!({ "client_id": "plain client+odd", "client_secret": "s%c:r e+t/&=" });
    let provider = generic(&world, "basiconly", odd);
    world.sign_in(&provider, "alice").await.expect("both parts of Basic are form-encoded");
}

#[tokio::test]
async fn a_generic_token_is_checked_like_any_other() {
    let world = World::new().await;
    let provider = generic(&world, "plain", json!({}));
    for fault in [
        IdTokenFault::BadSignature,
        IdTokenFault::WrongAud { value: None },
        IdTokenFault::WrongIss { value: None },
        IdTokenFault::Expired { seconds: None },
        IdTokenFault::AlgNone,
        IdTokenFault::Hs256 { value: None },
        IdTokenFault::NotJwt,
    ] {
        world.control().add_fault(Fault::id_token(fault.clone()).times(1));
        let error = world.sign_in(&provider, "alice").await.expect_err("refused");
        assert_eq!(error.to_api().code, 400, "{fault:?}: {error}");
    }
    world.control().add_fault(Fault::at(Endpoint::Userinfo, EndpointFault::status(500)));
    let provider = generic(&world, "plain", json!({ "claims_source": "userinfo" }));
    assert_eq!(world.sign_in(&provider, "alice").await.unwrap_err().to_api().code, 500);
}

#[tokio::test]
async fn a_generic_provider_takes_submitted_tokens_with_their_nonce() {
    let world = World::new().await;
    let provider = generic(&world, "plain", json!({}));
    let mint = Mint {
        person: "bob".to_owned(),
        client_id: PLAIN_CLIENT_ID.to_owned(),
        nonce: Some("n".to_owned()),
        plain_provider: Some("plain".to_owned()),
        ..Mint::default()
    };
    let token = world.control().mint_id_token(&mint).unwrap();
    for (nonce, accepted) in [(Some("n"), true), (Some("other"), false), (None, false)] {
        let request = IdTokenRequest { id_token: &token, nonce, now: now() };
        assert_eq!(provider.verify_id_token(request).await.is_ok(), accepted);
    }
}

#[tokio::test]
async fn google_asks_for_offline_access_in_its_own_way() {
    let world = World::new().await;
    let provider = named(&world, "google", json!(["profile", "email", "offline_access"]));
    let authorization = world.authorize(&provider).await.unwrap();
    assert_eq!(query(&authorization.url, "access_type").as_deref(), Some("offline"));
    assert_eq!(query(&authorization.url, "scope").as_deref(), Some("profile email openid"));
    let code = world.code(&authorization, "alice").await;
    let signed_in = exchange(&provider, &authorization, &code).await.unwrap();
    assert!(signed_in.facts.email_proven);
}

#[tokio::test]
async fn github_tells_the_primary_address_when_the_scope_was_granted() {
    let world = World::new().await;
    let provider = named(&world, "github", json!(["user:email"]));
    let signed_in = world.sign_in(&provider, "bob").await.unwrap();
    assert_eq!(signed_in.claims.email, "bob@fabrikam.example");
    assert_eq!(signed_in.claims.nickname, "bob");
    assert_eq!(signed_in.claims.sub, world.control().person("bob").unwrap().number().to_string());
    assert!(signed_in.claims.iss.ends_with("/login/oauth/access_token"));
    let wrong = world.provider(json!({
        "id": "github", "provider": "github", "client_id": PLAIN_CLIENT_ID, "client_secret": "wrong",
        "issuer_url": format!("{}/github", world.entra.base_url()), "mapper_url": "file://none",
    }));
    let error = world.sign_in(&wrong, "bob").await.expect_err("GitHub refuses with status 200");
    assert_eq!(error.to_api().code, 500);
    assert_eq!(error.provider_said().map(|u| u.error.as_str()), Some("incorrect_client_credentials"));
}

#[tokio::test]
async fn gitlab_tells_by_its_userinfo() {
    let world = World::new().await;
    let provider = named(&world, "gitlab", json!(["openid", "profile", "email"]));
    let signed_in = world.sign_in(&provider, "alice").await.unwrap();
    assert_eq!(signed_in.claims.email, "alice@contoso.example");
    assert!(!signed_in.claims.sub.is_empty() && !signed_in.claims.iss.is_empty());
}

#[tokio::test]
async fn apples_secret_is_a_signed_statement_and_the_name_comes_beside() {
    let world = World::new().await;
    let der = PrivateKeyDer::from_pem_slice(APPLE_KEY.as_bytes()).unwrap();
    let random = ring::rand::SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_der(), &random).unwrap();
    world.control().put_client(Client {
        apple: Some(AppleKey {
            team_id: "TEAM".to_owned(),
            key_id: "KEY".to_owned(),
            public_point: key.public_key().as_ref().to_vec(),
        }),
        ..Client::new("apple-client", "unused")
    });
    let provider = world.provider(json!({
        "id": "apple", "provider": "apple", "client_id": "apple-client", "apple_team_id": "TEAM",
        "apple_private_key_id": "KEY", "apple_private_key": APPLE_KEY,
        "issuer_url": format!("{}/apple", world.entra.base_url()), "mapper_url": "file://none", "scope": ["name", "email"],
    }));
    let signed_in = world.sign_in(&provider, "alice").await.expect("the secret verifies");
    assert!(!signed_in.claims.sub.is_empty());
    let authorization = world.authorize(&provider).await.unwrap();
    let code = world.code(&authorization, "alice").await;
    let request = bia_provider::ExchangeRequest {
        code: &code,
        redirect_uri: &authorization.redirect_uri,
        pkce_verifier: None,
        nonce: None,
        iss: None,
        user: Some(r#"{"name":{"firstName":"Alice","lastName":"Adams"}}"#),
        step_up: None,
        now: now(),
    };
    let claims = provider.exchange(request).await.unwrap().claims;
    assert_eq!((claims.given_name.as_str(), claims.family_name.as_str()), ("Alice", "Adams"));
}
