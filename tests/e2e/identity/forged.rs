//! What somebody makes who has a real token and the public keys, and no private one.

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;

/// Header, claims and signature.
fn parts(token: &str) -> Result<[&str; 3]> {
    let parts: Vec<_> = token.split('.').collect();
    parts.try_into().ok().context("a token has three parts")
}

fn open(part: &str) -> Result<Value> {
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
}

fn close(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The same without its signature.
pub(crate) fn unsigned(token: &str) -> Result<String> {
    let [header, claims, _] = parts(token)?;
    Ok(format!("{header}.{claims}."))
}

/// The same, which says that it needs no signature.
pub(crate) fn without_algorithm(token: &str) -> Result<String> {
    let [header, claims, _] = parts(token)?;
    let mut header = open(header)?;
    header["alg"] = "none".into();
    Ok(format!("{}.{claims}.", close(&header)))
}

/// The same for another user.
pub(crate) fn renamed(token: &str) -> Result<String> {
    let [header, claims, signature] = parts(token)?;
    let mut claims = open(claims)?;
    claims["sub"] = "mallory".into();
    Ok(format!("{header}.{}.{signature}", close(&claims)))
}

/// The same, signed with HS256 and what the provider publishes of its keys as the secret.
pub(crate) fn signed_with_public_keys(token: &str, jwks: &Value) -> Result<Vec<String>> {
    let claims = open(parts(token)?[1])?;
    let mut tokens = Vec::new();
    for key in jwks["keys"].as_array().context("a key set")? {
        let header = Header { kid: key["kid"].as_str().map(str::to_owned), ..Header::new(Algorithm::HS256) };
        for text in ["x", "y", "n"].iter().filter_map(|field| key[field].as_str()) {
            for secret in [text.as_bytes(), &URL_SAFE_NO_PAD.decode(text)?, key.to_string().as_bytes()] {
                tokens.push(jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret))?);
            }
        }
    }
    Ok(tokens)
}
