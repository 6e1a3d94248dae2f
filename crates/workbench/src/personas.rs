//! Twelve shapes of Entra tokens, shipped as data. The stand-in of `bia dev` issues the same: a test holds them together.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// One shape.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// For `--persona` and `{"persona": …}`.
    #[serde(skip)]
    pub name: String,
    /// What is special about the token.
    pub about: String,
    /// Who has it at the stand-in.
    pub person: String,
    /// The claims of the ID token.
    pub id_token: Map<String, Value>,
    /// What Graph says about the person.
    #[serde(default)]
    pub graph: Map<String, Value>,
}

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../personas/", $name, ".json")))),+]
    };
}

const SHIPPED: [(&str, &str); 12] = shipped![
    "member",
    "guest",
    "personal",
    "no-mail",
    "unproven-mail",
    "proven-mail",
    "overage",
    "many-roles",
    "one-time-code",
    "v1-claims",
    "on-premises",
    "unicode",
];

/// All of them, in one order.
pub fn all() -> &'static [Persona] {
    static ALL: LazyLock<Vec<Persona>> = LazyLock::new(|| {
        let read = |(name, text): &(&str, &str)| {
            let persona: Persona = serde_json::from_str(text).ok()?;
            Some(Persona { name: (*name).to_owned(), ..persona })
        };
        // Shipped with the program, so one that can't be read is a mistake that the tests catch.
        SHIPPED.iter().filter_map(read).collect()
    });
    &ALL
}

/// By name, or by the name that the person has at the stand-in.
pub fn find(name: &str) -> Option<&'static Persona> {
    all().iter().find(|persona| persona.name == name).or_else(|| all().iter().find(|persona| persona.person == name))
}
