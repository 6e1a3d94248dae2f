//! `bia.rate_limit`: how often one address, or one flow, may ask for what costs a sign-in's work. Off by default.
//!
//! The URL table says which rows are limited. Both limits are counted before a body is read and before the database is
//! asked, so that whoever is refused costs next to nothing. Each instance counts for itself: behind a load balancer a
//! client has the budget of every instance.

mod buckets;

use crate::answer;
use crate::call::Call;
use crate::client;
use crate::public::pages;
use crate::route::Route;
use axum::response::Response;
use bia_config::RateLimit;
use bia_model::ApiError;
use buckets::{Buckets, Pace};
use http::{HeaderValue, header};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Clients that nobody names share one bucket: those behind a unix socket whose proxy sends no address.
const NAMELESS: u128 = 1;

/// The limits of a configuration that has any.
pub(crate) struct RateLimits {
    per_address: Option<Limit>,
    per_flow: Option<Limit>,
    /// Buckets tell time by its distance from here. The computer's clock may jump, this one can't.
    origin: Instant,
}

struct Limit {
    pace: Pace,
    /// Shared with the configurations before and after, or a reload would refill everybody's bucket.
    buckets: Arc<Buckets>,
}

/// Why a request is not answered now.
pub(crate) struct Refused {
    /// The limit's name in the metrics.
    limit: &'static str,
    reason: &'static str,
    retry_after: Duration,
}

impl RateLimits {
    /// `None` when nothing is limited. Takes over what was counted by `before`.
    pub(crate) fn new(limits: &bia_config::RateLimits, before: Option<&Self>) -> Option<Self> {
        let limit = |limit: &Option<RateLimit>, before: Option<&Limit>| {
            let limit = limit.as_ref()?;
            let per_second = f64::from(limit.requests.get()) / limit.per.as_secs_f64();
            let buckets = before.map_or_else(|| Arc::new(Buckets::new()), |before| Arc::clone(&before.buckets));
            Some(Limit { pace: Pace { burst: f64::from(limit.burst()), per_second }, buckets })
        };
        let per_address = limit(&limits.per_address, before.and_then(|before| before.per_address.as_ref()));
        let per_flow = limit(&limits.per_flow, before.and_then(|before| before.per_flow.as_ref()));
        let origin = before.map_or_else(Instant::now, |before| before.origin);
        (per_address.is_some() || per_flow.is_some()).then_some(Self { per_address, per_flow, origin })
    }

    /// Counts one request.
    ///
    /// # Errors
    /// Which limit it exceeds, and when to come back.
    pub(crate) fn admit(&self, call: &Call, route: &Route) -> Result<(), Refused> {
        let now = self.origin.elapsed();
        if let Some(limit) = &self.per_address {
            let address = client::nearest_address(call.client.peer, &call.headers, &call.deps().config.bia);
            limit.buckets.take(address.map_or(NAMELESS, address_key), limit.pace, now).map_err(|retry_after| {
                Refused { limit: "address", reason: "There were too many requests from this address.", retry_after }
            })?;
        }
        if let Some(limit) = &self.per_flow
            && let Some(flow) = flow_of(call, route)
        {
            limit.buckets.take(flow.as_u128(), limit.pace, now).map_err(|retry_after| Refused {
                limit: "flow",
                reason: "There were too many requests for this sign-in.",
                retry_after,
            })?;
        }
        Ok(())
    }
}

/// Providers hand out IPv6 by networks of 64 bits: single addresses of one would be endlessly many buckets.
fn address_key(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits() >> 64 << 64,
    }
}

/// The flow that a request is about: a submit names it in its query, a callback in its state.
fn flow_of(call: &Call, route: &Route) -> Option<Uuid> {
    // Not from the flow in the query of a callback, which nobody there reads: a new one each time would count for nothing.
    let is_callback = route.path.contains("/callback");
    if let Some(flow) = call.query.get("flow").filter(|_| !is_callback) {
        return Uuid::parse_str(flow).ok();
    }
    // A state that can't be opened belongs to no flow of ours; the limit per address counts whoever made it up.
    call.query.get("state").and_then(|state| bia_selfservice::oidc::flow_of_state(call.deps(), state))
}

/// 429: a page for browsers, Kratos' JSON for everybody else.
pub(crate) fn refuse(call: &Call, route: &Route, refused: &Refused) -> Response {
    metrics::counter!("bia_rate_limited_total", "limit" => refused.limit, "route" => route.path).increment(1);
    let seconds = refused.retry_after.as_secs().saturating_add(1);
    let unit = if seconds == 1 { "second" } else { "seconds" };
    let mut error = ApiError::new(429).with_reason(format!("{} Please try again in {seconds} {unit}.", refused.reason));
    error.request.clone_from(&call.request_id);
    // Not by way of the configured error page: that takes a row in the database for each refusal.
    let page = call.wants_page().then(|| pages::error(call, &error)).flatten();
    let mut response = page.unwrap_or_else(|| answer::error(&error));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(address: &str) -> u128 {
        address_key(address.parse().unwrap())
    }

    #[test]
    fn an_ipv6_network_is_one_client_and_each_ipv4_address_is_one() {
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
        assert!(!["::1", "0.0.0.1", "2001:db8::1"].into_iter().any(|address| key(address) == NAMELESS));
    }
}
