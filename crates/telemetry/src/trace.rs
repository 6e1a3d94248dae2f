//! Spans of a trace, and how they are joined with the traces of others.
//!
//! Crates make spans with the target [`TARGET`] and nothing else; what is not listening costs nothing. Only a build with
//! the feature `otel` exports them, and it then sets the [`Propagation`]. Attributes are bounded words: a route, a kind
//! of call, a status. Never a token, a claim, an address or a query.

use std::sync::OnceLock;
use tracing::Span;

/// The target of every span that is exported. Nothing of a library has it.
pub const TARGET: &str = "bia::trace";

/// Reads and writes W3C trace context; implemented by whoever exports spans.
pub trait Propagation: Send + Sync {
    /// Makes `span` a child of the caller's.
    fn adopt(&self, span: &Span, traceparent: &str);
    /// The `traceparent` of the current span.
    fn outgoing(&self) -> Option<String>;
}

static PROPAGATION: OnceLock<Box<dyn Propagation>> = OnceLock::new();

/// Installs the one that counts; a second call changes nothing.
pub fn set_propagation(propagation: Box<dyn Propagation>) {
    let _ = PROPAGATION.set(propagation);
}

/// Makes `span` a child of the trace that a trusted proxy names. The caller decides who is trusted.
pub fn adopt(span: &Span, traceparent: &str) {
    if let Some(propagation) = PROPAGATION.get() {
        propagation.adopt(span, traceparent);
    }
}

/// The `traceparent` to send along, when spans are exported.
pub fn outgoing() -> Option<String> {
    PROPAGATION.get()?.outgoing()
}
