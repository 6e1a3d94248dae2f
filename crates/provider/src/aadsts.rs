//! AADSTS numbers in plain sentences. They only ever explain: Microsoft changes them, so nothing branches on them.

/// A sentence for the operator's log and, where the visitor can do something about it, one for the visitor.
#[derive(Debug, PartialEq, Eq)]
pub struct Explanation {
    codes: &'static [u32],
    /// For the page; says what the visitor can do.
    pub visitor: Option<&'static str>,
    /// For the log; says what to change and where.
    pub operator: &'static str,
}

impl Explanation {
    /// The numbers that mean this.
    pub fn codes(&self) -> &'static [u32] {
        self.codes
    }
}

/// All of them, for the page of the book that lists them.
pub fn explanations() -> &'static [Explanation] {
    TABLE
}

/// The explanation of one AADSTS number, if it is known.
pub fn explain(code: u32) -> Option<&'static Explanation> {
    TABLE.iter().find(|e| e.codes.contains(&code))
}

/// The numbers in `AADSTS50105: …` texts, in order, at most eight.
pub(crate) fn codes_in(text: &str) -> Vec<u32> {
    text.match_indices("AADSTS")
        .take(8)
        .filter_map(|(at, word)| {
            let rest = &text[at + word.len()..];
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest[..digits].parse().ok()
        })
        .collect()
}

/// The UUID after `Correlation ID:` or `Trace ID:`, which Microsoft's support asks for.
pub(crate) fn id_after(text: &str, label: &str) -> Option<String> {
    let rest = &text[text.find(label)? + label.len()..];
    let id: String = rest.trim_start().chars().take_while(|c| c.is_ascii_hexdigit() || *c == '-').take(36).collect();
    uuid::Uuid::parse_str(&id).ok().map(|id| id.to_string())
}

/// Microsoft's `timestamp`, if it looks like one; anything else is somebody's text in our log.
pub(crate) fn moment(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | ' ' | 'T' | 'Z' | '+');
    (!text.is_empty() && text.len() <= 40 && text.chars().all(fits)).then(|| text.to_owned())
}

/// The moment after `Timestamp:` in a description.
pub(crate) fn moment_after(text: &str) -> Option<String> {
    let rest = text.split_once("Timestamp:")?.1.trim_start();
    let fits = |c: &char| c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | ' ' | 'T' | 'Z' | '+');
    moment(rest.chars().take_while(fits).collect::<String>().trim_end())
}

const fn both(codes: &'static [u32], visitor: &'static str, operator: &'static str) -> Explanation {
    Explanation { codes, visitor: Some(visitor), operator }
}

const fn log(codes: &'static [u32], operator: &'static str) -> Explanation {
    Explanation { codes, visitor: None, operator }
}

const TABLE: &[Explanation] = &[
    log(
        &[50011, 500_112],
        "the callback that was sent is not among the app registration's redirect URIs; compare https, the closing slash and upper case",
    ),
    log(
        &[700_016, 500_011],
        "the app is unknown in this tenant: client_id, microsoft_tenant or the cloud is wrong, or nobody consented to the app there",
    ),
    log(&[90002], "the tenant was not found: a typo in microsoft_tenant, or the wrong cloud"),
    log(
        &[50194],
        "the app is registered for one tenant but `common` is used: set microsoft_tenant to the tenant's GUID, or change the app's supported account types",
    ),
    both(
        &[50020, 50034, 51004, 16000],
        "This account does not belong to the organization. Please choose another account, or ask to be invited as a guest.",
        "the account is not in the tenant; invite it as a guest or let the person choose another account",
    ),
    both(
        &[500_208],
        "This kind of account can't be used here. Please choose another account.",
        "the app registration's supported account types exclude this kind of account",
    ),
    both(
        &[500_212, 500_213],
        "Your organization's settings do not allow this sign-in. Please ask its administrator.",
        "a cross-tenant access policy blocks; an administrator of either tenant has to allow it",
    ),
    both(
        &[50105],
        "Your account has not been given access to this application. Please ask your administrator.",
        "the person is not assigned to the app under Enterprise applications, and the app requires assignment",
    ),
    both(
        &[65001, 90094, 90095],
        "This application still needs your consent or that of your administrator.",
        "consent is missing; an administrator grants it under App registrations, API permissions",
    ),
    both(&[65004], "You declined the request for consent.", "the person declined to consent"),
    log(
        &[650_053, 650_056],
        "an unknown scope is asked for (often `groups`, which does not exist), or the permission is missing at the app registration",
    ),
    log(&[70011], "a scope is not valid: it is misspelt, or `.default` stands beside single permissions"),
    log(
        &[7_000_215],
        "the client secret is wrong; one that looks like 00000000-0000-0000-0000-000000000000 is the Secret ID: make a new secret and copy its Value",
    ),
    log(
        &[7_000_222],
        "the client secret has expired: make a new one under Certificates & secrets and set client_secret, or list old and new in client_secrets",
    ),
    log(
        &[7_000_218],
        "the token request held neither secret nor assertion: set client_secret, client_certificate or federated_token_file",
    ),
    log(
        &[700_025],
        "the app is registered as a public client, yet a secret is sent: register the callback under the platform Web",
    ),
    log(
        &[700_027],
        "the client assertion was refused: certificate not uploaded, another thumbprint, or a clock that is off",
    ),
    log(
        &[70021],
        "no federated credential of the app matches issuer, subject and audience of the token file; a new one takes some minutes to spread",
    ),
    log(&[501_481], "the PKCE verifier does not fit the challenge"),
    both(
        &[54005, 70008],
        "The sign-in took too long or was already used. Please start again.",
        "the authorization code was used twice or is too old",
    ),
    log(&[70043, 700_082, 50173], "the refresh token has ended; the person has to sign in anew"),
    both(&[50057], "This account is disabled. Please ask your administrator.", "the account is disabled in Entra"),
    log(&[50058], "silent sign-in is not possible; this is expected for prompt=none"),
    both(
        &[50074, 50076, 50079],
        "Your organization requires a second factor for this sign-in. Please sign in again and complete it.",
        "multi-factor authentication is required, or not yet set up for this person",
    ),
    both(
        &[53000, 53001, 53003, 530_032],
        "Your organization's access rules blocked this sign-in because of the device, the place or a policy. Please ask your administrator.",
        "Conditional Access blocked the sign-in; Entra's sign-in log names the policy",
    ),
    log(&[50196], "Entra saw a loop of sign-ins: look at cookies and at the callback address"),
    log(&[90055], "Entra throttles this app; wait"),
    log(
        &[9_002_332, 90130, 9_001_023],
        "endpoint and kind of account do not fit (consumers against organizations): check microsoft_tenant and the app's supported account types",
    ),
    log(&[900_144], "a needed parameter is missing in the request"),
    log(&[90038, 900_382, 900_432, 900_439], "the tenant is in another national cloud: set microsoft.cloud"),
    log(
        &[50146, 501_461],
        "claims are customised without a signing key of the app's own: set microsoft.custom_signing_key, or check the audience's shape",
    ),
    log(
        &[700_054],
        "an ID token by implicit flow was asked for but is switched off; the response type has to be `code`",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ids_are_read_from_a_description() {
        let text = "AADSTS50105: Your administrator … Trace ID: 0b9c3b1e-0000-4000-8000-000000000001 Correlation ID: 0B9C3B1E-0000-4000-8000-000000000002 Timestamp: 2026";
        assert_eq!(codes_in(text), [50105]);
        assert_eq!(id_after(text, "Correlation ID:").as_deref(), Some("0b9c3b1e-0000-4000-8000-000000000002"));
        assert_eq!(moment_after("Timestamp: 2026-11-21 06:22:00Z. x").as_deref(), Some("2026-11-21 06:22:00Z."));
        assert_eq!((moment("2026<script>"), moment("")), (None, None));
        assert_eq!(id_after("Correlation ID: <script>", "Correlation ID:"), None);
    }

    #[test]
    fn no_number_is_explained_twice() {
        let mut seen = std::collections::HashSet::new();
        assert!(TABLE.iter().flat_map(|e| e.codes).all(|code| seen.insert(code)));
    }

    /// What a visitor can act on is told to the visitor; everything else is the operator's alone.
    #[test]
    fn visitors_read_what_they_can_do_something_about_and_nothing_else() {
        let for_visitors = [
            50020, 50034, 51004, 16000, 500_208, 500_212, 500_213, 50105, 65001, 90094, 90095, 65004, 54005, 70008,
            50057, 50074, 50076, 50079, 53000, 53001, 53003, 530_032,
        ];
        let for_the_log = [
            50011, 500_112, 700_016, 500_011, 90002, 50194, 650_053, 650_056, 7_000_215, 7_000_222, 7_000_218, 700_025,
            700_027, 70011, 70021, 501_481, 70043, 700_082, 50173, 50058, 50196, 90055, 9_002_332, 90130, 9_001_023,
            900_144, 90038, 900_382, 900_432, 900_439, 50146, 501_461, 700_054,
        ];
        assert_eq!(TABLE.iter().map(|e| e.codes.len()).sum::<usize>(), for_visitors.len() + for_the_log.len());
        assert!(for_visitors.iter().all(|code| explain(*code).is_some_and(|e| e.visitor.is_some())));
        assert!(for_the_log.iter().all(|code| explain(*code).is_some_and(|e| e.visitor.is_none())));
        assert_eq!(explain(1), None, "an unknown number is shown as it is");
    }
}
