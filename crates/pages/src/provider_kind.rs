//! Which mark a provider's button bears. A node names only id and label, so the operator's map or the name decides.

use std::collections::BTreeMap;

/// Kinds with a mark of their own, with the words that give them away.
const WORDS: &[(&str, &[&str])] = &[
    ("microsoft", &["microsoft", "entra", "azure", "office365", "aad"]),
    ("google", &["google"]),
    ("gitlab", &["gitlab"]),
    ("github", &["github"]),
    ("apple", &["apple"]),
];

/// The kind by the operator's map, else by id, else by label; `generic` when none says.
pub(crate) fn kind(kinds: &BTreeMap<String, String>, id: &str, label: &str) -> &'static str {
    // Unlinking one of several links names it as `<provider id>:<subject>`.
    let plain = id.split(':').next().unwrap_or(id);
    if let Some(given) = kinds.get(id).or_else(|| kinds.get(plain)) {
        return WORDS.iter().map(|(kind, _)| *kind).find(|kind| kind == given).unwrap_or("generic");
    }
    named(plain).or_else(|| named(label)).unwrap_or("generic")
}

/// Words are compared whole, so that `pineapple` is no Apple.
fn named(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric()).collect();
    let is_of = |names: &[&str]| words.iter().any(|word| names.contains(word));
    WORDS.iter().find(|(_, names)| is_of(names)).map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_map_wins_then_the_id_then_the_label() {
        let kinds = BTreeMap::from([("google".to_owned(), "generic".to_owned()), ("sso".into(), "microsoft".into())]);
        for (id, label, expected) in [
            ("google", "Google", "generic"),
            ("sso", "Contoso", "microsoft"),
            ("sso:1234", "Contoso", "microsoft"),
            ("entra-eu", "Staff", "microsoft"),
            ("staff", "Microsoft", "microsoft"),
            ("github", "x", "github"),
            ("gitlab-internal", "x", "gitlab"),
            ("pineapple", "Pineapple", "generic"),
            ("contoso", "Contoso", "generic"),
        ] {
            assert_eq!(kind(&kinds, id, label), expected, "{id}");
        }
    }
}
