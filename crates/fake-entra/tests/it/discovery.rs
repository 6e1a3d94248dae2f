use bia_fake_entra::{CONSUMERS_TENANT_ID, CONTOSO_TENANT_ID};
use serde_json::json;

use crate::browser::site;

#[tokio::test]
async fn each_form_of_tenant_names_its_issuer_as_entra_does() {
    let site = site().await;
    let base = site.entra.base_url();
    for (tenant, expected) in [
        ("common", "{tenantid}"),
        ("organizations", "{tenantid}"),
        ("consumers", CONSUMERS_TENANT_ID),
        (CONTOSO_TENANT_ID, CONTOSO_TENANT_ID),
        ("contoso.example", CONTOSO_TENANT_ID),
    ] {
        let document = site.get_json(&format!("/{tenant}/v2.0/.well-known/openid-configuration")).await;
        assert_eq!(document["issuer"], json!(format!("{base}/{expected}/v2.0")));
        assert_eq!(document["token_endpoint"], json!(format!("{base}/{tenant}/oauth2/v2.0/token")));
        // Entra takes PKCE without announcing it.
        assert!(document.get("code_challenge_methods_supported").is_none());
        let keys = site.get_json(&format!("/{tenant}/discovery/v2.0/keys")).await;
        for key in keys["keys"].as_array().expect("keys") {
            assert_eq!(key["issuer"], document["issuer"]);
            assert!(key["kid"].is_string() && key["n"].is_string() && key["x5c"][0].is_string());
        }
    }
}

#[tokio::test]
async fn v1_documents_name_the_issuer_of_v1_tokens() {
    let site = site().await;
    let document = site.get_json("/common/.well-known/openid-configuration").await;
    assert_eq!(document["issuer"], "https://sts.windows.net/{tenantid}/");
    let document = site.get_json("/contoso.example/.well-known/openid-configuration").await;
    assert_eq!(document["issuer"], json!(format!("https://sts.windows.net/{CONTOSO_TENANT_ID}/")));
    let keys = site.get_json("/common/discovery/keys").await;
    assert!(keys["keys"][0].get("issuer").is_none());
}

#[tokio::test]
async fn application_id_leads_to_the_applications_own_key() {
    let site = site().await;
    let document = site.get_json("/common/v2.0/.well-known/openid-configuration?appid=app-1").await;
    let keys = document["jwks_uri"].as_str().expect("jwks_uri");
    assert!(keys.ends_with("/keys?appid=app-1"));
    let own = site.get_json(keys.strip_prefix(site.entra.base_url()).expect("ours")).await;
    assert_eq!(own["keys"].as_array().map(Vec::len), Some(1));
    assert!(!site.entra.control().key_ids().iter().any(|kid| own["keys"][0]["kid"] == json!(kid)));
}

#[tokio::test]
async fn path_prefix_becomes_part_of_every_address() {
    let site = site().await;
    let document = site.get_json("/usgov/common/v2.0/.well-known/openid-configuration").await;
    let base = site.url("/usgov");
    assert_eq!(document["issuer"], json!(format!("{base}/{{tenantid}}/v2.0")));
    assert_eq!(document["userinfo_endpoint"], json!(format!("{base}/oidc/userinfo")));
}

#[tokio::test]
async fn unknown_tenants_get_entras_error() {
    let site = site().await;
    for (tenant, code) in [("nowhere.example", 90002), ("nowhere", 900023)] {
        let answer = site.get(&format!("/{tenant}/v2.0/.well-known/openid-configuration")).await;
        assert_eq!(answer.status(), 400);
        let body: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(body["error_codes"][0], code);
        for member in ["trace_id", "correlation_id", "timestamp"] {
            assert!(body[member].is_string(), "{member}");
        }
    }
}
