//! Headers that lie about the client, and the admin port from outside.

use bia_e2e::{Answer, Bia, Browser, Site};
use http::Method;
use serde_json::{Value, json};

use crate::raw;

/// A person who is there, and nobody's business.
async fn somebody(bia: &Bia) -> String {
    let body = json!({ "schema_id": "default", "traits": { "email": "secret-person@contoso.example" } });
    let made = Browser::new().post_json(format!("{}/admin/identities", bia.admin), &body).await.expect(201);
    made["id"].as_str().expect("an id").to_owned()
}

async fn as_stored(bia: &Bia, id: &str) -> Value {
    Browser::new().get_json(format!("{}/admin/identities/{id}", bia.admin)).await.expect(200)
}

async fn count(bia: &Bia) -> usize {
    let all = Browser::new().get_json(format!("{}/admin/identities", bia.admin)).await.expect(200);
    all.as_array().expect("a list").len()
}

/// Every path and method of the admin port, as it describes itself.
async fn admin_routes(bia: &Bia, id: &str) -> Vec<(String, String)> {
    let described = Browser::new().get_json(format!("{}/admin/openapi.json", bia.admin)).await.expect(200);
    let mut routes = Vec::new();
    for (path, methods) in described["paths"].as_object().expect("paths") {
        let mut path = path.clone();
        while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
            path.replace_range(from..=to, id);
        }
        for method in methods.as_object().expect("methods").keys() {
            routes.push((method.to_uppercase(), path.clone()));
        }
    }
    routes
}

#[tokio::test]
async fn no_spelling_of_an_admin_path_reaches_anything_through_the_public_port() {
    let site = Site::new().await;
    let bia = site.start().await;
    let id = somebody(&bia).await;
    let before = as_stored(&bia, &id).await;
    let routes = admin_routes(&bia, &id).await;
    assert!(routes.len() > 15, "{routes:?}");
    let body = r#"{"schema_id":"default","traits":{"email":"made@evil.example"}}"#;
    for (method, path) in &routes {
        let bare = path.strip_prefix("/admin").unwrap_or(path);
        let spellings = [
            format!("/admin{bare}"),
            bare.to_owned(),
            format!("//admin{bare}"),
            format!("/./admin{bare}"),
            format!("/%61dmin{bare}"),
            format!("/ADMIN{bare}"),
            format!("/admin/{bare}"),
            format!("/admin/admin{bare}"),
            format!("/self-service/../admin{bare}"),
            format!("/self-service/%2e%2e/admin{bare}"),
            format!("/health/alive/..;/admin{bare}"),
            format!("/admin%2f{}", &bare[1..]),
            format!("/admin{bare}/"),
            format!("/admin{bare}%00"),
            format!("/admin{bare};x=y"),
            format!("http://127.0.0.1{}/admin{bare}", bia.admin.trim_start_matches("http://127.0.0.1")),
        ];
        for target in spellings {
            let request = format!(
                "{method} {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\naccept: application/json\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                bia.admin.trim_start_matches("http://"),
                body.len()
            );
            let answer = raw::send(&bia.public, &request).await;
            // What is public on both ports (schemas, health, the description) is no secret and does nothing.
            let is_public = answer.status == 200 && method == "GET";
            assert!(is_public || (300..500).contains(&answer.status), "{method} {target}: {answer:?}");
            let told = ["secret-person", "made@evil", r#""identity_id""#, "bia_store_operation"];
            assert!(
                answer.status == 307 || !told.iter().any(|text| answer.body.contains(text)),
                "{method} {target}: {answer:?}"
            );
        }
    }
    assert_eq!(as_stored(&bia, &id).await, before);
    assert_eq!(count(&bia).await, 1);
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing_through_the_admin_port() {
    let site = Site::new().await;
    let bia = site.start().await;
    let id = somebody(&bia).await;
    let before = as_stored(&bia, &id).await;
    // What a browser on the operator's own machine sends for a page somewhere on the web: no preflight stops a form.
    let attempt = |method: &'static str, path: String, kind: &'static str| {
        let body = r#"{"schema_id":"default","traits":{"email":"made@evil.example"}}"#;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\norigin: https://evil.example\r\n\
             sec-fetch-site: cross-site\r\nsec-fetch-mode: no-cors\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
            bia.admin.trim_start_matches("http://"),
            body.len()
        );
        let admin = bia.admin.clone();
        async move { raw::send(&admin, &request).await }
    };
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json"] {
        let answer = attempt("POST", "/admin/identities".to_owned(), kind).await;
        assert_eq!(answer.status, 403, "{kind}: {answer:?}");
    }
    for method in ["DELETE", "PUT", "PATCH"] {
        let answer = attempt(method, format!("/identities/{id}"), "text/plain").await;
        assert_eq!(answer.status, 403, "{method}: {answer:?}");
    }
    assert_eq!(as_stored(&bia, &id).await, before);
    assert_eq!(count(&bia).await, 1);
    // A link on a page to something that is only read works, and so does an administrator's page behind a proxy.
    let link = Browser::new().with_header("sec-fetch-site", "cross-site");
    assert_eq!(link.get(format!("{}/health/ready", bia.admin)).await.status, 200);
    let own =
        Browser::new().with_header("sec-fetch-site", "same-origin").with_header("origin", "https://admin.example");
    assert_eq!(own.call_json(Method::DELETE, format!("{}/identities/{id}", bia.admin), None).await.status, 204);
}

/// Everything that a proxy, a framework or an application might believe.
const LIES: [(&str, &str); 26] = [
    ("x-user", "admin"),
    ("x-user-id", "admin"),
    ("x-user-email", "admin@contoso.example"),
    ("x-forwarded-user", "admin"),
    ("x-forwarded-email", "admin@contoso.example"),
    ("x-forwarded-preferred-username", "admin"),
    ("x-auth-request-user", "admin"),
    ("x-kratos-authenticated-identity-id", "admin"),
    ("x-remote-user", "admin"),
    ("remote-user", "admin"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-server", "evil.example"),
    ("x-forwarded-port", "666"),
    ("x-forwarded-proto", "gopher"),
    ("x-forwarded-prefix", "//evil.example"),
    ("x-forwarded-uri", "/admin/identities"),
    ("x-forwarded-for", "6.6.6.6"),
    ("x-real-ip", "6.6.6.6"),
    ("true-client-ip", "6.6.6.6"),
    ("cf-connecting-ip", "6.6.6.6"),
    ("cf-ipcity", "Evilville"),
    ("forwarded", "for=6.6.6.6;host=evil.example;proto=gopher"),
    ("x-original-url", "/admin/identities"),
    ("x-rewrite-url", "/admin/identities"),
    ("x-http-method-override", "DELETE"),
    ("x-method-override", "DELETE"),
];

fn liar() -> Browser {
    LIES.iter().fold(Browser::new(), |browser, (name, value)| browser.with_header(name, value))
}

#[track_caller]
fn tells_no_lie(answer: &Answer) {
    for lie in ["evil.example", "evilville", "6.6.6.6", "gopher", "admin@contoso", ":666/"] {
        let headers = answer.headers.iter().map(|(_, value)| value.to_str().unwrap_or_default());
        assert!(!headers.into_iter().any(|value| value.to_lowercase().contains(lie)), "{lie}: {answer:?}");
        assert!(!answer.body.to_lowercase().contains(lie), "{lie}: {answer:?}");
    }
}

#[tokio::test]
async fn no_header_of_a_stranger_makes_a_person_an_address_or_another_request() {
    let names = ["X-User-Id", "X-User-Email", "X-User", "Remote-User"];
    let templates = ["{identity.id}", "{verified_email}", "{traits.email}", "{traits.nick}"];
    let headers: serde_json::Map<String, Value> =
        names.iter().zip(templates).map(|(name, template)| ((*name).to_owned(), json!(template))).collect();
    let site = Site::with(json!({ "bia": { "trusted_proxies": ["192.0.2.0/24"], "identity_headers": headers } })).await;
    let bia = site.start().await;
    let id = somebody(&bia).await;
    let stranger = liar();
    for path in ["/sessions/whoami", "/sessions/forward-auth", "/sessions", "/self-service/login/browser"] {
        for answer in [
            stranger.get_json(format!("{}{path}", bia.public)).await,
            stranger.get(format!("{}{path}", bia.public)).await,
        ] {
            assert!(answer.status != 200 || path.ends_with("/browser"), "{path}: {answer:?}");
            tells_no_lie(&answer);
            for name in names {
                assert_eq!(answer.header(name), "", "{path}: {answer:?}");
            }
        }
    }
    // A whole sign-in: she is who she is, from where she is, and the address at the provider is the configured one.
    stranger.set_cookie(&site.stand_in(), "persona", "alice");
    let session = stranger.signed_in(&bia, "microsoft").await;
    assert!(session["devices"][0]["ip_address"].as_str().is_some_and(|ip| ip.starts_with("127.0.0.1")), "{session}");
    let answer = stranger.get_json(format!("{}/sessions/whoami", bia.public)).await;
    assert_eq!(answer.header("x-user-id"), session["identity"]["id"].as_str().expect("an id"));
    assert_eq!(answer.header("x-user-email"), "", "nobody proved that address");
    tells_no_lie(&answer);
    let redirect = site.control().calls().into_iter().find_map(|call| call.query.get("redirect_uri").cloned());
    assert_eq!(redirect, Some(format!("{}/self-service/methods/oidc/callback/microsoft", bia.public)));
    assert!(as_stored(&bia, &id).await["traits"]["email"].is_string(), "nothing was deleted by an override");
}

#[tokio::test]
async fn bytes_that_two_servers_could_read_as_one_or_two_requests_are_refused() {
    let site = Site::new().await;
    let bia = site.start().await;
    let id = somebody(&bia).await;
    let smuggled = format!("DELETE /admin/identities/{id} HTTP/1.1\r\nhost: h\r\n\r\n");
    let (length, chunked) = (smuggled.len(), "transfer-encoding: chunked");
    for head in [
        format!("content-length: 0\r\ncontent-length: {length}"),
        format!("content-length: 0, {length}"),
        format!("content-length: +{length}"),
        format!("content-length: 0x0\r\n{chunked}"),
        "transfer-encoding: xchunked".to_owned(),
        "transfer-encoding: chunked, identity".to_owned(),
        "transfer-encoding : chunked".to_owned(),
        " transfer-encoding: chunked".to_owned(),
        "transfer-encoding:\u{b}chunked".to_owned(),
        "content-length: 0\r\n folded: yes".to_owned(),
        "content-length\r\n: 0".to_owned(),
    ] {
        for origin in [&bia.public, &bia.admin] {
            let request =
                format!("POST /self-service/login?flow=x HTTP/1.1\r\nhost: h\r\n{head}\r\n\r\n0\r\n\r\n{smuggled}");
            let answer = raw::send(origin, &request).await;
            let answers = format!("{}\r\n\r\n{}", answer.head, answer.body).matches("HTTP/1.1 ").count();
            assert!(answers <= 1, "{head:?} was read as {answers} requests: {answer:?}");
            assert!(answer.status == 0 || (400..500).contains(&answer.status), "{head:?} was taken: {answer:?}");
        }
        assert!(as_stored(&bia, &id).await["id"].is_string(), "{head:?}");
    }
}
