//! The keyword `ory.sh/kratos`: what a trait means besides being valid (Kratos: `identity/extension_*.go`).

use super::failure::Failure;
use super::{Derived, DerivedAddress, formats, go_text, normalise};
use crate::credentials::CredentialsType;
use crate::message::Message;
use serde_json::{Map, Value};

/// The keyword's name.
pub(super) const KEYWORD: &str = "ory.sh/kratos";

/// What one schema says about the value it describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extension {
    password_identifier: bool,
    webauthn_identifier: bool,
    code_identifier: bool,
    code_via: String,
    verification_via: String,
    recovery_via: String,
    /// The `format` beside the keyword.
    format: String,
}

impl Extension {
    /// Reads the keyword; the error says which key inside it is wrong.
    pub(super) fn parse(keyword: &Value, format: &str) -> Result<Self, String> {
        const CHANNELS: &[&str] = &["email", "sms"];
        let root = object(keyword, "")?;
        only(root, "", &["credentials", "verification", "recovery", "organizations"])?;
        let credentials = section(root, "credentials")?;
        let kinds = ["password", "webauthn", "passkey", "totp", "code"];
        only(&credentials, "credentials", &kinds)?;
        let flag = |kind: &str, key: &str| -> Result<bool, String> {
            let allowed: &[&str] = if kind == "code" { &[key, "via"] } else { &[key] };
            let at = format!("credentials.{kind}");
            let entry = section(&credentials, kind).map_err(|_| format!("`{at}` must be an object"))?;
            only(&entry, &at, allowed)?;
            match entry.get(key) {
                None => Ok(false),
                Some(Value::Bool(on)) => Ok(*on),
                Some(_) => Err(format!("`{at}.{key}` must be true or false")),
            }
        };
        flag("passkey", "display_name")?;
        flag("totp", "account_name")?;
        let via = |name: &str| -> Result<String, String> {
            let entry = section(root, name)?;
            only(&entry, name, &["via"])?;
            choice(&entry, &format!("{name}.via"), CHANNELS)
        };
        let organizations = section(root, "organizations")?;
        only(&organizations, "organizations", &["matcher"])?;
        choice(&organizations, "organizations.matcher", &["email_domain"])?;
        Ok(Self {
            password_identifier: flag("password", "identifier")?,
            webauthn_identifier: flag("webauthn", "identifier")?,
            code_identifier: flag("code", "identifier")?,
            code_via: choice(&section(&credentials, "code")?, "credentials.code.via", CHANNELS)?,
            verification_via: via("verification")?,
            recovery_via: via("recovery")?,
            format: format.to_owned(),
        })
    }

    /// Whether the trait is kept as a phone number in E.164.
    pub(super) fn is_phone(&self) -> bool {
        (self.code_identifier && self.code_via == "sms") || self.recovery_via == "sms" || self.verification_via == "sms"
    }

    pub(super) fn is_verifiable(&self) -> bool {
        !self.verification_via.is_empty()
    }

    /// Notes what follows from `value`. The first refusal ends it, as in Kratos.
    pub(super) fn run(&self, value: &Value, derived: &mut Derived) -> Result<(), Refusal> {
        let text = go_text::plain(value);
        if self.password_identifier {
            derived.add_identifier(CredentialsType::Password, normalise::graceful(&text));
        }
        if self.webauthn_identifier {
            derived.add_identifier(CredentialsType::Webauthn, normalise::graceful(&text));
        }
        if self.code_identifier {
            let address = self.code_address(&text)?;
            derived.add_code_address(&self.code_via, address);
        }
        if self.is_verifiable() {
            let address = self.verifiable_address(value, &text)?;
            derived.add_verifiable(&self.verification_via, address);
        }
        if !self.recovery_via.is_empty() {
            let address = self.recovery_address(value, &text)?;
            derived.add_recovery(&self.recovery_via, address);
        }
        Ok(())
    }

    fn code_address(&self, text: &str) -> Result<String, Refusal> {
        match self.code_via.as_str() {
            "" => Err(Refusal {
                keyword: "ory.sh~/kratos/credentials/code/via",
                message: Box::new(generic("channel type \"\" must be one of email, sms".to_owned())),
            }),
            "email" if !matches!(self.format.as_str(), "" | "email") => Ok(normalise::graceful(text)),
            via => normalise::address(text, via).ok_or_else(|| Refusal {
                keyword: "",
                message: Box::new(generic(if via == "sms" {
                    "the provided number is not a valid phone number".to_owned()
                } else {
                    "the provided value is not a valid email address".to_owned()
                })),
            }),
        }
    }

    fn verifiable_address(&self, value: &Value, text: &str) -> Result<String, Refusal> {
        let format = match (self.format.as_str(), self.verification_via.as_str()) {
            ("", "email") => {
                strict_email(value, text)?;
                "email"
            }
            ("", _) => {
                return Err(Refusal::format(generic(
                    "no format specified. A format is required if verification is enabled. \
                     If this was intentional, please set \"format\" to \"no-validate\""
                        .to_owned(),
                )));
            }
            (format, _) => format,
        };
        if !matches!(format, "email" | "tel") {
            return Ok(text.trim().to_owned());
        }
        normalise::address(text, &self.verification_via).ok_or_else(|| {
            Refusal::format(generic(format!(
                "{} can not be normalized for format {}",
                go_text::quote(text),
                go_text::quote(format)
            )))
        })
    }

    fn recovery_address(&self, value: &Value, text: &str) -> Result<String, Refusal> {
        if self.recovery_via == "email" {
            if matches!(self.format.as_str(), "" | "email") {
                strict_email(value, text)?;
            }
            return Ok(normalise::identifier(text));
        }
        normalise::phone(text).ok_or_else(|| Refusal::format(Message::not_of_format(text, "tel")))
    }
}

/// Why the keyword refuses a value.
pub(super) struct Refusal {
    keyword: &'static str,
    message: Box<Message>,
}

impl Refusal {
    fn format(message: Message) -> Self {
        Self { keyword: "format", message: Box::new(message) }
    }

    pub(super) fn into_failure(self, instance: &str, schema: &str, value: &Value) -> Failure {
        let text = match self.message.id {
            crate::message::id::PHONE_FORMAT => {
                format!("{} is not valid \"tel\" for \"sms\"", go_text::quote(&go_text::plain(value)))
            }
            _ => super::failure::format_text(&self.message, value),
        };
        Failure::new(instance, schema, self.keyword, text, *self.message)
    }
}

fn strict_email(value: &Value, text: &str) -> Result<(), Refusal> {
    if formats::check("email", value) == Some(true) {
        return Ok(());
    }
    Err(Refusal::format(Message::not_of_format(text, "email")))
}

fn generic(text: String) -> Message {
    Message::generic(&text)
}

impl Derived {
    fn add_identifier(&mut self, kind: CredentialsType, identifier: String) {
        if !self.identifiers.contains(&(kind, identifier.clone())) {
            self.identifiers.push((kind, identifier));
        }
    }

    fn add_code_address(&mut self, via: &str, value: String) {
        add_address(&mut self.code_addresses, via, value);
        // Kratos: addresses of the code credential are sorted, its identifiers follow as they appear.
        self.code_addresses.sort_by(|a, b| (&a.value, &a.via).cmp(&(&b.value, &b.via)));
        for address in self.code_addresses.clone() {
            self.add_identifier(CredentialsType::Code, address.value);
        }
    }

    fn add_verifiable(&mut self, via: &str, value: String) {
        add_address(&mut self.verifiable, via, value);
    }

    fn add_recovery(&mut self, via: &str, value: String) {
        add_address(&mut self.recovery, via, value);
    }
}

fn add_address(list: &mut Vec<DerivedAddress>, via: &str, value: String) {
    let known = list.iter().any(|a| a.via == via && normalise::graceful(&a.value) == normalise::graceful(&value));
    if !known {
        list.push(DerivedAddress { via: via.to_owned(), value });
    }
}

fn object<'a>(value: &'a Value, at: &str) -> Result<&'a Map<String, Value>, String> {
    value.as_object().ok_or_else(|| match at {
        "" => format!("`{KEYWORD}` must be an object"),
        at => format!("`{at}` must be an object"),
    })
}

fn section(map: &Map<String, Value>, key: &str) -> Result<Map<String, Value>, String> {
    map.get(key).map_or_else(|| Ok(Map::new()), |value| object(value, key).cloned())
}

fn only(map: &Map<String, Value>, at: &str, allowed: &[&str]) -> Result<(), String> {
    let Some(unknown) = map.keys().find(|key| !allowed.contains(&key.as_str())) else {
        return Ok(());
    };
    let place = if at.is_empty() { KEYWORD } else { at };
    Err(format!("`{place}` has no key `{unknown}`; allowed: {}", allowed.join(", ")))
}

fn choice(map: &Map<String, Value>, at: &str, allowed: &[&str]) -> Result<String, String> {
    let key = at.rsplit('.').next().unwrap_or(at);
    match map.get(key) {
        None => Ok(String::new()),
        Some(Value::String(text)) if allowed.contains(&text.as_str()) => Ok(text.clone()),
        Some(_) => Err(format!("`{at}` must be one of: {}", allowed.join(", "))),
    }
}
