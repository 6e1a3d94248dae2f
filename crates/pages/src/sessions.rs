//! Sessions, as their owner recognises them: which device, where, since when.

use crate::catalogue::Catalogues;
use crate::details::cut;
use crate::moment::{self, When};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

const MAX_SESSIONS: usize = 250;
const MAX_AGENT: usize = 120;

/// One session in the list.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) device: String,
    /// Where it was seen: location and address.
    pub(crate) place: String,
    pub(crate) providers: String,
    pub(crate) aal: String,
    pub(crate) signed_in: When,
    pub(crate) expires: When,
}

/// What reading sessions needs.
pub(crate) struct Reader<'a> {
    pub(crate) catalogues: &'a Catalogues,
    pub(crate) tag: &'a str,
    /// What providers are called, by id.
    pub(crate) labels: &'a BTreeMap<String, String>,
    pub(crate) now: Option<i64>,
}

impl Reader<'_> {
    pub(crate) fn list(&self, sessions: &Value) -> Vec<Session> {
        let list = sessions.as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().take(MAX_SESSIONS).map(|session| self.session(session)).collect()
    }

    pub(crate) fn session(&self, session: &Value) -> Session {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        // The latest authentication tells where the session is now.
        let device = session["devices"].as_array().and_then(|devices| devices.last()).unwrap_or(&Value::Null);
        let address = device["ip_address"].as_str().map(without_port).unwrap_or_default();
        let place: Vec<_> = [text(&device["location"]), address].into_iter().filter(|part| !part.is_empty()).collect();
        Session {
            id: text(&session["id"]),
            device: self.device(device["user_agent"].as_str().unwrap_or_default()),
            place: cut(&place.join(" · "), MAX_AGENT),
            providers: providers(session).iter().map(|id| self.provider(id)).collect::<Vec<_>>().join(", "),
            aal: text(&session["authenticator_assurance_level"]),
            signed_in: moment::when(&session["authenticated_at"], self.now, self.catalogues, self.tag),
            expires: moment::when(&session["expires_at"], self.now, self.catalogues, self.tag),
        }
    }

    /// What a provider is called on its button.
    pub(crate) fn provider(&self, id: &str) -> String {
        self.labels.get(id).filter(|label| !label.is_empty()).cloned().unwrap_or_else(|| id.to_owned())
    }

    fn device(&self, agent: &str) -> String {
        let text = |key: &str, browser: &str, system: &str| {
            let value = |name: &str| match name {
                "browser" => Some(browser.to_owned()),
                "system" => Some(system.to_owned()),
                _ => None,
            };
            self.catalogues.text(self.tag, key, &value).unwrap_or_default()
        };
        match (browser(agent), system(agent)) {
            (Some(browser), Some(system)) => text("device.browser_on_system", browser, system),
            (Some(name), None) | (None, Some(name)) => name.to_owned(),
            (None, None) if agent.trim().is_empty() => text("device.unknown", "", ""),
            (None, None) => cut(agent, MAX_AGENT),
        }
    }
}

/// Kratos keeps a client's port with its address; nobody recognises a port.
fn without_port(address: &str) -> String {
    address.parse::<std::net::SocketAddr>().map_or_else(|_| address.to_owned(), |address| address.ip().to_string())
}

/// The providers that a session was proven with, each once.
pub(crate) fn providers(session: &Value) -> Vec<String> {
    let methods = session["authentication_methods"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut out: Vec<String> = Vec::new();
    for name in methods.iter().take(MAX_SESSIONS).filter_map(|method| method["provider"].as_str()) {
        if !out.iter().any(|known| known == name) {
            out.push(name.to_owned());
        }
    }
    out
}

/// First match counts: every browser also claims to be its ancestors.
fn first(agent: &str, table: &[(&str, &'static str)]) -> Option<&'static str> {
    table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
}

fn browser(agent: &str) -> Option<&'static str> {
    const BROWSERS: &[(&str, &str)] = &[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("Vivaldi", "Vivaldi"),
        ("Firefox/", "Firefox"),
        ("FxiOS", "Firefox"),
        ("CriOS", "Chrome"),
        ("Chromium", "Chromium"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    first(agent, BROWSERS)
}

fn system(agent: &str) -> Option<&'static str> {
    const SYSTEMS: &[(&str, &str)] = &[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("CrOS", "ChromeOS"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    first(agent, SYSTEMS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(tag: &str, session: Value) -> Session {
        let catalogues = Catalogues::new(&[], None).unwrap();
        let labels = [("entra".to_owned(), "Contoso Staff".to_owned())].into();
        Reader { catalogues: &catalogues, tag, labels: &labels, now: None }.session(&session)
    }

    #[test]
    fn devices_are_named_by_browser_and_system() {
        for (agent, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/128.0 Safari/537.36 Edg/128.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5.0", "curl"),
            ("my-app/1.0", "my-app/1.0"),
            ("", "Unknown device"),
        ] {
            let session = json!({"devices": [{"user_agent": "old"}, {"user_agent": agent}]});
            assert_eq!(read("en", session).device, expected);
        }
    }

    #[test]
    fn providers_are_called_what_their_buttons_say() {
        let session = json!({"authentication_methods": [{"provider": "entra"}, {"provider": "other"}]});
        assert_eq!(read("en", session).providers, "Contoso Staff, other");
    }

    #[test]
    fn addresses_are_shown_without_a_port() {
        for (address, shown) in [
            ("192.0.2.1:4711", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("somewhere", "somewhere"),
        ] {
            let session = json!({"devices": [{"ip_address": address}]});
            assert_eq!(read("en", session).place, shown);
        }
    }

    #[test]
    fn a_session_of_any_shape_is_read() {
        for session in [json!(null), json!([]), json!({"devices": {}, "authentication_methods": "x", "id": 1})] {
            assert_eq!(read("en", session).device, "Unknown device");
        }
    }
}
