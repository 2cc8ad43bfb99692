use proptest::{collection::vec, prelude::*};
use serde_json::json;

use super::*;
use crate::testing::{Signer, set};

fn parse(keys: &[Value]) -> KeySet {
    KeySet::parse(set(keys).as_bytes()).unwrap()
}

/// How many keys count of one that was changed so.
fn counts(signer: &Signer, change: Value) -> usize {
    let mut jwk = signer.jwk();
    for (field, value) in change.as_object().unwrap() {
        jwk[field] = value.clone();
    }
    parse(&[jwk]).len()
}

#[test]
fn a_key_counts_for_its_own_algorithm_and_name() {
    let signers = [Algorithm::EdDSA, Algorithm::RS256, Algorithm::ES256].map(|algorithm| Signer::new(algorithm, "k"));
    for signer in &signers {
        let keys = parse(&[signer.jwk()]);
        for algorithm in [Algorithm::EdDSA, Algorithm::RS256, Algorithm::ES256, Algorithm::HS256, Algorithm::PS256] {
            assert_eq!(keys.find(algorithm, Some("k")).is_some(), algorithm == signer.algorithm, "{algorithm:?}");
        }
        assert!(keys.find(signer.algorithm, Some("another")).is_none());
        assert_eq!(counts(signer, json!({"use": null, "alg": null})), 1);
    }
    // One name may stand for keys of several algorithms.
    let keys = parse(&signers.each_ref().map(Signer::jwk));
    for signer in &signers {
        assert!(keys.find(signer.algorithm, Some("k")).is_some());
    }
}

#[test]
fn without_a_name_there_must_be_no_choice() {
    let signer = Signer::new(Algorithm::EdDSA, "a");
    let others = [Signer::new(Algorithm::ES256, "b").jwk(), signer.jwk()];
    assert!(parse(&others).find(Algorithm::EdDSA, None).is_some());
    let two = [signer.jwk(), Signer::new(Algorithm::EdDSA, "c").jwk()];
    assert!(parse(&two).find(Algorithm::EdDSA, None).is_none());
}

#[test]
fn keys_for_something_else_are_left_out() {
    let signer = Signer::new(Algorithm::ES256, "k");
    for change in [
        json!({"use": "enc"}),
        json!({"use": "anything"}),
        json!({"key_ops": ["sign"]}),
        json!({"alg": "ES384"}),
        json!({"alg": "RSA-OAEP"}),
        json!({"crv": "P-384"}),
        json!({"crv": "secp256k1"}),
        json!({"x": "AAAA"}),
        json!({"x": "%"}),
        json!({"kty": "RSA"}),
        json!({"kid": 1}),
    ] {
        assert_eq!(counts(&signer, change.clone()), 0, "{change}");
    }
    assert_eq!(counts(&signer, json!({"key_ops": ["verify"]})), 1);
    let signer = Signer::new(Algorithm::EdDSA, "k");
    for change in [json!({"crv": "X25519"}), json!({"crv": "Ed448"}), json!({"x": "AAAA"}), json!({"alg": "ES256"})] {
        assert_eq!(counts(&signer, change.clone()), 0, "{change}");
    }
    // Whoever can read a symmetric key can sign with it.
    let secret = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode([7; 32]), "alg": "HS256", "kid": "s"});
    let with_others = parse(&[secret, json!("nonsense"), signer.jwk()]);
    assert_eq!(with_others.len(), 1);
    assert!(with_others.find(Algorithm::HS256, Some("s")).is_none());
}

#[test]
fn short_rsa_keys_are_left_out() {
    let of = |bytes: Vec<u8>| {
        parse(&[json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(bytes), "e": "AQAB", "kid": "k"})]).len()
    };
    assert_eq!(of(vec![0xff; 256]), 1);
    assert_eq!(of(vec![0xff; 128]), 0);
    // Zeros in front, or a high bit that isn't set, are no length.
    assert_eq!(of([vec![0; 128], vec![0xff; 128]].concat()), 0);
    assert_eq!(of([vec![0x7f], vec![0xff; 255]].concat()), 0);
    assert_eq!(of(Vec::new()), 0);
}

#[test]
fn what_is_no_set_is_refused() {
    for text in ["", "[]", "{}", r#"{"keys": {}}"#, "<html>"] {
        assert!(KeySet::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert_eq!(parse(&[]).len(), 0);
}

proptest! {
    #[test]
    fn no_text_panics(bytes in vec(any::<u8>(), 0..200), field in "kty|crv|x|y|n|e|use|alg|k|key_ops|kid", value in "\\PC{0,40}") {
        let _ = KeySet::parse(&bytes);
        for kind in ["RSA", "EC", "OKP", "oct"] {
            let mut jwk = json!({"kty": kind, "crv": "P-256", "x": "AA", "y": "AA", "n": "AA", "e": "AQAB", "k": "AA"});
            jwk[&field] = value.clone().into();
            let _ = parse(&[jwk]);
        }
    }
}
