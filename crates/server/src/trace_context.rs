//! What a proxy says about a request so that it can be followed: `X-Request-ID` and W3C `traceparent`. Only a trusted
//! proxy is believed: anybody else could make our log lines look like those of another request, or switch sampling on.

use crate::client::{self, Peer};
use crate::dispatch::Port;
use crate::request_log::{REQUEST_ID, port_name};
use bia_config::Bia;
use http::{HeaderMap, Method, StatusCode};
use tracing::Span;

/// Longer ids are somebody's text in our log.
const ID_BYTES_MAX: usize = 128;
/// `00-<32 hex>-<16 hex>-<2 hex>`; later versions may be longer.
const TRACEPARENT_BYTES: std::ops::RangeInclusive<usize> = 55..=255;

/// The two headers, if they may count.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) request_id: Option<String>,
    pub(crate) traceparent: Option<String>,
}

impl Sent {
    pub(crate) fn read(peer: Peer, headers: &HeaderMap, bia: &Bia) -> Self {
        if !client::trusts(peer, bia) {
            return Self::default();
        }
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let request_id = text(REQUEST_ID.as_str())
            .filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX && id.bytes().all(|byte| byte.is_ascii_graphic()));
        let traceparent = text("traceparent").filter(|text| {
            TRACEPARENT_BYTES.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        });
        Self { request_id: request_id.map(str::to_owned), traceparent: traceparent.map(str::to_owned) }
    }
}

/// The span of one request. Its attributes are words of ours, the route as a pattern.
pub(crate) fn span(port: Port, method: &Method, request_id: &str) -> Span {
    tracing::info_span!(
        target: bia_telemetry::trace::TARGET,
        "request",
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        port = port_name(port),
        http.request.method = known(method),
        http.route = tracing::field::Empty,
        http.response.status_code = tracing::field::Empty,
        request_id,
    )
}

/// Names the current span by its route.
pub(crate) fn routed(method: &Method, route: &'static str) {
    let span = Span::current();
    if !span.is_disabled() {
        bia_telemetry::trace::rename(&span, || format!("{} {route}", known(method)));
        span.record("http.route", route);
    }
}

/// What came of it.
pub(crate) fn answered(span: &Span, status: StatusCode) {
    // Signed, because OpenTelemetry knows no other integers.
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

/// Anybody may invent methods.
fn known(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH | Method::DELETE | Method::OPTIONS => {
            method.as_str()
        }
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn sent(peer: &str, headers: &[(&'static str, &'static str)]) -> Sent {
        let map = headers.iter().map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_static(value)));
        Sent::read(Peer::Tcp(peer.parse().unwrap()), &map.collect(), &Bia::default())
    }

    #[test]
    fn ids_of_a_trusted_proxy_count_and_those_of_a_stranger_do_not() {
        let headers = [("x-request-id", "req-1"), ("traceparent", PARENT)];
        let expected = Sent { request_id: Some("req-1".to_owned()), traceparent: Some(PARENT.to_owned()) };
        assert_eq!(sent("127.0.0.1:9", &headers), expected);
        assert_eq!(sent("203.0.113.7:9", &headers), Sent::default());
    }

    #[test]
    fn an_id_that_could_forge_a_log_line_is_not_taken() {
        for id in ["a b", "", "\u{e4}"] {
            let map = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(id).unwrap())]);
            let read = Sent::read(Peer::Unix, &map, &Bia::default());
            assert_eq!(read.request_id, None, "{id:?}");
        }
        assert_eq!(sent("127.0.0.1:9", &[("traceparent", "00-x")]).traceparent, None);
    }
}
