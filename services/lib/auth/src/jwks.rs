//! A JWK set (RFC 7517), of which only keys count that verify signatures by EdDSA (Ed25519), RS256 or ES256.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

use crate::limits;

/// The bytes of a coordinate of a point of P-256, and of a public key of Ed25519.
const POINT_BYTES: usize = 32;

/// A text is no JWK set.
#[derive(Debug, thiserror::Error)]
#[error("this is no JWK set")]
pub struct JwksError(#[from] serde_json::Error);

/// The keys that count.
#[derive(Debug)]
pub(crate) struct KeySet(Vec<Key>);

#[derive(Debug)]
struct Key {
    kid: Option<String>,
    /// The key decides it; a token's header must agree.
    algorithm: Algorithm,
    key: DecodingKey,
}

impl KeySet {
    /// Reads a set. Keys that can't count are left out: the provider may have others for other purposes.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, JwksError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(text)?;
        let usable = |value: Value| {
            let key = serde_json::from_value(value).map_err(|_| "it can't be read").and_then(|jwk| usable(&jwk));
            key.inspect_err(|why| tracing::debug!(why, "a key of the key set is left out")).ok()
        };
        Ok(Self(set.keys.into_iter().filter_map(usable).collect()))
    }

    /// The key that a token of this header is verified with. A header that names none is enough only where there is
    /// no choice.
    pub(crate) fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Option<DecodingKey> {
        let mut fitting = self.0.iter().filter(|key| key.algorithm == algorithm);
        let key = match kid {
            Some(kid) => fitting.find(|key| key.kid.as_deref() == Some(kid)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        };
        key.map(|key| key.key.clone())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

fn usable(jwk: &Jwk) -> Result<Key, &'static str> {
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return Err("it is not for signatures");
    }
    if jwk.common.key_operations.as_ref().is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) {
        return Err("it is not for verifying");
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if bits(&rsa.n) >= limits::RSA_BITS_LEAST => Algorithm::RS256,
        AlgorithmParameters::RSA(_) => return Err("it is too short"),
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            if bytes(&ec.x) != POINT_BYTES || bytes(&ec.y) != POINT_BYTES {
                return Err("it is no point of its curve");
            }
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            if bytes(&pair.x) != POINT_BYTES {
                return Err("it is no point of its curve");
            }
            Algorithm::EdDSA
        }
        // A symmetric key that others can read proves nothing.
        _ => return Err("it is of another kind"),
    };
    if jwk.common.key_algorithm.is_some_and(|named| named != KeyAlgorithm::from(algorithm)) {
        return Err("it is for another algorithm");
    }
    let key = DecodingKey::from_jwk(jwk).map_err(|_| "it can't be read")?;
    Ok(Key { kid: jwk.common.key_id.clone(), algorithm, key })
}

fn bytes(base64: &str) -> usize {
    URL_SAFE_NO_PAD.decode(base64).map_or(0, |bytes| bytes.len())
}

/// The length of a number.
fn bits(base64: &str) -> usize {
    let bytes = URL_SAFE_NO_PAD.decode(base64).unwrap_or_default();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let first = bytes.get(zeros).map_or(0, |byte| byte.leading_zeros() as usize);
    (bytes.len() - zeros) * 8 - first
}

#[cfg(test)]
mod tests;
