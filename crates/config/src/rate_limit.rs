//! `bia.rate_limit`: how often one client, or one flow, may ask for what costs a sign-in's work.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// `bia.rate_limit`: limits on beginning, submitting and finishing flows. Default: none, as in Kratos.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimits {
    /// For each address, as `trusted_proxies` tell it; an IPv6 network of 64 bits counts as one address. Default: no limit.
    pub per_address: Option<RateLimit>,
    /// For each flow, whoever asks. Default: no limit.
    pub per_flow: Option<RateLimit>,
}

/// One limit: a bucket that holds `burst` requests and is refilled evenly.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Requests in each `per` that are answered in the long run, for example `60`. Required.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub requests: NonZeroU32,
    /// The time in which they are counted, from `1ms` to `24h`. Default: `1m`.
    #[serde(with = "crate::duration", default = "minute")]
    #[schemars(schema_with = "crate::duration::schema")]
    pub per: Duration,
    /// Most requests at once after a pause. Default: as many as `requests`.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub burst: Option<NonZeroU32>,
}

fn minute() -> Duration {
    Duration::from_secs(60)
}

impl RateLimit {
    /// Most requests at once.
    pub fn burst(&self) -> u32 {
        self.burst.unwrap_or(self.requests).get()
    }
}
