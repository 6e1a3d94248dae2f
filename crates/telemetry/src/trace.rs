//! Spans of a trace, and how they are joined with the traces of others.
//!
//! Crates make spans with the target [`TARGET`] and nothing else; what is not listening costs nothing. Only a build with
//! the feature `otel` exports them, and it then sets the [`Listener`]. Attributes are bounded words: a route, a kind
//! of call, a status. Never a token, a claim, an address or a query.

use std::sync::OnceLock;
use tracing::Span;

/// The target of every span that is exported. Nothing of a library has it.
pub const TARGET: &str = "bia::trace";

/// What only whoever exports spans can do with them.
pub trait Listener: Send + Sync {
    /// Makes `span` a child of the caller's.
    fn adopt(&self, span: &Span, traceparent: &str);
    /// Gives a span that has begun another name.
    fn rename(&self, span: &Span, name: String);
    /// The `traceparent` of the current span.
    fn outgoing(&self) -> Option<String>;
}

static LISTENER: OnceLock<Box<dyn Listener>> = OnceLock::new();

/// Installs the one that counts; a second call changes nothing.
pub fn set_listener(listener: Box<dyn Listener>) {
    let _ = LISTENER.set(listener);
}

/// Makes `span` a child of the trace that a trusted proxy names. The caller decides who is trusted.
pub fn adopt(span: &Span, traceparent: &str) {
    if let Some(listener) = LISTENER.get() {
        listener.adopt(span, traceparent);
    }
}

/// Names a span by what was found out after it began, such as a request's route.
pub fn rename(span: &Span, name: impl FnOnce() -> String) {
    if let Some(listener) = LISTENER.get() {
        listener.rename(span, name());
    }
}

/// The `traceparent` to send along, when spans are exported.
pub fn outgoing() -> Option<String> {
    LISTENER.get()?.outgoing()
}
