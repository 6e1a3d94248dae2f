//! Requests that no honest client would write, byte by byte.

use std::time::Duration;

use bia_e2e::Bia;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

/// What came back, as text.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Raw {
    /// Values of a header, in order.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    /// Where a browser that stands at `base` would go.
    pub(crate) fn leads_to(&self, base: &str) -> Option<Url> {
        let location = self.header("location").first().copied()?;
        Some(Url::parse(base).expect("a URL").join(location).expect("a location"))
    }
}

/// `<method> <target> HTTP/1.1` with these header lines (each ended by CRLF) and no body, to one of the two ports.
pub(crate) async fn ask(origin: &str, method: &str, target: &str, headers: &str) -> Raw {
    let head = format!("{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n{headers}\r\n");
    send(origin, &head).await
}

/// These very bytes.
pub(crate) async fn send(origin: &str, request: &str) -> Raw {
    let mut stream = TcpStream::connect(origin.trim_start_matches("http://")).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // An answer that was cut by a reset is looked at as far as it came. No server waits that long for the rest of a
    // request; the bound is for a test that would hang otherwise.
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the connection stayed open after {}", String::from_utf8_lossy(&answer));
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
    Raw { status, head: head.to_owned(), body: body.to_owned() }
}

/// A browser's cookies in the order and number that an attacker wants, asking as a script does.
pub(crate) async fn with_cookies(bia: &Bia, target: &str, cookies: &str) -> Raw {
    ask(&bia.public, "GET", target, &format!("accept: application/json\r\ncookie: {cookies}\r\n")).await
}
