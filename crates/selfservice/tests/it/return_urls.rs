//! `return_urls`: which flows may use a provider, however their way back is written.

use crate::bed::Bed;
use crate::browser::buttons;
use serde_json::json;

#[tokio::test]
async fn a11_a_relative_way_back_is_read_from_the_default_address_as_where_it_leads() {
    let bed = Bed::with_provider(json!({ "return_urls": ["https://app.example/reports"] })).await;
    for (return_to, expected) in [
        ("/reports", true),
        ("/reports/7?a=b", true),
        ("reports", true),
        ("/elsewhere", false),
        ("/reports/../elsewhere", false),
        ("//other.example/reports", false),
    ] {
        let mut browser = bed.browser();
        let flow = browser.begin_login(&format!("return_to={}", return_to.replace('?', "%3F"))).await.flow();
        assert_eq!(!buttons(&flow).is_empty(), expected, "{return_to}");
        if expected {
            browser.press(&flow, "microsoft", "alice").await.expect_session();
        }
    }
}
