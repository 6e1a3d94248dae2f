//! One spelling per person: identifiers and addresses before they are compared (Kratos: `x/normalize.go`).
//!
//! Without this, `Alice@contoso.com`, a full-width or a zero-width variant of it could each become an
//! account of their own, or take over somebody else's.

use super::formats;
use phonenumber::Mode;
use unicode_normalization::UnicodeNormalization as _;

/// Longer texts are no phone numbers (libphonenumber has the same limit).
const PHONE_MAX: usize = 250;

/// Characters that nobody sees: they would let two identifiers look the same.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{fdd0}'..='\u{fdef}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

fn is_forbidden(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// An e-mail address or a user name: trimmed, NFKC, lower case, without invisible characters.
pub(super) fn identifier(value: &str) -> String {
    let composed: String = value.trim().nfkc().filter(|c| !is_forbidden(*c)).flat_map(char::to_lowercase).collect();
    composed.nfkc().collect()
}

/// Any identifier: phone numbers become E.164, everything else as [`identifier`] does.
pub(super) fn graceful(value: &str) -> String {
    let value = identifier(value);
    phone(&value).unwrap_or(value)
}

/// A phone number in E.164; `None` when it is none. The country has to be part of it (`+49…`).
pub(super) fn phone(value: &str) -> Option<String> {
    let folded: String = value.trim().nfkc().collect();
    let digits = folded.chars().filter(char::is_ascii_digit).count();
    if !folded.starts_with('+') || digits < 5 || folded.len() > PHONE_MAX {
        return None;
    }
    let number = phonenumber::parse(None, &folded).ok()?;
    number.is_valid().then(|| number.format().mode(Mode::E164).to_string())
}

/// An e-mail address that is refused, not repaired, when it holds characters nobody sees.
pub(super) fn email(value: &str) -> Option<String> {
    let value = value.trim();
    // An address has an ASCII host, so any right-to-left character in it could spoof the order on screen.
    if value.is_empty() || value.chars().any(|c| is_forbidden(c) || is_right_to_left(c)) {
        return None;
    }
    formats::address_of(&identifier(value))
}

/// An address for a channel; `None` when it can't be one.
pub(super) fn address(value: &str, via: &str) -> Option<String> {
    match via {
        "email" => email(value),
        "sms" => phone(value),
        _ => Some(identifier(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_become_one() {
        for spelling in [
            " Alice@Contoso.example ",
            "ALICE@CONTOSO.EXAMPLE",
            "ａlice@contoso.example",
            "al\u{200b}ice@contoso.example",
        ] {
            assert_eq!(graceful(spelling), "alice@contoso.example");
        }
    }

    #[test]
    fn invisible_characters_make_an_address_invalid() {
        assert_eq!(email("al\u{200d}ice@contoso.example"), None);
        assert_eq!(email("\u{5d0}@contoso.example"), None);
        assert_eq!(email("nope"), None);
        assert_eq!(email("A@B.example").as_deref(), Some("a@b.example"));
    }

    #[test]
    fn phone_numbers_become_e164() {
        assert_eq!(phone("+49 (0)176 671 11 638").as_deref(), Some("+4917667111638"));
        assert_eq!(graceful("+1 415-555-2671"), "+14155552671");
        for bad in ["0176 67111638", "+49", "+", "+++", "phone", "+00000000000000000000", ""] {
            assert_eq!(phone(bad), None, "{bad}");
        }
    }

    #[test]
    fn no_input_breaks_the_phone_rules() {
        let alphabet: Vec<char> = "+0123456789 ()-./;=extpaＡ９\u{200b}é*#~".chars().collect();
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let mut text = String::from("+");
            for _ in 0..18 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push(alphabet[(state >> 33) as usize % alphabet.len()]);
            }
            if let Some(number) = phone(&text) {
                assert!(number.len() <= 18 && number.starts_with('+'), "{text} {number}");
                assert_eq!(phone(&number).as_ref(), Some(&number), "{text}");
            }
        }
    }
}
