use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chasqui_auth::{Identity, Options, Verifier};
use chasqui_runtime::Runtime;
use chasqui_testkit::Clock;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime as Tokio};

const SECRET: &[u8] = b"a secret of the fuzzer, long enough";

static TOKIO: LazyLock<Tokio> =
    LazyLock::new(|| Builder::new_current_thread().build().unwrap_or_else(|error| panic!("{error}")));

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let options = Options {
        secret: Some(SECRET.to_vec()),
        issuer: Some("i".to_owned()),
        claim: Some("w".to_owned()),
        ..Options::default()
    };
    Verifier::new(options, Runtime::new(Clock::default()))
});

/// The JSON of a header, a line break, and that of claims: a token of them is taken only when it says HS256 where it is
/// signed so, and the user is its `sub`. Without the line break the bytes are a token, which nobody has signed.
///
/// # Panics
/// When that isn't so.
pub fn tokens(bytes: &[u8]) -> bool {
    let Some(at) = bytes.iter().position(|byte| *byte == b'\n') else {
        let Ok(token) = std::str::from_utf8(bytes) else { return false };
        assert!(verified(token).is_none(), "nobody has signed it");
        return false;
    };
    let (header, claims) = (&bytes[..at], &bytes[at + 1..]);
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let key = EncodingKey::from_secret(SECRET);
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap_or_else(|error| panic!("{error}"));
    let Some(identity) = verified(&format!("{message}.{signature}")) else { return false };
    let [header, claims] = [header, claims].map(|json| serde_json::from_slice::<Value>(json).unwrap_or_default());
    assert_eq!(header["alg"], "HS256");
    assert_eq!(claims["sub"], identity.user.as_str());
    assert_eq!(claims["iss"], "i");
    assert!(claims["exp"].is_number());
    true
}

fn verified(token: &str) -> Option<Identity> {
    TOKIO.block_on(VERIFIER.verify(token)).ok()
}
