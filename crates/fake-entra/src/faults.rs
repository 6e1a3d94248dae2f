//! Misbehaviour on demand: at an endpoint (status, reset, slow, …) or inside the ID token (signature, nonce, …).
//!
//! In JSON, for `/_control`: `{"on": "token", "kind": "status", "status": 429, "retryAfter": 7, "times": 1}` or
//! `{"on": "idtoken", "kind": "wrongNonce"}`.

mod strike;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::access_log::Endpoint;

pub(crate) use strike::{Struck, strike};

/// One planned misbehaviour. It strikes at every matching call unless limited.
#[derive(Clone, Debug)]
pub struct Fault {
    pub(crate) place: Place,
    times: Option<u32>,
    skip: u32,
    delay: Duration,
}

#[derive(Clone, Debug)]
pub(crate) enum Place {
    Endpoint(Endpoint, EndpointFault),
    IdToken(IdTokenFault),
}

impl Fault {
    /// Misbehaves in place of, or before, the endpoint's answer.
    pub fn at(endpoint: Endpoint, fault: EndpointFault) -> Fault {
        Fault { place: Place::Endpoint(endpoint, fault), times: None, skip: 0, delay: Duration::ZERO }
    }

    /// Answers correctly, but with a bad ID token inside.
    pub fn id_token(fault: IdTokenFault) -> Fault {
        Fault { place: Place::IdToken(fault), times: None, skip: 0, delay: Duration::ZERO }
    }

    /// Strikes that often, then is gone.
    pub fn times(mut self, times: u32) -> Fault {
        self.times = Some(times);
        self
    }

    /// Lets that many matching calls pass first.
    pub fn skip(mut self, skip: u32) -> Fault {
        self.skip = skip;
        self
    }

    /// Waits before it strikes.
    pub fn delay(mut self, delay: Duration) -> Fault {
        self.delay = delay;
        self
    }
}

/// What an endpoint does instead of its duty.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum EndpointFault {
    /// A status with a JSON body, by default Entra's "transient error".
    Status {
        #[serde(default = "internal_server_error")]
        status: u16,
        #[serde(default)]
        retry_after: Option<u64>,
        #[serde(default)]
        body: Option<Value>,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// The right answer, only later; the time is [`Fault::delay`].
    Slow,
    /// A TCP reset instead of an answer.
    Reset,
    /// 200 with JSON that ends too early.
    Malformed,
    /// Something that is not JSON.
    Text {
        #[serde(default = "ok")]
        status: u16,
        #[serde(default = "hello")]
        text: String,
        #[serde(default = "text_plain")]
        content_type: String,
    },
    /// A body that does not end for a long while; 64 MiB by default.
    Huge {
        #[serde(default = "sixty_four_mebibytes")]
        bytes: u64,
    },
    /// An OAuth error: at `authorize` as a redirect back to the application, elsewhere as JSON.
    Error {
        error: String,
        /// AADSTS number.
        #[serde(default)]
        code: Option<u32>,
        #[serde(default)]
        text: Option<String>,
        #[serde(default = "bad_request")]
        status: u16,
    },
    /// Sends the caller elsewhere.
    Redirect { to: String },
}

impl EndpointFault {
    /// A status and nothing else special.
    pub fn status(status: u16) -> EndpointFault {
        EndpointFault::Status { status, retry_after: None, body: None, headers: BTreeMap::new() }
    }

    /// 429 with `Retry-After`.
    pub fn throttled(seconds: u64) -> EndpointFault {
        EndpointFault::Status { status: 429, retry_after: Some(seconds), body: None, headers: BTreeMap::new() }
    }

    /// An OAuth error with the AADSTS number and text that Entra gives with it.
    pub fn error(error: &str) -> EndpointFault {
        EndpointFault::Error { error: error.to_owned(), code: None, text: None, status: 400 }
    }

    /// An OAuth error with this AADSTS number.
    pub fn aadsts(error: &str, code: u32, text: &str) -> EndpointFault {
        EndpointFault::Error { error: error.to_owned(), code: Some(code), text: Some(text.to_owned()), status: 400 }
    }
}

/// What is wrong with the ID token. `value` and `seconds` replace the default wrong value.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum IdTokenFault {
    BadSignature,
    WrongNonce,
    NoNonce,
    WrongAud {
        #[serde(default)]
        value: Option<String>,
    },
    WrongIss {
        #[serde(default)]
        value: Option<String>,
    },
    WrongTid {
        #[serde(default)]
        value: Option<String>,
    },
    Expired {
        #[serde(default)]
        seconds: Option<i64>,
    },
    NotYetValid {
        #[serde(default)]
        seconds: Option<i64>,
    },
    FutureIat {
        #[serde(default)]
        seconds: Option<i64>,
    },
    AlgNone,
    /// Signed with the client secret, or with `value`: the key-confusion attack.
    Hs256 {
        #[serde(default)]
        value: Option<String>,
    },
    /// Signed by a key that is published nowhere, under its own kid.
    UnknownKey,
    /// Signed by that key under the published kid.
    StrangerSameKid,
    NoKid,
    /// Rotates first, so that the relying party has not seen the key yet. The token is good.
    RotatedKey,
    /// Two audiences, ours among them.
    AudArray,
    NoIdToken,
    NotJwt,
    /// Other claims, or fewer.
    Claims {
        #[serde(default)]
        claims: Map<String, Value>,
        #[serde(default)]
        drop: Vec<String>,
    },
}

fn ok() -> u16 {
    200
}
fn bad_request() -> u16 {
    400
}
fn internal_server_error() -> u16 {
    500
}
fn hello() -> String {
    "hello".to_owned()
}
fn text_plain() -> String {
    "text/plain".to_owned()
}
fn sixty_four_mebibytes() -> u64 {
    64 << 20
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            on: String,
            times: Option<u32>,
            #[serde(default)]
            skip: u32,
            /// Milliseconds.
            #[serde(default)]
            slow: u64,
            #[serde(flatten)]
            rest: Map<String, Value>,
        }
        let mut written = Written::deserialize(deserializer)?;
        let place = if written.on == "idtoken" {
            Place::IdToken(IdTokenFault::deserialize(Value::Object(written.rest)).map_err(serde::de::Error::custom)?)
        } else {
            written.rest.entry("kind").or_insert_with(|| "slow".into());
            let endpoint = Endpoint::deserialize(Value::String(written.on)).map_err(serde::de::Error::custom)?;
            let fault = EndpointFault::deserialize(Value::Object(written.rest)).map_err(serde::de::Error::custom)?;
            Place::Endpoint(endpoint, fault)
        };
        let delay = Duration::from_millis(written.slow);
        Ok(Fault { place, times: written.times, skip: written.skip, delay })
    }
}

/// A fault whose turn it is.
pub(crate) struct Strike<F> {
    pub(crate) fault: F,
    pub(crate) delay: Duration,
}

/// The next fault that `matching` picks, counted down; at most one strikes per call.
pub(crate) fn take<F>(faults: &mut Vec<Fault>, matching: impl Fn(&Place) -> Option<F>) -> Option<Strike<F>> {
    let mut index = 0;
    while index < faults.len() {
        let fault = &mut faults[index];
        if let Some(found) = matching(&fault.place) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if fault.times == Some(0) {
                faults.remove(index);
                continue;
            } else {
                let delay = fault.delay;
                if let Some(times) = &mut fault.times {
                    *times -= 1;
                    if *times == 0 {
                        faults.remove(index);
                    }
                }
                return Some(Strike { fault: found, delay });
            }
        }
        index += 1;
    }
    None
}
