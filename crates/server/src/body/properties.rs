//! Any bytes under any content type are decoded or refused.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

fn content_type() -> impl Strategy<Value = String> {
    let known = vec![
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"a b\"",
        "text/plain",
        "",
        "json",
        "a/b; c",
        "application/json; charset=\"",
        "application/x-www-form-urlencoded;charset=utf-16",
    ];
    prop_oneof![4 => select(known).prop_map(str::to_owned), 1 => "[ -~\u{80}-\u{ff}]{0,40}"]
}

/// Bytes, and bodies that are nearly forms.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let pieces = vec![
        "--x",
        "--x--",
        "\r\n",
        "\n",
        "Content-Disposition: form-data; name=\"a\"",
        "content-disposition: form-data",
        "; filename=\"../f\"",
        "Content-Type: text/html; charset=utf-7",
        "a=1&",
        "a.b[]=%zz&",
        "%00",
        "{\"a\":1}",
        "=",
        "&&",
        "\u{1F980}",
        "1",
    ];
    prop_oneof![
        3 => vec(select(pieces), 0..24).prop_map(|pieces| pieces.concat().into_bytes()),
        1 => vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    // The same cases in every run; `PROPTEST_CASES` goes further.
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_under_any_content_type_are_decoded_or_refused(kind in content_type(), body in body()) {
        let headers: HeaderMap = kind.parse().map(|value| (header::CONTENT_TYPE, value)).into_iter().collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bytes = Bytes::from(body.clone());
        match runtime.block_on(decode(&Method::POST, &headers, &bytes)) {
            Ok(Body::Json(kept)) => prop_assert_eq!(kept, body),
            Ok(Body::Form(pairs)) => prop_assert!(pairs.len() <= FIELDS_MAX),
            Ok(Body::Empty | Body::Unknown(_)) => {}
            Err(error) => prop_assert_eq!(error.code, 400),
        }
        // A GET has no body, whatever it carries.
        prop_assert!(matches!(runtime.block_on(decode(&Method::GET, &headers, &bytes)), Ok(Body::Empty)));
    }

    #[test]
    fn a_form_comes_back_as_its_pairs(pairs in vec((any::<String>(), any::<String>()), 1..20)) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, http::HeaderValue::from_static("application/x-www-form-urlencoded"))]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        match runtime.block_on(decode(&Method::POST, &headers, &Bytes::from(body))) {
            Ok(Body::Form(decoded)) => prop_assert_eq!(decoded, pairs),
            other => prop_assert!(false, "no form: {:?}", other.map(|_| ())),
        }
    }
}
