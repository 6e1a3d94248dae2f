//! Sizes such as `128MiB`, in bytes.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serializer};

const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads `128MiB`, `256KiB`, `1GiB` or `512B`.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let (unit, factor) = UNITS.into_iter().find(|(unit, _)| text.ends_with(unit))?;
    let digits = text.strip_suffix(unit)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

pub(crate) fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)$" })
}

pub(crate) fn serialize<S: Serializer>(size: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    let (unit, factor) =
        UNITS.into_iter().find(|(_, factor)| *size >= *factor && size.is_multiple_of(*factor)).unwrap_or(("B", 1));
    serializer.serialize_str(&format!("{}{unit}", size / factor))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| serde::de::Error::custom("expected a size such as `128MiB`"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_need_a_number_and_a_binary_unit() {
        assert_eq!(parse("128MiB"), Some(128 << 20));
        assert_eq!(parse("256KiB"), Some(256 << 10));
        assert_eq!(parse("7B"), Some(7));
        for bad in ["", "B", "MiB", "128", "128MB", "-1B", "99999999999GiB", "1.5MiB"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
