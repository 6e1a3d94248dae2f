//! The server's own sentences in another language.
//!
//! A refusal arrives as text: a sentence, often with others behind it that explain it, and with gaps for what differs.
//! A catalogue knows the single sentences. A text that has one more than those stays as it came, because half a
//! translation reads worse than none.

use crate::placeholders;
use std::collections::BTreeMap;

/// Sentences of one text; the longest of ours has four.
const MAX_SENTENCES: usize = 6;

/// `words` has sentences, whose gaps are written `{name}`, and what to say in their place.
pub(crate) fn translate(words: &BTreeMap<String, String>, text: &str) -> Option<String> {
    follow(words, text, MAX_SENTENCES)
}

fn follow(words: &BTreeMap<String, String>, text: &str, left: usize) -> Option<String> {
    if let Some(word) = words.get(text).filter(|_| !text.is_empty()) {
        return Some(word.clone());
    }
    let left = left.checked_sub(1)?;
    words.iter().filter(|(sentence, _)| !sentence.is_empty()).find_map(|(sentence, translation)| {
        let (gaps, rest) = begins_with(sentence, text)?;
        let gap = |name: &str| gaps.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let said = if gaps.is_empty() { translation.clone() } else { placeholders::fill(translation, &gap)? };
        match rest {
            "" => Some(said),
            rest => follow(words, rest.strip_prefix(' ')?, left).map(|more| format!("{said} {more}")),
        }
    })
}

/// What stands in the gaps, and what comes behind the sentence. `None` when the text begins otherwise.
fn begins_with<'s, 't>(sentence: &'s str, text: &'t str) -> Option<(Vec<(&'s str, &'t str)>, &'t str)> {
    let (mut sentence, mut text) = (sentence, text);
    let mut gaps = Vec::new();
    while let Some((before, gap)) = sentence.split_once('{') {
        text = text.strip_prefix(before)?;
        let (name, after) = gap.split_once('}')?;
        let next = after.split('{').next().unwrap_or_default();
        let end = if next.is_empty() { text.len() } else { text.find(next)? };
        gaps.push((name, &text[..end]));
        (sentence, text) = (after, &text[end..]);
    }
    Some((gaps, text.strip_prefix(sentence)?))
}

/// What is wrong with a sentence and its translation, for their author.
pub(crate) fn problem(sentence: &str, translation: &str) -> Option<String> {
    if !sentence.contains('{') {
        return None;
    }
    if let Some(problem) = placeholders::problem(sentence).or_else(|| placeholders::problem(translation)) {
        return Some(problem.to_owned());
    }
    let mut gaps = translation.split('{').skip(1).filter_map(|gap| gap.split('}').next());
    gaps.find(|gap| !sentence.contains(&format!("{{{gap}}}"))).map(|gap| format!("the sentence has no gap `{gap}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<String> {
        let words = [
            ("It failed.", "Es ging schief."),
            ("Ask {who}.", "Fragen Sie {who}."),
            ("It said \"{code}\" to {who}, twice.", "{who} las zweimal {code}."),
            ("More at {link}", "Mehr unter {link}"),
            ("", "Nichts"),
        ];
        let words = words.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
        translate(&words, text)
    }

    #[test]
    fn sentences_in_a_row_are_translated_with_their_gaps() {
        assert_eq!(
            said("It failed. Ask Bob. It failed.").as_deref(),
            Some("Es ging schief. Fragen Sie Bob. Es ging schief.")
        );
        assert_eq!(said("It said \"a b\" to me, twice.").as_deref(), Some("me las zweimal a b."));
        assert_eq!(said("Ask {who}.").as_deref(), Some("Fragen Sie {who}."));
        assert_eq!(
            said("It failed. More at https://x.example/a?b={c} d").as_deref(),
            Some("Es ging schief. Mehr unter https://x.example/a?b={c} d")
        );
    }

    #[test]
    fn one_unknown_sentence_leaves_the_whole_text_as_it_came() {
        for text in [
            "It failed. Why?",
            "Why? It failed.",
            "It failed.It failed.",
            "Ask Bob",
            "It failed. ",
            " It failed.",
            "It said \"x\" twice.",
        ] {
            assert_eq!(said(text), None, "{text}");
        }
        assert_eq!(said(&"It failed. ".repeat(40)), None);
    }

    #[test]
    fn gaps_that_the_sentence_lacks_are_named() {
        assert_eq!(problem("Ask {who}.", "Fragen Sie {wen}.").as_deref(), Some("the sentence has no gap `wen`"));
        assert_eq!(problem("Ask {who.", "x").as_deref(), Some("`{` without `}`"));
        assert_eq!(problem("Ask {who}.", "Fragen Sie {who}."), None);
        assert_eq!(problem("No gap", "with a } brace"), None);
    }
}
