//! Content negotiation exactly as Kratos does it: three tests that differ in small ways (contract §1.1).
//!
//! `Accept` is negotiated by q-value, then by how specific the range is, then by the order of the offers.

use http::{HeaderMap, header};

/// What the client asked for, as flows and answers look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Negotiated {
    /// Kratos: `IsJSONRequest`; also true when `Content-Type` is exactly `application/json`.
    pub(crate) is_json: bool,
    /// Kratos: `AcceptsJSON`, by `Accept` alone.
    pub(crate) accepts_json: bool,
    /// Kratos: `IsBrowserRequest`.
    pub(crate) is_browser: bool,
}

const OFFERS: [&str; 4] = ["text/html", "text/*", "*/*", "application/json"];
const FLOW_OFFERS: [&str; 2] = ["text/html", "application/json"];

impl Negotiated {
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let ranges = ranges(headers);
        let chosen = choose(&ranges, &OFFERS);
        // Kratos: a `; charset=utf-8` after the media type doesn't count.
        let posts_json = headers.get(header::CONTENT_TYPE).is_some_and(|value| value == "application/json");
        Self {
            is_json: chosen == "application/json" || posts_json,
            accepts_json: choose(&ranges, &FLOW_OFFERS) == "application/json",
            is_browser: chosen == "text/html",
        }
    }
}

struct Range {
    value: String,
    quality: f64,
}

fn ranges(headers: &HeaderMap) -> Vec<Range> {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|item| {
            let mut parts = item.split(';');
            let value = parts.next()?.trim().to_ascii_lowercase();
            let quality = parts
                .filter_map(|part| part.trim().split_once('='))
                .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
                .map_or(1.0, |(_, text)| text.trim().parse().unwrap_or(0.0));
            (!value.is_empty()).then_some(Range { value, quality })
        })
        .collect()
}

fn choose<'a>(ranges: &[Range], offers: &[&'a str]) -> &'a str {
    let mut best = offers[0];
    let (mut best_quality, mut best_wildness) = (-1.0, 3);
    for &offer in offers {
        for range in ranges.iter().filter(|range| range.quality > 0.0) {
            let wildness = match range.value.as_str() {
                "*/*" => 2,
                value => match value.strip_suffix("/*") {
                    Some(kind) if offer.split('/').next() == Some(kind) => 1,
                    None if value == offer => 0,
                    _ => continue,
                },
            };
            let better = range.quality > best_quality || (range.quality == best_quality && wildness < best_wildness);
            if better {
                (best, best_quality, best_wildness) = (offer, range.quality, wildness);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accept: Option<&str>, content_type: Option<&str>) -> (bool, bool, bool) {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, accept.parse().unwrap());
        }
        if let Some(content_type) = content_type {
            headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        }
        let seen = Negotiated::from_headers(&headers);
        (seen.is_json, seen.accepts_json, seen.is_browser)
    }

    #[test]
    fn each_kind_of_client_is_recognised() {
        let html = (false, false, true);
        let json = (true, true, false);
        for (accept, expected) in [
            (None, html),
            (Some(""), html),
            (Some("*/*"), html),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), html),
            (Some("application/json"), json),
            (Some("application/json, text/plain, */*"), json),
            (Some("application/json;q=0.5, text/html;q=0.9"), html),
            (Some("text/html;q=0.5, application/json;q=0.9"), json),
            (Some("application/*"), json),
            (Some("application/json;q=0"), html),
            (Some("image/png"), html),
        ] {
            assert_eq!(negotiated(accept, None), expected, "{accept:?}");
        }
    }

    #[test]
    fn a_json_body_without_accept_counts_for_errors_but_not_for_new_flows() {
        assert_eq!(negotiated(None, Some("application/json")), (true, false, true));
        assert_eq!(negotiated(None, Some("application/json; charset=utf-8")), (false, false, true));
    }

    #[test]
    fn partial_types_are_settled_by_the_order_of_offers() {
        assert_eq!(negotiated(Some("text/plain, text/*"), None), (false, false, true));
        assert_eq!(negotiated(Some("text/*;q=0.4, application/json;q=0.4"), None), (true, true, false));
    }
}
