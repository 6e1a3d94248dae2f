//! `serve.public.cors`: which web pages of other origins may call the public API.

use axum::response::Response;
use bia_config::{Cors as CorsConfig, CorsMethod};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

/// The rules of one configuration, ready to be applied.
#[derive(Clone, Debug)]
pub(crate) struct Cors {
    enabled: bool,
    passthrough: bool,
    any_origin: bool,
    origins: Vec<(String, Option<String>)>,
    methods: Vec<CorsMethod>,
    headers: Vec<String>,
    any_header: bool,
    exposed: Option<HeaderValue>,
    credentials: bool,
    max_age: u64,
}

impl Cors {
    pub(crate) fn new(config: &CorsConfig) -> Self {
        let origins = config.allowed_origins.iter().map(|origin| {
            let origin = origin.to_ascii_lowercase();
            match origin.split_once('*') {
                Some((before, after)) => (before.to_owned(), Some(after.to_owned())),
                None => (origin, None),
            }
        });
        let exposed = config.exposed_headers.iter().map(|name| canonical(name)).collect::<Vec<_>>().join(", ");
        Self {
            enabled: config.enabled,
            passthrough: config.options_passthrough,
            any_origin: config.allowed_origins.iter().any(|origin| origin == "*"),
            origins: origins.collect(),
            methods: config.allowed_methods.clone(),
            headers: config.allowed_headers.iter().map(|name| name.to_ascii_lowercase()).collect(),
            any_header: config.allowed_headers.iter().any(|name| name == "*"),
            exposed: HeaderValue::from_str(&exposed).ok().filter(|value| !value.is_empty()),
            credentials: config.allow_credentials,
            max_age: config.max_age,
        }
    }

    /// The answer to a pre-flight request; `None` hands the request on.
    pub(crate) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
        if !self.enabled || method != Method::OPTIONS || self.passthrough {
            return None;
        }
        let mut response = crate::answer::no_content();
        let out = response.headers_mut();
        for name in ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"] {
            out.append(header::VARY, HeaderValue::from_static(name));
        }
        self.fill_preflight(wanted, headers, out);
        Some(response)
    }

    fn fill_preflight(&self, wanted: &HeaderValue, headers: &HeaderMap, out: &mut HeaderMap) {
        let Some(origin) = self.allowed_origin(headers) else { return };
        let listed = |method: &CorsMethod| wanted == method.as_str() || wanted == "OPTIONS";
        if !self.methods.iter().any(listed) {
            return;
        }
        let asked =
            headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok()).unwrap_or("");
        let allows = |name: &str| {
            let name = name.trim().to_ascii_lowercase();
            name.is_empty() || name == "origin" || self.any_header || self.headers.contains(&name)
        };
        if !asked.split(',').all(allows) {
            return;
        }
        out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        out.insert(header::ACCESS_CONTROL_ALLOW_METHODS, wanted.clone());
        if let Some(asked) = HeaderValue::from_str(asked).ok().filter(|value| !value.is_empty()) {
            out.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
        self.allow_credentials(out);
        if self.max_age > 0 {
            out.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(self.max_age));
        }
    }

    /// Adds what the page's browser needs to hand the answer over.
    pub(crate) fn apply(&self, request: &HeaderMap, response: &mut HeaderMap) {
        if !self.enabled {
            return;
        }
        // The answer depends on who asks, also when nobody does: a cache must not mix them up.
        response.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = self.allowed_origin(request) else { return };
        response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if let Some(exposed) = &self.exposed {
            response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
        self.allow_credentials(response);
    }

    fn allow_credentials(&self, out: &mut HeaderMap) {
        if self.credentials {
            out.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }

    fn allowed_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        if self.any_origin {
            // Browsers refuse `*` together with credentials, so nobody's cookies travel to just any page.
            return Some(HeaderValue::from_static("*"));
        }
        let text = origin.to_str().ok()?.to_ascii_lowercase();
        let fits = |(before, after): &(String, Option<String>)| match after {
            None => text == *before,
            Some(after) => {
                text.len() >= before.len() + after.len() && text.starts_with(before) && text.ends_with(after.as_str())
            }
        };
        self.origins.iter().any(fits).then(|| origin.clone())
    }
}

fn canonical(name: &str) -> String {
    HeaderName::from_bytes(name.as_bytes())
        .map_or_else(|_| String::new(), |name| crate::call::canonical_header(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    fn cors(origins: &[&str]) -> Cors {
        let allowed_origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        Cors::new(&CorsConfig { enabled: true, allowed_origins, ..CorsConfig::default() })
    }

    fn from(origin: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::ORIGIN, origin.parse().unwrap())])
    }

    fn allowed(cors: &Cors, origin: &str) -> Option<String> {
        let mut out = HeaderMap::new();
        cors.apply(&from(origin), &mut out);
        out.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn only_listed_origins_may_read_answers() {
        let cors = cors(&["https://app.contoso.com", "https://*.fabrikam.com"]);
        assert_eq!(allowed(&cors, "https://app.contoso.com").as_deref(), Some("https://app.contoso.com"));
        assert_eq!(allowed(&cors, "https://x.fabrikam.com").as_deref(), Some("https://x.fabrikam.com"));
        for origin in ["https://contoso.com", "https://app.contoso.com.evil.example", "https://fabrikam.com", "null"] {
            assert_eq!(allowed(&cors, origin), None, "{origin}");
        }
    }

    #[test]
    fn any_origin_is_never_reflected() {
        assert_eq!(allowed(&cors(&["*"]), "https://evil.example").as_deref(), Some("*"));
    }

    #[test]
    fn a_preflight_is_answered_and_refused_by_leaving_the_headers_out() {
        let cors = cors(&["https://app.contoso.com"]);
        let mut headers = from("https://app.contoso.com");
        assert!(cors.preflight(&Method::OPTIONS, &headers).is_none());
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"));
        headers.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static("content-type"));
        let answer = cors.preflight(&Method::OPTIONS, &headers).unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(answer.headers()[header::ACCESS_CONTROL_ALLOW_METHODS], "POST");
        assert_eq!(answer.headers()[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        headers.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static("x-strange"));
        let refused = cors.preflight(&Method::OPTIONS, &headers).unwrap();
        assert!(refused.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN).is_none());
    }

    #[test]
    fn nothing_happens_while_it_is_off() {
        let cors = Cors::new(&CorsConfig::default());
        assert_eq!(allowed(&cors, "https://app.contoso.com"), None);
    }
}
