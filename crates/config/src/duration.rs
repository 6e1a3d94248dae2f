//! Kratos' durations, `10m` or `1h30m`, as `std::time::Duration`.

use std::time::Duration;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serializer};

/// The pattern that Kratos' configuration schema gives for durations. Note that `1d` and `1.5h` are not among them.
pub const PATTERN: &str = "^([0-9]+(ns|us|ms|s|m|h))+$";

/// Reads `1h30m`, `500ms` or `0s`; `None` for anything that Kratos' pattern refuses or that overflows 64 bits of nanoseconds.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut nanoseconds: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let count: u64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        // Longer units first: `ms` would otherwise read as minutes.
        let (unit, factor) = [
            ("ns", 1),
            ("us", 1_000),
            ("ms", 1_000_000),
            ("s", 1_000_000_000),
            ("m", 60_000_000_000),
            ("h", 3_600_000_000_000_u64),
        ]
        .into_iter()
        .find(|(unit, _)| rest.starts_with(unit))?;
        rest = rest.get(unit.len()..)?;
        nanoseconds = nanoseconds.checked_add(count.checked_mul(factor)?)?;
    }
    Some(Duration::from_nanos(nanoseconds))
}

/// Writes a duration so that `parse` reads it back, in the largest unit that loses nothing.
pub fn format(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    for (unit, factor) in
        [("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)]
    {
        if nanoseconds >= factor && nanoseconds.is_multiple_of(factor) {
            return format!("{}{unit}", nanoseconds / factor);
        }
    }
    if nanoseconds == 0 { "0s".to_owned() } else { format!("{nanoseconds}ns") }
}

pub(crate) fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": PATTERN })
}

pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| serde::de::Error::custom("expected a duration such as `10m` or `1h30m`"))
}

/// The same for keys that may be left out.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Duration, Serializer};

    pub(crate) fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => super::serialize(duration, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        #[derive(Deserialize)]
        struct Text(#[serde(with = "super")] Duration);
        Ok(Option::<Text>::deserialize(deserializer)?.map(|text| text.0))
    }
}

/// Durations that can be switched off with the word `off`.
pub(crate) mod or_off {
    use super::{Deserialize, Deserializer, Duration, Schema, SchemaGenerator, Serializer, json_schema};

    pub(crate) fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(off|([0-9]+(ns|us|ms|s|m|h))+)$" })
    }

    pub(crate) fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => super::serialize(duration, serializer),
            None => serializer.serialize_str("off"),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "off" => Ok(None),
            text => super::parse(text)
                .map(Some)
                .ok_or_else(|| serde::de::Error::custom("expected `off` or a duration such as `15m`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_kratos_are_read_and_others_are_not() {
        assert_eq!(parse("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(parse("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse("0s"), Some(Duration::ZERO));
        for bad in ["", "10", "m", "ten minutes", "1d", "1.5h", "-1h", "1h ", "99999999999999999999h", "9999999999h"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_written_duration_reads_back() {
        for text in ["1h", "90m", "15s", "250ms", "7us", "3ns", "0s"] {
            assert_eq!(format(parse(text).expect(text)), text);
        }
    }
}
