//! A relying party in a few lines: start, sign in, redeem, verify.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bia_fake_entra::{FakeEntra, Options, TEST_CLIENT_ID, TEST_CLIENT_SECRET, start};
use reqwest::{Client, Response, redirect};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Map, Value};
use url::Url;

pub(crate) const CALLBACK: &str = "http://127.0.0.1:4433/self-service/methods/oidc/callback/microsoft";
pub(crate) const VERIFIER: &str = "verifier-verifier-verifier-verifier-verifier-1";

pub(crate) struct Site {
    pub(crate) entra: FakeEntra,
    pub(crate) http: Client,
}

pub(crate) fn client() -> reqwest::ClientBuilder {
    // Several tests install it; the first one wins and the others need nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(redirect::Policy::none()).no_proxy()
}

pub(crate) async fn site() -> Site {
    site_with(Options::default()).await
}

pub(crate) async fn site_with(options: Options) -> Site {
    let http = client().build().expect("client");
    Site { entra: start(options).await.expect("start"), http }
}

pub(crate) fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes()))
}

/// Parameters with some replaced or added; an empty value removes.
pub(crate) fn merged<'a>(base: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = base.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    kept.chain(changes.iter().filter(|(_, value)| !value.is_empty())).copied().collect()
}

impl Site {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.entra.base_url())
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http.get(self.url(path)).send().await.expect("answer")
    }

    pub(crate) async fn get_json(&self, path: &str) -> Value {
        self.get(path).await.json().await.expect("JSON")
    }

    pub(crate) async fn bearer(&self, path: &str, token: &str) -> Response {
        let url = if path.starts_with("http") { path.to_owned() } else { self.url(path) };
        self.http.get(url).bearer_auth(token).send().await.expect("answer")
    }

    pub(crate) async fn authorize(&self, tenant: &str, changes: &[(&str, &str)]) -> Response {
        let base = [
            ("client_id", TEST_CLIENT_ID),
            ("response_type", "code"),
            ("scope", "openid profile email offline_access"),
            ("redirect_uri", CALLBACK),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
        ];
        let url = self.url(&format!("/{tenant}/oauth2/v2.0/authorize"));
        self.http.get(url).query(&merged(&base, changes)).send().await.expect("answer")
    }

    pub(crate) async fn code(&self, tenant: &str, changes: &[(&str, &str)]) -> String {
        returned(&self.authorize(tenant, changes).await)["code"].clone()
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.http.post(self.url(path)).form(form).send().await.expect("answer")
    }

    pub(crate) async fn redeem(&self, tenant: &str, code: &str, changes: &[(&str, &str)]) -> (u16, Value) {
        let base = [
            ("client_id", TEST_CLIENT_ID),
            ("client_secret", TEST_CLIENT_SECRET),
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
        ];
        let answer = self.post(&format!("/{tenant}/oauth2/v2.0/token"), &merged(&base, changes)).await;
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    /// A whole sign-in; the token endpoint's answer.
    pub(crate) async fn sign_in(&self, tenant: &str, who: &str, changes: &[(&str, &str)]) -> Value {
        let mut all = vec![("login_hint", who)];
        all.extend(changes);
        let code = self.code(tenant, &all).await;
        let (status, answer) = self.redeem(tenant, &code, &[]).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub(crate) async fn claims_of(&self, who: &str) -> Map<String, Value> {
        let answer = self.sign_in("common", who, &[]).await;
        payload(text(&answer, "id_token"))
    }

    /// Whether a key of that set verifies the token.
    pub(crate) async fn is_signed(&self, token: &str, keys: &str) -> bool {
        let set = self.get_json(keys).await;
        let header = part(token, 0);
        let Some(key) = set["keys"].as_array().expect("keys").iter().find(|key| key["kid"] == header["kid"]) else {
            return false;
        };
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().expect("text")).expect("base64url");
        let (signed, signature) = token.rsplit_once('.').expect("three parts");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        RsaPublicKeyComponents { n: bytes("n"), e: bytes("e") }
            .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
            .is_ok()
    }
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is missing in {value}"))
}

fn part(token: &str, index: usize) -> Map<String, Value> {
    let part = token.split('.').nth(index).expect("part");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

pub(crate) fn header(token: &str) -> Map<String, Value> {
    part(token, 0)
}

pub(crate) fn payload(token: &str) -> Map<String, Value> {
    part(token, 1)
}

/// The parameters that came back to the application.
pub(crate) fn returned(response: &Response) -> std::collections::HashMap<String, String> {
    let location = response.headers().get("location").expect("a redirect").to_str().expect("ASCII");
    let url = Url::parse(location).expect("URL");
    url.query_pairs().into_owned().collect()
}
