//! Everything from outside has a limit, and past it a short clear answer; the server goes on.

use bia_e2e::{Bia, Browser, Site};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sends bytes as they are; the status of the answer and its length, `None` when the connection was cut.
async fn raw(bia: &Bia, head: &str, body: &[u8]) -> Option<(u16, usize)> {
    let address = bia.public.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // The server may have answered and closed before everything was sent.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer);
    let status = text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, answer.len()))
}

#[tokio::test]
async fn oversized_requests_are_refused_shortly_and_the_server_goes_on() {
    let site = Site::new().await;
    let bia = site.start().await;
    let flow = Browser::new().begin(&bia, "login").await;
    let action = url::Url::parse(flow["ui"]["action"].as_str().expect("an action")).expect("a URL");
    let target = format!("{}?{}", action.path(), action.query().unwrap_or_default());
    let big = |bytes: usize| "x".repeat(bytes);
    let get = |path: &str, header: &str| format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{header}\r\n");
    let post = |length: usize| {
        format!(
            "POST {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\naccept: application/json\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let many: String = (0..300).map(|index| format!("x-{index}: y\r\n")).collect();
    let fields = "a=b&".repeat(200_000);
    let cases = [
        ("a header of 1 MiB", 431, get("/sessions/whoami", &format!("x-big: {}\r\n", big(1 << 20))), String::new()),
        ("300 headers", 431, get("/sessions/whoami", &many), String::new()),
        (
            "a cookie of 60 KiB",
            401,
            get("/sessions/whoami", &format!("cookie: ory_kratos_session={}\r\n", big(60_000))),
            String::new(),
        ),
        ("5000 cookies", 401, get("/sessions/whoami", &format!("cookie: {}\r\n", "a=b; ".repeat(5000))), String::new()),
        (
            "a state of 50 KiB",
            400,
            get(
                &format!("/self-service/methods/oidc/callback/microsoft?code=a&state={}", big(50_000)),
                "accept: application/json\r\n",
            ),
            String::new(),
        ),
        ("a path of 1 MiB", 431, get(&format!("/{}", big(1 << 20)), ""), String::new()),
        ("a body of 6 MiB", 413, post(6 << 20), big(6 << 20)),
        ("200,000 fields", 400, post(fields.len()), fields),
        ("a length that is none", 400, post(0).replace("content-length: 0", "content-length: -1"), String::new()),
        ("two lengths", 400, post(3).replace("\r\n\r\n", "\r\ncontent-length: 5\r\n\r\n"), "abcde".to_owned()),
        ("no HTTP at all", 400, "\u{16}\u{3}\u{1} hello\r\n\r\n".to_owned(), String::new()),
    ];
    for (name, expected, head, body) in cases {
        // A cut connection would be no answer: who sent too much by mistake has to learn it.
        let (status, length) = raw(&bia, &head, body.as_bytes()).await.unwrap_or_else(|| panic!("{name}: no answer"));
        assert_eq!(status, expected, "{name}");
        assert!(length < 4096, "{name}: {length} bytes");
        assert_eq!(Browser::new().get(format!("{}/health/alive", bia.public)).await.status, 200, "{name}");
    }
    site.browser("alice").signed_in(&bia, "microsoft").await;
    assert!(!bia.log().contains("panicked"), "{}", bia.log());
}

#[tokio::test]
async fn a_deeply_nested_body_and_a_body_of_another_kind_are_refused() {
    let site = Site::new().await;
    let bia = site.start().await;
    let flow = Browser::new().begin(&bia, "login").await;
    let action = url::Url::parse(flow["ui"]["action"].as_str().expect("an action")).expect("a URL");
    for (kind, body) in [
        ("application/json", "[".repeat(100_000)),
        ("application/json", format!("{}{}", r#"{"traits":"#.repeat(5000), "1")),
        ("application/xml", "<a/>".to_owned()),
        ("multipart/form-data; boundary=x", "--y\r\n".to_owned()),
        ("application/x-www-form-urlencoded", format!("traits{}=1", ".a".repeat(50_000))),
    ] {
        let head = format!(
            "POST {}?{} HTTP/1.1\r\nhost: h\r\nconnection: close\r\naccept: application/json\r\ncontent-type: {kind}\r\n\
             content-length: {}\r\n\r\n",
            action.path(),
            action.query().unwrap_or_default(),
            body.len()
        );
        let (status, _) = raw(&bia, &head, body.as_bytes()).await.expect("an answer");
        // Kratos: JSON that can't be read is a plain 500.
        assert!((400..=500).contains(&status), "{kind}: {status}");
    }
    assert!(!bia.log().contains("panicked"), "{}", bia.log());
}
