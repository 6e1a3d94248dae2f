//! The openidconnect types that this crate speaks in, in one place: that library changes them between versions.

use openidconnect::core;

/// One published key; it verifies signatures.
pub(crate) type JsonWebKey = core::CoreJsonWebKey;
/// What a key's own `alg` allows.
pub(crate) use openidconnect::JsonWebKeyAlgorithm as KeyAlgorithm;
/// A signing algorithm as named in a token's header.
pub(crate) type SigningAlgorithm = core::CoreJwsSigningAlgorithm;

pub(crate) use openidconnect::{AuthUrl, EndSessionUrl, JsonWebKeySetUrl, TokenUrl, UserInfoUrl};
pub(crate) use openidconnect::{JsonWebKey as VerifySignature, Nonce, PkceCodeChallenge};
