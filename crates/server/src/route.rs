//! One row of the URL table, and how a request finds its row.
//!
//! The table is the router, the source of `/openapi.json` and the label of the request log, so that the three
//! can't drift apart. Matching is Go's: exact segments, `{name}` for one segment, GET answers HEAD too.

use crate::call::Call;
use axum::response::Response;
use bia_model::ApiError;
use http::Method;
use std::future::Future;
use std::pin::Pin;

/// What a handler gives back; an error is answered as Kratos' JSON envelope.
pub(crate) type Answer = Result<Response, ApiError>;
type Running = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Which methods a row answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    /// Any method, as proxies ask `/sessions/whoami` with the method of the request they guard.
    Any,
}

impl Verb {
    fn answers(self, method: &Method) -> bool {
        match self {
            Self::Any => true,
            Self::Get => matches!(*method, Method::GET | Method::HEAD),
            _ => self.name().eq_ignore_ascii_case(method.as_str()),
        }
    }

    /// The key of an OpenAPI path item.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get | Self::Any => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// Kratos' groups of operations; the SDKs name their classes after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Frontend,
    Identity,
    Metadata,
}

/// A row of the table.
pub(crate) struct Route {
    pub(crate) verb: Verb,
    pub(crate) path: &'static str,
    /// Kratos' operation id.
    pub(crate) operation: &'static str,
    pub(crate) tag: Tag,
    pub(crate) query: &'static [&'static str],
    /// Name of the request body's schema, if it has a body.
    pub(crate) body: Option<&'static str>,
    pub(crate) statuses: &'static [u16],
    /// Whether `bia.rate_limit` counts requests for it.
    pub(crate) is_limited: bool,
    pub(crate) run: fn(Call) -> Running,
}

impl Route {
    pub(crate) const fn new(verb: Verb, path: &'static str, operation: &'static str, run: fn(Call) -> Running) -> Self {
        Self {
            verb,
            path,
            operation,
            tag: Tag::Frontend,
            query: &[],
            body: None,
            statuses: &[200],
            is_limited: false,
            run,
        }
    }

    pub(crate) const fn tag(mut self, tag: Tag) -> Self {
        self.tag = tag;
        self
    }

    pub(crate) const fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self
    }

    pub(crate) const fn body(mut self, schema: &'static str) -> Self {
        self.body = Some(schema);
        self
    }

    /// Counted by `bia.rate_limit`.
    pub(crate) const fn limited(mut self) -> Self {
        self.is_limited = true;
        self
    }

    pub(crate) const fn answers(mut self, statuses: &'static [u16]) -> Self {
        self.statuses = statuses;
        self
    }
}

/// `route!(Get "/path" => "operationId", handler)`: a row for an async handler.
macro_rules! route {
    ($verb:ident $path:literal => $operation:literal, $handler:path) => {
        $crate::route::Route::new($crate::route::Verb::$verb, $path, $operation, |call| Box::pin($handler(call)))
    };
}
pub(crate) use route;

/// Values of a path's `{name}` segments.
pub(crate) type Params = Vec<(&'static str, String)>;

/// What the table says about a request.
pub(crate) enum Found {
    Route(&'static Route, Params),
    /// The path exists with other methods, listed as Go lists them.
    OtherMethods(String),
    Nothing,
}

/// Finds the row for a request.
pub(crate) fn find(table: &'static [Route], method: &Method, path: &str) -> Found {
    let mut others: Vec<&str> = Vec::new();
    for route in table {
        let Some(params) = matches(route.path, path) else { continue };
        if route.verb.answers(method) {
            return Found::Route(route, params);
        }
        others.extend(match route.verb {
            Verb::Get => &["GET", "HEAD"][..],
            Verb::Post => &["POST"],
            Verb::Put => &["PUT"],
            Verb::Patch => &["PATCH"],
            Verb::Delete => &["DELETE"],
            Verb::Any => &[],
        });
    }
    others.sort_unstable();
    others.dedup();
    if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others.join(", ")) }
}

fn matches(pattern: &'static str, path: &str) -> Option<Params> {
    let mut params = Params::new();
    let (mut expected, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (expected.next(), given.next()) {
            (None, None) => return Some(params),
            (Some(expected), Some(given)) => match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) if !given.is_empty() => params.push((name, percent_decode(given)?)),
                None if expected == given => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

fn percent_decode(segment: &str) -> Option<String> {
    let mut out = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn nothing(_: Call) -> Answer {
        Ok(crate::answer::no_content())
    }

    static TABLE: &[Route] = &[
        route!(Get "/a" => "a", nothing),
        route!(Delete "/a" => "deleteA", nothing),
        route!(Any "/a/me" => "me", nothing),
        route!(Delete "/a/{id}" => "deleteOne", nothing),
    ];

    fn found(method: &Method, path: &str) -> String {
        match find(TABLE, method, path) {
            Found::Route(route, params) => format!("{} {params:?}", route.operation),
            Found::OtherMethods(allow) => format!("405 {allow}"),
            Found::Nothing => "404".to_owned(),
        }
    }

    #[test]
    fn rows_are_found_by_method_and_segments() {
        assert_eq!(found(&Method::GET, "/a"), "a []");
        assert_eq!(found(&Method::HEAD, "/a"), "a []");
        assert_eq!(found(&Method::PUT, "/a"), "405 DELETE, GET, HEAD");
        assert_eq!(found(&Method::PUT, "/a/me"), "me []");
        assert_eq!(found(&Method::DELETE, "/a/x%20y"), "deleteOne [(\"id\", \"x y\")]");
        assert_eq!(found(&Method::GET, "/a/x"), "405 DELETE");
        assert_eq!(found(&Method::DELETE, "/a/%zz"), "404");
        for path in ["/", "/a/", "//a", "/a/x/y", ""] {
            assert_eq!(found(&Method::DELETE, path), "404", "{path}");
        }
    }
}
