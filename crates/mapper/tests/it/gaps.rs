//! `KNOWN_GAPS.md` as a test: each row says what happens here today, so that a change of the evaluator shows.

use crate::{evaluate, mapper};

#[tokio::test]
async fn every_known_gap_is_as_documented() {
    let mapper = mapper();
    let documented = include_str!("../../KNOWN_GAPS.md");
    let mut rows = 0;
    for line in documented.lines() {
        // | `expression` | `go-jsonnet` | `here` |
        let cells: Vec<_> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' ']).trim_matches('`')).collect();
        let [expression, _, here] = cells.as_slice() else {
            continue;
        };
        if !line.starts_with("| `") {
            continue;
        }
        rows += 1;
        let expression = expression.replace("\\|", "|");
        let found = match evaluate(&mapper, &expression).await {
            Ok(value) => value,
            Err(error) => error.snippet().map_or_else(
                || error.kind().to_owned(),
                |snippet| snippet.message.lines().next().unwrap_or_default().to_owned(),
            ),
        };
        assert_eq!(&found, here, "{expression}");
    }
    assert!(rows >= 12, "{rows} rows");
}
