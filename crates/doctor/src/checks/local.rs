//! Asks the ports of this very machine: a plain HTTP call past every proxy and every rule for calls to others.

use super::tls;
use bia_config::Tls;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

const TIMEOUT: Duration = Duration::from_secs(2);
const SIZE_MAX: u64 = 64 * 1024;

/// A port of the configuration.
pub(crate) struct Listener<'c> {
    /// `serve.public` or `serve.admin`.
    pub(crate) key: &'static str,
    pub(crate) host: &'c str,
    pub(crate) port: u16,
    pub(crate) tls: &'c Tls,
}

/// What it answered.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl Listener<'_> {
    /// The socket file, when it is one.
    pub(crate) fn socket(&self) -> Option<PathBuf> {
        self.host.strip_prefix("unix:").map(PathBuf::from)
    }

    /// Where to open the port.
    pub(crate) fn bind_to(&self) -> &str {
        if self.host.is_empty() { "0.0.0.0" } else { self.host.trim_matches(['[', ']']) }
    }

    /// One GET. None when nobody answers in time, or not in HTTP.
    pub(crate) async fn get(&self, path: &str) -> Option<Reply> {
        tokio::time::timeout(TIMEOUT, self.ask(path)).await.ok()?
    }

    async fn ask(&self, path: &str) -> Option<Reply> {
        if let Some(socket) = self.socket() {
            return talk(UnixStream::connect(socket).await.ok()?, path).await;
        }
        let host = match self.bind_to() {
            "0.0.0.0" => "127.0.0.1",
            "::" => "::1",
            host => host,
        };
        let stream = TcpStream::connect((host, self.port)).await.ok()?;
        if self.tls.is_enabled() {
            return talk(tls::any(stream).await?, path).await;
        }
        talk(stream, path).await
    }
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> Option<Reply> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut bytes = Vec::new();
    // A server that leaves without TLS's farewell has still answered.
    let _ = stream.take(SIZE_MAX).read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    Some(Reply { status, body: body.to_owned() })
}
