//! Tokens, good and bad.

use std::time::{SystemTime, UNIX_EPOCH};

use chasqui_config::DEV_AUTH_SECRET;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

const DAY: i64 = 24 * 60 * 60;

/// A token of a user, which the server takes.
pub(crate) fn good(user: &str) -> anyhow::Result<String> {
    signed(json!({"sub": user, "exp": in_seconds(DAY)?}), DEV_AUTH_SECRET)
}

/// A token that has ended.
pub(crate) fn ended(user: &str) -> anyhow::Result<String> {
    signed(json!({"sub": user, "exp": in_seconds(-DAY)?}), DEV_AUTH_SECRET)
}

/// A token that somebody else has signed.
pub(crate) fn foreign(user: &str) -> anyhow::Result<String> {
    signed(json!({"sub": user, "exp": in_seconds(DAY)?}), "another secret of at least 32 bytes!")
}

pub(crate) fn signed(claims: Value, secret: &str) -> anyhow::Result<String> {
    Ok(encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes()))?)
}

fn in_seconds(seconds: i64) -> anyhow::Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())? + seconds)
}
