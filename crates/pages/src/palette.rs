//! The colours of both themes, and the shades that are derived from the operator's accent.

use crate::colour::Colour;
use std::fmt::Write;

/// Used when the operator names no accent.
pub(crate) const DEFAULT_ACCENT: &str = "#1f5fbf";

type Named = (&'static str, &'static str);

/// Microsoft's values are those of its branding guidelines for the sign-in button.
const LIGHT: &[Named] = &[
    ("page", "#f4f5f7"),
    ("surface", "#ffffff"),
    ("text", "#1b1f24"),
    ("muted", "#57606a"),
    ("line", "#d0d7de"),
    ("edge", "#6e7781"),
    ("error", "#a11b12"),
    ("error-surface", "#fdeeec"),
    ("success", "#0f5a27"),
    ("success-surface", "#e9f8ee"),
    ("info", "#1b3a5c"),
    ("info-surface", "#e9f1fb"),
    ("ms-surface", "#ffffff"),
    ("ms-edge", "#8c8c8c"),
    ("ms-text", "#5e5e5e"),
];

const DARK: &[Named] = &[
    ("page", "#0d1117"),
    ("surface", "#171c24"),
    ("text", "#e6edf3"),
    ("muted", "#9da7b3"),
    ("line", "#30363d"),
    ("edge", "#7d8590"),
    ("error", "#ffb4ab"),
    ("error-surface", "#3b1513"),
    ("success", "#8be3a8"),
    ("success-surface", "#10291b"),
    ("info", "#b9d6f7"),
    ("info-surface", "#14263f"),
    ("ms-surface", "#2f2f2f"),
    ("ms-edge", "#2f2f2f"),
    ("ms-text", "#ffffff"),
];

/// Which text stands on which background; each must be readable. The test reads the finished stylesheet.
#[cfg(test)]
pub(crate) const TEXT_ON: &[Named] = &[
    ("text", "page"),
    ("text", "surface"),
    ("muted", "page"),
    ("muted", "surface"),
    ("error", "error-surface"),
    ("error", "surface"),
    ("success", "success-surface"),
    ("info", "info-surface"),
    ("accent-text", "accent"),
    ("link", "page"),
    ("link", "surface"),
    ("ms-text", "ms-surface"),
];

/// The stylesheet's variables for one theme.
fn variables(colours: &[Named], accent: Colour, end: Colour) -> String {
    let mut out = String::new();
    let mut backgrounds = Vec::new();
    for (name, colour) in colours {
        let _ = write!(out, "--{name}:{colour};");
        if let ("page" | "surface", Ok(colour)) = (*name, Colour::parse(colour)) {
            backgrounds.push(colour);
        }
    }
    let link = accent.readable_on(&backgrounds, end);
    let _ = write!(out, "--accent:{accent};--accent-text:{};--link:{link};", accent.text_upon());
    out
}

/// Rules that set the variables: light, dark by choice of the visitor's system, dark by the operator's.
pub(crate) fn css(accent: Colour) -> String {
    let light = variables(LIGHT, accent, Colour::INK);
    let dark = variables(DARK, accent, Colour::WHITE);
    format!(
        ":root{{color-scheme:light;{light}}}\n\
         :root[data-theme=dark]{{color-scheme:dark;{dark}}}\n\
         @media (prefers-color-scheme:dark){{:root[data-theme=auto]{{color-scheme:dark;{dark}}}}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::colour::TEXT_CONTRAST;

    fn value(block: &str, name: &str) -> Colour {
        let start = block.find(&format!("--{name}:")).unwrap_or_else(|| panic!("{name}")) + name.len() + 3;
        Colour::parse(&block[start..start + 7]).unwrap()
    }

    #[test]
    fn every_text_is_readable_in_both_themes_whatever_the_accent() {
        for accent in [DEFAULT_ACCENT, "#ffffff", "#000000", "#ffcc00", "#777777", "#00ff88", "#d03010", "#7b61ff"] {
            let css = css(Colour::parse(accent).unwrap());
            let blocks: Vec<_> = css.lines().collect();
            assert_eq!(blocks.len(), 3);
            for (block, (text, background)) in blocks.iter().flat_map(|b| TEXT_ON.iter().map(move |pair| (b, pair))) {
                let contrast = value(block, text).contrast(value(block, background));
                assert!(contrast >= TEXT_CONTRAST, "{accent}: {text} on {background}: {contrast:.2} in {block}");
            }
        }
    }

    #[test]
    fn edges_of_fields_can_be_seen() {
        let css = css(Colour::parse(DEFAULT_ACCENT).unwrap());
        for block in css.lines() {
            assert!(value(block, "edge").contrast(value(block, "surface")) >= 3.0, "{block}");
        }
    }

    #[test]
    fn microsofts_colours_are_those_of_its_guidelines() {
        let of = |list: &[Named], name: &str| list.iter().find(|(n, _)| *n == name).unwrap().1.to_uppercase();
        assert_eq!(["ms-surface", "ms-edge", "ms-text"].map(|n| of(LIGHT, n)), ["#FFFFFF", "#8C8C8C", "#5E5E5E"]);
        assert_eq!(["ms-surface", "ms-text"].map(|n| of(DARK, n)), ["#2F2F2F", "#FFFFFF"]);
    }
}
