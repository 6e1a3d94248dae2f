//! Front-channel logout: the provider's sign-out page loads this address in a frame, once for each site that the
//! person used (OpenID Connect Front-Channel Logout; design §3).
//!
//! The request carries no cookie of ours and nothing but the provider's session id, which nobody can guess. So it
//! ends the sessions that were begun with this very id at this very provider, and it always answers the same: it
//! never tells whether a session existed.

use crate::context::{Context, InitQuery};
use crate::deps::Deps;
use crate::outcome::{Effects, Outcome, Reply};
use bia_config::OidcProvider;
use bia_model::Timestamp;
use bia_telemetry::audit;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Entra's are GUIDs.
const SID_LENGTH_MAX: usize = 256;

/// `GET /self-service/methods/oidc/logout/{provider}`: ends the sessions of `sid`, and answers 200 whatever it found.
pub async fn front_channel_logout(deps: &Deps, context: &Context, provider: &str, query: &InitQuery) -> Reply {
    let configured = deps.config.provider_by_id_or_alias(provider).filter(|provider| provider.logout.front_channel);
    let sid = query.non_empty("sid").filter(|sid| sid.len() <= SID_LENGTH_MAX);
    if let (Some(provider), Some(sid)) = (configured, sid) {
        if PACE.lock().unwrap_or_else(PoisonError::into_inner).admits(context.ip_address.as_deref(), context.now) {
            end_sessions(deps, provider, sid).await;
        } else {
            tracing::warn!(provider = %provider.id, "too many front-channel logouts from one address; this one is ignored");
        }
    }
    // Clickjacking: only the provider's sign-out page may put this into a frame.
    let origin = configured.and_then(|provider| deps.providers.get(&provider.id)?.sign_in_origin());
    let effects =
        Effects { frame_ancestors: Some(origin.unwrap_or_else(|| "'none'".to_owned())), ..Effects::default() };
    Reply::from(Outcome::Html { status: 200, body: PAGE.to_owned() }).with_effects(effects)
}

const PAGE: &str = "<!doctype html><title>Signed out</title>";

async fn end_sessions(deps: &Deps, provider: &OidcProvider, sid: &str) {
    // Sessions that began under an older id of the provider are its sessions, too.
    for id in std::iter::once(&provider.id).chain(&provider.aliases) {
        match deps.store.deactivate_sessions_by_upstream_sid(id, sid).await {
            Ok(ended) => {
                audit::sessions_ended("front_channel", ended).actor("provider").provider(&provider.id).record();
            }
            Err(error) => {
                tracing::error!(provider = %provider.id, %error, "a front-channel logout could not be carried out")
            }
        }
    }
}

/// One for the whole process, since a reload of the configuration must not refill anybody's budget.
static PACE: LazyLock<Mutex<Pace>> = LazyLock::new(Mutex::default);

/// How often one client address may ask: a token bucket each, forgotten once it is full again.
#[derive(Default)]
struct Pace {
    buckets: HashMap<String, Bucket>,
}

struct Bucket {
    tokens: f64,
    filled_at: Timestamp,
}

/// Many people behind one company address sign out at the end of the same shift.
const BURST: f64 = 60.0;
const PER_SECOND: f64 = 10.0;
const ADDRESSES_MAX: usize = 4096;

impl Pace {
    fn admits(&mut self, address: Option<&str>, now: Timestamp) -> bool {
        // A proxy may name the port, too: one client would otherwise have a budget for each of its connections.
        let address = without_port(address.unwrap_or_default());
        let address = address.as_str();
        if !self.buckets.contains_key(address) && self.buckets.len() >= ADDRESSES_MAX {
            self.buckets.retain(|_, bucket| bucket.filled(now) < BURST);
            if self.buckets.len() >= ADDRESSES_MAX {
                return false;
            }
        }
        let bucket = self.buckets.entry(address.to_owned()).or_insert(Bucket { tokens: BURST, filled_at: now });
        bucket.tokens = bucket.filled(now);
        bucket.filled_at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

fn without_port(address: &str) -> String {
    let ip = address.parse::<SocketAddr>().map(|address| address.ip()).or_else(|_| address.parse::<IpAddr>());
    ip.map_or_else(|_| address.to_owned(), |ip| ip.to_string())
}

impl Bucket {
    fn filled(&self, now: Timestamp) -> f64 {
        (self.tokens + now.since(self.filled_at).as_secs_f64() * PER_SECOND).min(BURST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn one_address_runs_dry_and_recovers_while_others_go_on() {
        let mut pace = Pace::default();
        let now = Timestamp::from_secs(1_000);
        for _ in 0..60 {
            assert!(pace.admits(Some("192.0.2.1"), now));
        }
        assert!(!pace.admits(Some("192.0.2.1"), now));
        assert!(pace.admits(Some("192.0.2.2"), now));
        assert!(pace.admits(Some("192.0.2.1"), now + Duration::from_secs(1)));
    }

    #[test]
    fn another_port_is_not_another_budget() {
        let mut pace = Pace::default();
        let now = Timestamp::from_secs(1_000);
        for port in 0..60 {
            assert!(pace.admits(Some(&format!("192.0.2.1:{port}")), now));
            assert!(pace.admits(Some(&format!("[2001:db8::1]:{port}")), now));
        }
        for address in ["192.0.2.1:4711", "192.0.2.1", "[2001:db8::1]:4711", "2001:db8::1"] {
            assert!(!pace.admits(Some(address), now), "{address}");
        }
    }

    #[test]
    fn addresses_that_are_remembered_have_a_bound() {
        let mut pace = Pace::default();
        let now = Timestamp::from_secs(1_000);
        for number in 0..ADDRESSES_MAX {
            assert!(pace.admits(Some(&number.to_string()), now));
        }
        assert!(!pace.admits(Some("one more"), now));
        assert!(pace.admits(Some("one more"), now + Duration::from_secs(60)));
        assert_eq!(pace.buckets.len(), 1);
    }
}
