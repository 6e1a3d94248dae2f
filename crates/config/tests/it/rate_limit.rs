//! `bia.rate_limit`.

use std::time::Duration;

use super::{BASE, load_edited, load_with};

#[test]
fn without_the_key_nothing_is_limited() {
    let limits = load_edited(&[]).expect("it loads").config.bia.rate_limit;
    assert_eq!(limits, bia_config::RateLimits::default());
    assert!(limits.per_address.is_none() && limits.per_flow.is_none());
}

#[test]
fn what_is_left_out_is_a_minute_and_a_burst_of_all_requests() {
    let text = "bia: { rate_limit: { per_address: { requests: 60 }, per_flow: { requests: 30, per: 10s, burst: 5 } } }";
    let limits = load_edited(&[("version: v1.3.0", text)]).expect("it loads").config.bia.rate_limit;
    let (address, flow) = (limits.per_address.expect("a limit"), limits.per_flow.expect("a limit"));
    assert_eq!((address.requests.get(), address.per, address.burst()), (60, Duration::from_secs(60), 60));
    assert_eq!((flow.requests.get(), flow.per, flow.burst()), (30, Duration::from_secs(10), 5));
}

#[test]
fn a_limit_can_come_from_the_environment() {
    let env = [("BIA_RATE_LIMIT_PER_ADDRESS_REQUESTS", "60"), ("BIA_RATE_LIMIT_PER_ADDRESS_BURST", "20")];
    let limit = load_with(BASE, &env).expect("it loads").config.bia.rate_limit.per_address.expect("a limit");
    assert_eq!((limit.requests.get(), limit.burst()), (60, 20));
}
