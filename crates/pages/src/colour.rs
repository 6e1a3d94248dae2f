//! Colours and their contrast (WCAG 2.2, relative luminance).

use crate::error::PageError;
use std::fmt;

/// A colour of the stylesheet; shown as `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour(pub(crate) [u8; 3]);

/// What WCAG asks for text of normal size.
pub(crate) const TEXT_CONTRAST: f64 = 4.5;

impl Colour {
    pub(crate) const WHITE: Self = Self([255; 3]);
    const BLACK: Self = Self([0; 3]);
    pub(crate) const INK: Self = Self([0x10, 0x14, 0x18]);

    pub(crate) fn parse(text: &str) -> Result<Self, PageError> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(PageError::Accent)?;
        let mut channels = [0; 3];
        hex::decode_to_slice(digits, &mut channels).map_err(|_| PageError::Accent)?;
        Ok(Self(channels))
    }

    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        let [r, g, b] = self.0.map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// From 1 (the same) to 21 (black on white).
    pub(crate) fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn towards(self, other: Self, percent: u32) -> Self {
        let mix = |from: u8, to: u8| {
            let mixed = (u32::from(from) * (100 - percent) + u32::from(to) * percent + 50) / 100;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        let [r, g, b] = self.0;
        let [x, y, z] = other.0;
        Self([mix(r, x), mix(g, y), mix(b, z)])
    }

    /// This colour, moved towards `end` only as far as text in it needs to be readable on each background.
    pub(crate) fn readable_on(self, backgrounds: &[Self], end: Self) -> Self {
        let is_readable = |colour: &Self| backgrounds.iter().all(|b| colour.contrast(*b) >= TEXT_CONTRAST);
        (0..=100).step_by(2).map(|percent| self.towards(end, percent)).find(is_readable).unwrap_or(end)
    }

    /// White or black. On every colour one of the two has the contrast that text needs.
    pub(crate) fn text_upon(self) -> Self {
        if self.contrast(Self::WHITE) >= TEXT_CONTRAST { Self::WHITE } else { Self::BLACK }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_what_wcag_says() {
        assert!((Colour::WHITE.contrast(Colour([0; 3])) - 21.0).abs() < 0.001);
        let grey = Colour::parse("#767676").unwrap();
        assert!((grey.contrast(Colour::WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn only_six_digits_are_a_colour() {
        for text in ["red", "#fff", "#12345g", "123456", "#123456;}", ""] {
            assert!(Colour::parse(text).is_err(), "{text}");
        }
        assert_eq!(Colour::parse("#0A64cD").unwrap().to_string(), "#0a64cd");
    }
}
