//! Secrets in what a program wrote, found by their form or because the site knows them.

use serde_json::Value;

use crate::TEST_CLIENT_SECRET;

/// The secrets of a configuration, and those of the stand-in's applications.
pub(crate) fn known(config: &Value) -> Vec<String> {
    let lists = config["secrets"].as_object().into_iter().flat_map(|secrets| secrets.values());
    let own = lists.filter_map(Value::as_array).flatten().filter_map(Value::as_str);
    let clients = [TEST_CLIENT_SECRET, bia_fake_entra::PLAIN_CLIENT_SECRET];
    // Shorter texts would be found by accident.
    own.chain(clients).filter(|secret| secret.len() >= 8).map(str::to_owned).collect()
}

/// Each with the line that it stands in.
pub(crate) fn secrets(text: &str, known: &[String]) -> Vec<String> {
    let holds = |line: &str| {
        known.iter().any(|secret| line.contains(secret))
            || begins(line, "ory_st_", 16)
            || begins(line, "eyJ", 16)
            || begins(line, "code=", 16)
            || begins(line, "code%3D", 16)
    };
    text.lines().filter(|line| holds(line)).take(5).map(str::to_owned).collect()
}

/// Whether a word begins like this and goes on for at least so many characters that tokens are made of.
fn begins(line: &str, start: &str, length: usize) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let inside = line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let value = line[at + start.len()..].chars();
        !inside && value.take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).count() >= length
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_by_their_form_and_because_they_are_known() {
        let known = ["a-secret-of-the-site".to_owned()];
        for line in [
            "{\"token\":\"ory_st_0123456789abcdefABCDEF\"}",
            "Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "GET /callback?code=0.AXoA-0123456789abcdef&state=x",
            "key: a-secret-of-the-site",
        ] {
            assert_eq!(secrets(&format!("first\n{line}\nlast"), &known), [line]);
        }
        for line in [
            "status_code=0123456789abcdef0123",
            "?code=[hidden]&state=",
            "ory_st_…",
            "donkeyJumps-over-the-fence-again",
        ] {
            assert!(secrets(line, &known).is_empty(), "{line}");
        }
    }
}
