//! The three cookies: session, anti-CSRF, continuity. Names and attributes as Kratos (contract §8.2, §1.1, §3.2).

#[cfg(test)]
mod properties;

use bia_config::{Config, CookieAttributes, SameSite};
use bia_model::Timestamp;
use cookie::Cookie;
use http::{HeaderMap, HeaderValue, header};

/// The cookie that binds a sign-in to the browser that began it.
pub(crate) const CONTINUITY: &str = "ory_kratos_continuity";
const CSRF_MAX_AGE: time::Duration = time::Duration::days(365);
const CONTINUITY_MAX_AGE: time::Duration = time::Duration::days(30);
/// Kratos: a cookie that is taken away keeps a value, so that proxies which drop empty cookies pass it on.
const GONE: &str = "gone";

/// Attributes of a kind of cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Attributes {
    domain: String,
    path: String,
    secure: bool,
    same_site: SameSite,
}

impl From<CookieAttributes<'_>> for Attributes {
    fn from(attributes: CookieAttributes<'_>) -> Self {
        let path = if attributes.path.is_empty() { "/" } else { attributes.path };
        Self {
            domain: attributes.domain.to_owned(),
            path: path.to_owned(),
            secure: attributes.secure,
            same_site: attributes.same_site,
        }
    }
}

/// How cookies are written under one configuration.
#[derive(Clone, Debug)]
pub(crate) struct CookiePolicy {
    csrf_name: String,
    csrf: Attributes,
    session_name: String,
    session: Attributes,
    session_persistent: bool,
    continuity_secure: bool,
}

impl CookiePolicy {
    pub(crate) fn new(config: &Config) -> Self {
        let mut csrf = Attributes::from(config.cookie());
        let continuity_secure = csrf.secure;
        if !csrf.secure {
            // Browsers drop `SameSite=None` without `Secure`.
            csrf.same_site = SameSite::Lax;
        }
        Self {
            csrf_name: crate::csrf::cookie_name(config.public_url().as_str()),
            csrf,
            session_name: config.session.cookie.name.clone(),
            session: Attributes::from(config.session_cookie()),
            session_persistent: config.session.cookie.persistent,
            continuity_secure,
        }
    }

    pub(crate) fn csrf_name(&self) -> &str {
        &self.csrf_name
    }

    pub(crate) fn session_name(&self) -> &str {
        &self.session_name
    }

    /// `Set-Cookie` for the anti-CSRF token.
    pub(crate) fn csrf(&self, token: &str) -> String {
        let mut cookie = build(&self.csrf_name, token, &self.csrf);
        cookie.set_max_age(CSRF_MAX_AGE);
        cookie.to_string()
    }

    /// `Set-Cookie` for a session whose sealed cookie is `value`.
    pub(crate) fn session(&self, value: &str, expires_at: Timestamp, now: Timestamp) -> String {
        let mut cookie = build(&self.session_name, value, &self.session);
        if self.session_persistent {
            cookie.set_max_age(time::Duration::seconds(expires_at.since(now).as_secs().try_into().unwrap_or(i64::MAX)));
            cookie.set_expires(expires_at.to_offset());
        }
        cookie.to_string()
    }

    /// `Set-Cookie` that takes the session cookie away.
    pub(crate) fn end_session(&self) -> String {
        let mut cookie = build(&self.session_name, GONE, &self.session);
        cookie.set_max_age(time::Duration::ZERO);
        cookie.set_expires(time::OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(1));
        cookie.to_string()
    }

    /// `Set-Cookie` for the continuity cookie. Kratos: always `Lax` and without a domain, since it must come
    /// along when the provider sends the browser back, and to this host alone.
    pub(crate) fn continuity(&self, value: &str, now: Timestamp) -> String {
        let attributes = Attributes {
            domain: String::new(),
            path: "/".to_owned(),
            secure: self.continuity_secure,
            same_site: SameSite::Lax,
        };
        let mut cookie = build(CONTINUITY, value, &attributes);
        cookie.set_max_age(CONTINUITY_MAX_AGE);
        cookie.set_expires(now.to_offset() + CONTINUITY_MAX_AGE);
        cookie.to_string()
    }
}

fn build(name: &str, value: &str, attributes: &Attributes) -> Cookie<'static> {
    let mut cookie = Cookie::new(name.to_owned(), value.to_owned());
    cookie.set_path(attributes.path.clone());
    if !attributes.domain.is_empty() {
        cookie.set_domain(attributes.domain.clone());
    }
    cookie.set_http_only(true);
    if attributes.secure {
        cookie.set_secure(true);
    }
    cookie.set_same_site(match attributes.same_site {
        SameSite::Strict => cookie::SameSite::Strict,
        SameSite::Lax => cookie::SameSite::Lax,
        SameSite::None => cookie::SameSite::None,
    });
    cookie
}

/// Adds a `Set-Cookie` line; one that can't be a header (a control character in a configured name) is left out.
pub(crate) fn append(headers: &mut HeaderMap, line: &str) {
    if let Ok(value) = HeaderValue::from_str(line) {
        headers.append(header::SET_COOKIE, value);
    }
}

/// The request's cookies in order, as sent.
pub(crate) fn parse(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(secure: bool, domain: &str, same_site: SameSite) -> CookiePolicy {
        let attributes = Attributes { domain: domain.to_owned(), path: "/".to_owned(), secure, same_site };
        CookiePolicy {
            csrf_name: "csrf_token_x".to_owned(),
            csrf: attributes.clone(),
            session_name: "ory_kratos_session".to_owned(),
            session: attributes,
            session_persistent: true,
            continuity_secure: secure,
        }
    }

    #[test]
    fn attributes_are_those_of_kratos() {
        let now = Timestamp::from_secs(1_767_225_600);
        let plain = policy(false, "", SameSite::Lax);
        assert_eq!(plain.csrf("T+/="), "csrf_token_x=T+/=; HttpOnly; SameSite=Lax; Path=/; Max-Age=31536000");
        assert_eq!(
            plain.session("S", now + std::time::Duration::from_secs(86_400), now),
            "ory_kratos_session=S; HttpOnly; SameSite=Lax; Path=/; Max-Age=86400; Expires=Fri, 02 Jan 2026 00:00:00 GMT"
        );
        assert_eq!(
            plain.end_session(),
            "ory_kratos_session=gone; HttpOnly; SameSite=Lax; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:01 GMT"
        );
        assert_eq!(
            plain.continuity("C", now),
            "ory_kratos_continuity=C; HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000; Expires=Sat, 31 Jan 2026 00:00:00 GMT"
        );
    }

    #[test]
    fn production_cookies_are_secure_and_follow_the_configuration() {
        let now = Timestamp::from_secs(1_767_225_600);
        let mut strict = policy(true, "contoso.com", SameSite::Strict);
        assert_eq!(
            strict.csrf("T"),
            "csrf_token_x=T; HttpOnly; SameSite=Strict; Secure; Path=/; Domain=contoso.com; Max-Age=31536000"
        );
        strict.session_persistent = false;
        assert_eq!(
            strict.session("S", now, now),
            "ory_kratos_session=S; HttpOnly; SameSite=Strict; Secure; Path=/; Domain=contoso.com"
        );
        assert!(strict.continuity("C", now).contains("SameSite=Lax; Secure; Path=/; Max-Age"));
    }

    #[test]
    fn cookies_are_read_in_order_with_their_values_as_sent() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; b=\"2\"; c=x=y"));
        headers.append(header::COOKIE, HeaderValue::from_static("a=3;junk"));
        let pairs: Vec<_> = parse(&headers).into_iter().map(|(name, value)| format!("{name}:{value}")).collect();
        assert_eq!(pairs, ["a:1", "b:2", "c:x=y", "a:3"]);
    }
}
