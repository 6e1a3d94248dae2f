//! Texts with gaps: `Sign in with {provider}`, and parts that vanish with their gap: `Done[ at {time}].`

/// Fills the gaps. `None` when one outside of brackets has no value, so that a text never shows a hole.
pub(crate) fn fill(template: &str, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(at) = rest.find(['{', '[']) {
        out.push_str(&rest[..at]);
        let (closing, is_gap) = if rest[at..].starts_with('{') { ('}', true) } else { (']', false) };
        let length = rest[at..].find(closing)?;
        let inner = &rest[at + 1..at + length];
        if is_gap {
            out.push_str(&value(inner)?);
        } else if let Some(part) = fill(inner, value) {
            out.push_str(&part);
        }
        rest = &rest[at + length + 1..];
    }
    out.push_str(rest);
    Some(out)
}

/// What is wrong with a text, for its author.
pub(crate) fn problem(template: &str) -> Option<&'static str> {
    let (mut in_gap, mut in_part) = (false, false);
    for c in template.chars() {
        match c {
            '{' if in_gap => return Some("`{` inside of `{`"),
            '{' => in_gap = true,
            '}' if !in_gap => return Some("`}` without `{`"),
            '}' => in_gap = false,
            '[' | ']' if in_gap => return Some("`{` without `}`"),
            '[' if in_part => return Some("`[` inside of `[`"),
            '[' => in_part = true,
            ']' if !in_part => return Some("`]` without `[`"),
            ']' => in_part = false,
            _ => {}
        }
    }
    match (in_gap, in_part) {
        (true, _) => Some("`{` without `}`"),
        (_, true) => Some("`[` without `]`"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> Option<String> {
        fill(template, &|name| (name == "who").then(|| "{you}".to_owned()))
    }

    #[test]
    fn gaps_are_filled_once_and_values_are_not_read_again() {
        assert_eq!(filled("hello {who}, {who}!").as_deref(), Some("hello {you}, {you}!"));
    }

    #[test]
    fn a_part_in_brackets_vanishes_with_its_gap() {
        assert_eq!(filled("a[ {nothing}]b[ {who}]").as_deref(), Some("ab {you}"));
        assert_eq!(filled("a {nothing}"), None);
    }

    #[test]
    fn broken_texts_are_named() {
        for text in ["{", "}", "[", "]", "{a{b}}", "[a[b]]", "{a]"] {
            assert!(problem(text).is_some(), "{text}");
        }
        assert_eq!(problem("a {b} [c {d}]"), None);
    }
}
