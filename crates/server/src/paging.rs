//! Paging of lists: Kratos' two ways of asking, and the `Link` headers that go with each (contract §1.8, §8.5).

use crate::query::Query;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bia_model::ApiError;
use http::{HeaderName, HeaderValue, header};

const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");
const DEFAULT_SIZE: i64 = 250;

/// A page by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) number: i64,
    pub(crate) size: i64,
}

impl Page {
    pub(crate) fn offset(self) -> i64 {
        self.number.saturating_mul(self.size)
    }

    /// Kratos: `ParsePagination` of own sessions, an identity's sessions and schemas. Nonsense means the default.
    pub(crate) fn mixed(query: &Query) -> Self {
        if query.get("page_token").is_none() && query.get("page_size").is_none() {
            return Self::numbered(query, 1000);
        }
        let size = limited(query.get("page_size"), 1000);
        let offset = query.get("page_token").and_then(decode_offset).unwrap_or(0).max(0);
        Self { number: offset / size, size }
    }

    fn numbered(query: &Query, max: i64) -> Self {
        let number = query.get("page").and_then(|text| text.parse().ok()).unwrap_or(0).clamp(0, i64::from(i32::MAX));
        Self { number, size: limited(query.get("per_page"), max) }
    }
}

fn limited(text: Option<&str>, max: i64) -> i64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_SIZE).clamp(1, max)
}

/// How a list of identities was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Paging {
    /// After the item that the token names.
    Keyset { size: i64, token: Option<String> },
    /// `page` and `per_page`, which Kratos keeps for old clients.
    Legacy(Page),
}

impl Paging {
    /// # Errors
    /// 400 for a size that isn't a number, and for a legacy page too far away.
    pub(crate) fn of_identities(query: &Query) -> Result<Self, ApiError> {
        let keyset = query.get("page_token").is_some() || query.get("page_size").is_some();
        if !keyset && query.get("page").is_some() {
            let page = Page::numbered(query, 500);
            // An offset costs the database as many rows as it skips.
            if page.offset() > 1000 {
                return Err(ApiError::bad_request("Legacy pagination is not supported for enumerating over 1000 items. Please switch to using page_token and page_size.".to_owned()));
            }
            return Ok(Self::Legacy(page));
        }
        let size = query.get("page_size").or_else(|| query.get("per_page").filter(|_| !keyset));
        let size = keyset_size(size, 500)
            .map_err(|text| ApiError::bad_request(format!("strconv.Atoi: parsing {text:?}: invalid syntax")))?;
        Ok(Self::Keyset { size, token: non_empty(query.get("page_token")) })
    }

    /// # Errors
    /// 400 for a size that isn't a number.
    pub(crate) fn of_sessions(query: &Query) -> Result<(i64, Option<String>), ApiError> {
        let refused = || ApiError::new(400).with_message("could not parse parameter page_size");
        let size = keyset_size(query.get("page_size"), 1000).map_err(|_| refused())?;
        Ok((size, non_empty(query.get("page_token"))))
    }
}

fn non_empty(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn keyset_size(text: Option<&str>, max: i64) -> Result<i64, String> {
    match text.filter(|text| !text.is_empty()) {
        None => Ok(DEFAULT_SIZE),
        Some(text) => match text.parse::<i64>() {
            // Kratos: zero and less mean the default, more than the maximum the maximum.
            Ok(size) if size <= 0 => Ok(DEFAULT_SIZE),
            Ok(size) => Ok(size.min(max)),
            Err(_) => Err(text.to_owned()),
        },
    }
}

/// The token of a page by number, as Kratos writes it.
pub(crate) fn offset_token(offset: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!(r#"{{"offset":"{offset}","v":2}}"#))
}

fn decode_offset(token: &str) -> Option<i64> {
    let value: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    value.get("offset")?.as_str()?.parse().ok()
}

/// `Link` of a keyset page: always the first page, and the next one unless this was the last.
pub(crate) fn keyset_links(
    response: &mut Response,
    path: &str,
    query: &Query,
    size: i64,
    first: &str,
    next: Option<&str>,
) {
    let link = |rel: &str, token: &str| {
        let query = query.with(&[("page_size", &size.to_string()), ("page_token", token)]);
        format!("<{path}?{query}>; rel=\"{rel}\"")
    };
    let mut links = vec![link("first", first)];
    links.extend(next.map(|token| link("next", token)));
    set_links(response, &links);
}

/// `Link` and `X-Total-Count` of a numbered page.
pub(crate) fn numbered_links(
    response: &mut Response,
    path: &str,
    query: &Query,
    page: Page,
    total: i64,
    with_tokens: bool,
) {
    let links: Vec<String> = numbered(page, total)
        .into_iter()
        .map(|(rel, size, offset)| {
            let (size_text, number) = (size.to_string(), offset.div_euclid(size).to_string());
            let mut pairs = vec![("page", number.as_str()), ("per_page", size_text.as_str())];
            let token = offset_token(offset);
            if with_tokens {
                pairs.extend([("page_size", size_text.as_str()), ("page_token", token.as_str())]);
            }
            format!("<{path}?{}>; rel=\"{rel}\"", query.with(&pairs))
        })
        .collect();
    set_links(response, &links);
    response.headers_mut().insert(TOTAL_COUNT, HeaderValue::from(total));
}

/// Kratos: which pages are named when, with its oddities (an empty list has a page -1).
fn numbered(page: Page, total: i64) -> Vec<(&'static str, i64, i64)> {
    let size = page.size.max(1);
    let offset = page.number.saturating_mul(size);
    let last = if total % size == 0 { total - size } else { total / size * size };
    let next = page.number.saturating_add(1).saturating_mul(size);
    let previous = (page.number - 1).saturating_mul(size);
    if offset >= last {
        return match total {
            0 => vec![("first", size, 0), ("next", size, next), ("prev", size, previous)],
            _ if total <= size => vec![("first", total, 0)],
            _ => vec![("first", size, 0), ("prev", size, last - size)],
        };
    }
    if offset < size {
        return vec![("next", size, size), ("last", size, last)];
    }
    vec![("first", size, 0), ("next", size, next), ("prev", size, previous), ("last", size, last)]
}

fn set_links(response: &mut Response, links: &[String]) {
    if let Ok(value) = HeaderValue::from_str(&links.join(",")) {
        response.headers_mut().insert(header::LINK, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(query: &str, page: Page, total: i64, with_tokens: bool) -> String {
        let mut response = crate::answer::no_content();
        numbered_links(&mut response, "/sessions", &Query::parse(query), page, total, with_tokens);
        assert_eq!(response.headers()[TOTAL_COUNT], total.to_string());
        response.headers()[header::LINK].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_single_page_names_itself_with_the_total_as_size() {
        let expected =
            format!("</sessions?page=0&page_size=2&page_token={}&per_page=2>; rel=\"first\"", offset_token(0));
        assert_eq!(links("", Page { number: 0, size: 250 }, 2, true), expected);
    }

    #[test]
    fn an_empty_list_has_a_page_minus_one() {
        let text = links("", Page { number: 0, size: 250 }, 0, true);
        for part in ["page=0&page_size=250", "page=1&page_size=250", "page=-1&page_size=250", "rel=\"prev\""] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn pages_in_the_middle_name_all_four() {
        let text = links("page=1&per_page=2", Page { number: 1, size: 2 }, 5, false);
        assert_eq!(
            text,
            "</sessions?page=0&per_page=2>; rel=\"first\",</sessions?page=2&per_page=2>; rel=\"next\",</sessions?page=0&per_page=2>; rel=\"prev\",</sessions?page=2&per_page=2>; rel=\"last\""
        );
    }

    #[test]
    fn keyset_links_keep_the_filters_and_sort_the_query() {
        let mut response = crate::answer::no_content();
        let query = Query::parse("credentials_identifier=p3@x.example&page_size=2&page_token=old");
        keyset_links(&mut response, "/admin/identities", &query, 2, "0", Some("9"));
        assert_eq!(
            response.headers()[header::LINK],
            "</admin/identities?credentials_identifier=p3%40x.example&page_size=2&page_token=0>; rel=\"first\",</admin/identities?credentials_identifier=p3%40x.example&page_size=2&page_token=9>; rel=\"next\""
        );
    }

    #[test]
    fn sizes_are_limited_and_nonsense_is_refused() {
        let keyset = |text: &str| Paging::of_identities(&Query::parse(text));
        for (text, size) in
            [("", 250), ("page_size=0", 250), ("page_size=-1", 250), ("page_size=9999", 500), ("per_page=7", 7)]
        {
            assert_eq!(keyset(text), Ok(Paging::Keyset { size, token: None }), "{text}");
        }
        assert_eq!(
            keyset("page_size=x").unwrap_err().reason.as_deref(),
            Some("strconv.Atoi: parsing \"x\": invalid syntax")
        );
        assert_eq!(keyset("page=1&per_page=2"), Ok(Paging::Legacy(Page { number: 1, size: 2 })));
        assert_eq!(keyset("page=5&per_page=500").unwrap_err().code, 400);
        assert_eq!(keyset("page=9223372036854775807&per_page=500").unwrap_err().code, 400);
    }

    #[test]
    fn tokens_of_numbered_pages_lead_back_to_their_page() {
        let query = Query::parse(&format!("page_size=10&page_token={}", offset_token(30)));
        assert_eq!(Page::mixed(&query), Page { number: 3, size: 10 });
        assert_eq!(Page::mixed(&Query::parse("page_size=x&page_token=!!")), Page { number: 0, size: 250 });
    }
}
