//! Which language a visitor reads: the `Accept-Language` of the browser against the languages that exist.

use std::sync::Arc;

/// Longer headers are cut; no browser sends that much.
const MAX_HEADER: usize = 1024;
const MAX_ENTRIES: usize = 32;

/// One of the languages that the pages have texts in; the default value is the operator's default language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Language(pub(crate) Option<Arc<str>>);

impl Language {
    /// The language tag for `Content-Language`, `None` for the default language.
    pub fn tag(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// Whether `tag` looks like `de` or `pt-BR`; such a tag is safe in file names and attributes.
pub(crate) fn is_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let is_primary = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic());
    let is_further = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    parts.next().is_some_and(is_primary) && parts.all(is_further)
}

/// The best of `known` for the header, by the visitor's own order of preference (RFC 9110 §12.5.4).
pub(crate) fn negotiate<'k>(header: &str, known: impl Iterator<Item = &'k str> + Clone) -> Option<&'k str> {
    let mut wanted: Vec<(&str, u32)> = limited(header).split(',').take(MAX_ENTRIES).filter_map(entry).collect();
    wanted.sort_by_key(|(_, quality)| std::cmp::Reverse(*quality));
    wanted.iter().filter(|(_, quality)| *quality > 0).find_map(|(tag, _)| find(tag, known.clone()))
}

/// The known language for a wanted one: the very same, else the one without region (`de` for `de-AT`), else any
/// region of it (`pt-BR` for `pt`).
pub(crate) fn find<'k>(wanted: &str, known: impl Iterator<Item = &'k str> + Clone) -> Option<&'k str> {
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let same = known.clone().find(|tag| tag.eq_ignore_ascii_case(wanted));
    let general = || known.clone().find(|tag| tag.eq_ignore_ascii_case(&primary(wanted)));
    let regional = || known.clone().find(|tag| primary(tag) == primary(wanted));
    same.or_else(general).or_else(regional)
}

fn limited(header: &str) -> &str {
    let mut end = header.len().min(MAX_HEADER);
    while !header.is_char_boundary(end) {
        end -= 1;
    }
    &header[..end]
}

/// `de-AT;q=0.8` as tag and thousandths.
fn entry(text: &str) -> Option<(&str, u32)> {
    let mut parts = text.split(';').map(str::trim);
    let tag = parts.next().filter(|tag| is_tag(tag))?;
    let quality = match parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q="))) {
        None => 1000,
        Some(text) => (text.parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q))? * 1000.0) as u32,
    };
    Some((tag, quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["de", "en", "pt-BR"];

    fn best(header: &str) -> Option<&'static str> {
        negotiate(header, KNOWN.into_iter())
    }

    #[test]
    fn the_visitors_order_of_preference_decides() {
        assert_eq!(best("fr, de;q=0.5, en;q=0.9"), Some("en"));
        assert_eq!(best("de;q=0, en;q=0.1"), Some("en"));
        assert_eq!(best("en,de"), Some("en"));
    }

    #[test]
    fn regions_fall_back_to_the_language_and_back() {
        assert_eq!(best("de-AT"), Some("de"));
        assert_eq!(best("DE-ch"), Some("de"));
        assert_eq!(best("pt"), Some("pt-BR"));
    }

    #[test]
    fn nonsense_selects_nothing() {
        for header in ["", "*", "fr", ";;;", "de;q=nan", "de;q=7", "../../etc", "d\u{e9}"] {
            assert_eq!(best(header), None, "{header}");
        }
        assert_eq!(best(&format!("{}de", "é,".repeat(4000))), None);
    }
}
