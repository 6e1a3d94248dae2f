//! Secrets that everybody knows: what stands in an example in place of one.

use secrecy::ExposeSecret as _;

use crate::config::Config;
use crate::finding::{Finding, KeyPath};

/// How the texts of examples begin that somebody was to fill in, ours and those of Kratos; small letters, words joined
/// by `-`.
const BEGINNINGS: &[&str] = &[
    "replace-",
    "change-me",
    "changeme",
    "please-change",
    "please-replace",
    "your-",
    // Kratos: `secrets.cipher` of its quickstart.
    "32-long-secret-not-secure",
    // What a shell or a deployment tool was to put in.
    "${",
    "$(",
];
const PAIRS: &[(&str, &str)] = &[("<", ">"), ("‹", "›"), ("{{", "}}")];

/// Whether a text looks like the gap of an example that nobody filled in.
pub fn is_placeholder(text: &str) -> bool {
    let text = text.trim().to_lowercase().replace(['_', ' '], "-");
    BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
        || PAIRS.iter().any(|(open, close)| text.starts_with(open) && text.ends_with(close))
}

/// Kratos starts with those of its quickstart, so that this is no error here, either.
pub(super) fn check(config: &Config, findings: &mut Vec<Finding>) {
    let secrets = &config.secrets;
    let lists = [
        ("default", &secrets.default),
        ("cookie", &secrets.cookie),
        ("cipher", &secrets.cipher),
        ("pagination", &secrets.pagination),
    ];
    for (name, list) in lists {
        for (index, _) in list.iter().enumerate().filter(|(_, secret)| is_placeholder(secret.expose_secret())) {
            let message = "is a placeholder, which others know: whoever does can make cookies and read what is sealed";
            findings.push(
                Finding::advice("secret_placeholder", KeyPath::of("secrets").child(name).child(index), message).help(
                    "`openssl rand -hex 32` makes a secret; one of `secrets.cipher` is from `openssl rand -hex 16`.",
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;

    #[test]
    fn gaps_of_examples_are_told_from_secrets() {
        for gap in [
            "replace-with-64-random-hexadecimal-characters",
            "replace-me-with-the-value-of-the-secret",
            "REPLACE_ME",
            "PLEASE-CHANGE-ME-I-AM-VERY-INSECURE",
            "32-LONG-SECRET-NOT-SECURE-AT-ALL",
            "changeme",
            "Change me, please",
            "your_client_secret",
            "${CLIENT_SECRET}",
            "$(cat secret)",
            "<the value>",
            "‹the value›",
            "{{ .Values.secret }}",
            " <the value>\n",
        ] {
            assert!(is_placeholder(gap), "{gap}");
        }
        for secret in [
            "",
            "a~secret.of.an-app",
            "hunter2~Secret.One_0123456789abcdefghijkl",
            "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
            "<not closed",
            "yours-truly",
            "$dollar{",
        ] {
            assert!(!is_placeholder(secret), "{secret}");
        }
    }
}
