//! Any cookie header is read; what was written comes back; nothing in a value starts another header or attribute.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

proptest! {
    // The same cases in every run; `PROPTEST_CASES` goes further.
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_as_cookies(lines in vec(vec(any::<u8>(), 0..80), 0..4)) {
        let values = lines.iter().filter_map(|line| HeaderValue::from_bytes(line).ok());
        let headers: HeaderMap = values.map(|value| (header::COOKIE, value)).collect();
        let pairs = parse(&headers);
        let separators: usize = lines.iter().map(|line| 1 + line.iter().filter(|byte| **byte == b';').count()).sum();
        prop_assert!(pairs.len() <= separators);
    }

    #[test]
    fn cookies_come_back_as_they_were_sent(pairs in vec(("[a-zA-Z0-9_-]{1,12}", "[a-zA-Z0-9_/+=.-]{0,40}"), 0..12), lines in 1..4_usize) {
        let mut headers = HeaderMap::new();
        for chunk in pairs.chunks(pairs.len().div_ceil(lines).max(1)) {
            let line: Vec<String> = chunk.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.append(header::COOKIE, line.join("; ").parse().unwrap());
        }
        prop_assert_eq!(parse(&headers), pairs);
    }

    #[test]
    fn a_line_that_could_split_the_answer_is_left_out(line in any::<String>()) {
        let mut headers = HeaderMap::new();
        append(&mut headers, &line);
        if let Some(value) = headers.get(header::SET_COOKIE) {
            prop_assert!(!value.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
        }
    }
}
