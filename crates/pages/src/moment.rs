//! Points in time, told by how long ago they are: the server does not know the visitor's time zone.

use crate::catalogue::Catalogues;
use crate::details::cut;
use serde::Serialize;
use serde_json::Value;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Beyond this a date says more than a number of days.
const MAX_DAYS: i64 = 30;

/// A point in time for people and machines.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct When {
    pub(crate) iso: String,
    /// `5 minutes ago`, or the date where that says more.
    pub(crate) text: String,
    /// Date and time in UTC.
    pub(crate) exact: String,
}

/// A time of the API (RFC 3339, UTC) as the language writes it, seen at `now` (seconds since 1970).
pub(crate) fn when(value: &Value, now: Option<i64>, catalogues: &Catalogues, tag: &str) -> When {
    let Some(iso) = value.as_str() else { return When::default() };
    let Some(seconds) = seconds(iso) else {
        let text = cut(iso, 40);
        return When { iso: String::new(), exact: text.clone(), text };
    };
    let part = |name: &str| {
        let range = match name {
            "year" => 0..4,
            "month" => 5..7,
            "day" => 8..10,
            "hour" => 11..13,
            "minute" => 14..16,
            _ => return None,
        };
        iso.get(range).map(str::to_owned)
    };
    let exact = catalogues.text(tag, "time", &part).unwrap_or_default();
    let relative = now.and_then(|now| distance(seconds - now)).and_then(|(key, count)| {
        let value = |name: &str| (name == "n").then(|| count.to_string());
        catalogues.text(tag, &key, &value)
    });
    When { iso: iso.to_owned(), text: relative.unwrap_or_else(|| exact.clone()), exact }
}

/// The text for a distance in seconds, and its number: `time.ago.minutes`, 5.
fn distance(seconds: i64) -> Option<(String, i64)> {
    let (way, size) = if seconds < 0 { ("ago", -seconds) } else { ("in", seconds) };
    let (count, unit) = match size {
        0..MINUTE => return Some(("time.now".to_owned(), 0)),
        MINUTE..HOUR => (size / MINUTE, "minute"),
        HOUR..DAY => (size / HOUR, "hour"),
        _ => (size / DAY, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    (size < MAX_DAYS * DAY).then(|| (format!("time.{way}.{unit}{plural}"), count))
}

/// Seconds since 1970 of `2026-03-01T09:05:00.123Z`; `None` for anything that isn't such a time.
fn seconds(iso: &str) -> Option<i64> {
    let bytes = iso.as_bytes();
    let is_shaped = bytes.len() >= 20
        && bytes.len() <= 40
        && iso.is_ascii()
        && iso.ends_with('Z')
        && [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')].iter().all(|&(at, mark)| bytes[at] == mark);
    let number = |range: std::ops::Range<usize>| iso.get(range).filter(|_| is_shaped)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970 in the Gregorian calendar, with years that begin in March, so that leap days come last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(days * DAY + hour * HOUR + minute * MINUTE + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(tag: &str, at: &str, now: Option<i64>) -> When {
        when(&json!(at), now, &Catalogues::new(&[], None).unwrap(), tag)
    }

    #[test]
    fn seconds_since_1970_are_right_around_leap_days() {
        for (iso, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2026-03-01T09:05:00.123Z", 1_772_355_900),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
        ] {
            assert_eq!(seconds(iso), Some(expected), "{iso}");
        }
        for bad in ["", "soon", "2026-13-01T00:00:00Z", "2026-03-01 09:05:00Z", "2026-03-01T09:05:00+01:00"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_are_told_by_how_far_they_are() {
        let now = seconds("2026-03-01T09:05:30Z");
        for (at, english, german) in [
            ("2026-03-01T09:05:00Z", "just now", "gerade eben"),
            ("2026-03-01T09:04:00Z", "1 minute ago", "vor 1 Minute"),
            ("2026-03-01T08:50:00Z", "15 minutes ago", "vor 15 Minuten"),
            ("2026-03-01T07:05:30Z", "2 hours ago", "vor 2 Stunden"),
            ("2026-02-28T09:05:30Z", "1 day ago", "vor 1 Tag"),
            ("2026-03-02T09:05:30Z", "in 1 day", "in 1 Tag"),
            ("2026-03-04T09:05:30Z", "in 3 days", "in 3 Tagen"),
            ("2026-01-01T09:05:30Z", "2026-01-01 09:05 UTC", "01.01.2026, 09:05 UTC"),
        ] {
            assert_eq!((told("en", at, now).text.as_str(), told("de", at, now).text.as_str()), (english, german));
        }
    }

    #[test]
    fn without_a_clock_and_for_other_texts_the_time_stays_as_it_is() {
        let known = told("de", "2026-03-01T09:05:00.123Z", None);
        assert_eq!((known.text.as_str(), known.exact.as_str()), ("01.03.2026, 09:05 UTC", "01.03.2026, 09:05 UTC"));
        assert_eq!(known.iso, "2026-03-01T09:05:00.123Z");
        let other = told("de", "soon é", Some(0));
        assert_eq!((other.iso.as_str(), other.text.as_str()), ("", "soon é"));
    }
}
