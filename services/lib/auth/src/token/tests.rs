use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, encode};
use proptest::{collection::vec, prelude::*};
use serde_json::json;

use super::*;
use crate::{
    Refresh,
    testing::{NOW, Shelf, Signer, runtime},
};

const SECRET: &str = "secret";

fn options() -> Options {
    Options { secret: Some(SECRET.into()), leeway_ms: 5_000, ..Options::default() }
}

fn with_keys(keys: &[Value]) -> Options {
    let refresh = Refresh { every: std::time::Duration::from_secs(300), least: std::time::Duration::from_secs(1) };
    Options { keys: Some(Keys::new(Shelf::with(keys), refresh, runtime())), ..options() }
}

async fn verify(options: Options, token: &str) -> Result<Identity, Refusal> {
    Verifier::new(options, runtime()).verify(token).await
}

fn hs256(claims: &Value) -> String {
    signed(&Header::new(Algorithm::HS256), claims, SECRET.as_bytes())
}

fn signed(header: &Header, claims: &Value, secret: &[u8]) -> String {
    encode(header, claims, &EncodingKey::from_secret(secret)).unwrap()
}

fn alice() -> Value {
    json!({"sub": "alice", "exp": NOW + 60})
}

fn is_invalid(result: &Result<Identity, Refusal>) -> bool {
    matches!(result, Err(Refusal::Invalid { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_token_counts_until_its_end_and_the_leeway() {
    let until = async |exp: f64| verify(options(), &hs256(&json!({"sub": "alice", "exp": exp}))).await;
    let identity = until(1_000_001.5).await.unwrap();
    assert_eq!(identity.user.as_str(), "alice");
    assert_eq!((identity.expires, identity.until), (TimeMs(1_000_001_500), TimeMs(1_000_006_500)));
    assert!(until(999_995.001).await.is_ok());
    assert_eq!(until(999_995.0).await, Err(Refusal::Expired));
    let from = async |nbf: u64| {
        let claims = json!({"sub": "alice", "exp": NOW + 60, "nbf": nbf});
        verify(options(), &hs256(&claims)).await
    };
    assert!(from(NOW + 5).await.is_ok());
    assert_eq!(from(NOW + 6).await, Err(Refusal::NotYet));
}

#[tokio::test(start_paused = true)]
async fn only_who_can_sign_is_told_that_a_token_has_ended() {
    let ended = signed(&Header::default(), &json!({"sub": "alice", "exp": 1}), b"another");
    assert!(is_invalid(&verify(options(), &ended).await));
}

#[tokio::test(start_paused = true)]
async fn sub_and_exp_are_needed_and_sub_must_be_a_user() {
    for claims in [
        json!({"sub": "alice"}),
        json!({"exp": NOW + 60}),
        json!({"sub": "", "exp": NOW + 60}),
        json!({"sub": 7, "exp": NOW + 60}),
        json!({"sub": "alice", "exp": "soon"}),
        json!({"sub": "alice", "exp": NOW + 60, "nbf": "now"}),
    ] {
        assert!(is_invalid(&verify(options(), &hs256(&claims)).await), "{claims}");
    }
}

#[tokio::test(start_paused = true)]
async fn issuer_and_audience_are_needed_where_they_are_set() {
    let strict = || Options { issuer: Some("idp".into()), audience: Some("chat".into()), ..options() };
    let claims = |iss: Value, aud: Value| hs256(&json!({"sub": "a", "exp": NOW + 60, "iss": iss, "aud": aud}));
    assert!(verify(strict(), &claims("idp".into(), "chat".into())).await.is_ok());
    assert!(verify(strict(), &claims("idp".into(), json!(["x", "chat"]))).await.is_ok());
    for (iss, aud) in [
        (Value::Null, "chat".into()),
        ("idp".into(), Value::Null),
        ("x".into(), "chat".into()),
        ("idp".into(), "x".into()),
        ("idp".into(), json!([])),
    ] {
        let token = claims(iss.clone(), aud.clone());
        assert!(is_invalid(&verify(strict(), &token).await), "{iss} {aud}");
    }
    assert!(is_invalid(&verify(strict(), &hs256(&alice())).await));
    assert!(verify(options(), &claims("any".into(), "any".into())).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn only_hs256_is_taken_with_the_secret() {
    let good = hs256(&alice());
    assert!(verify(options(), &good).await.is_ok());
    let payload = good.split('.').nth(1).unwrap();
    let signature = good.split('.').nth(2).unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    for bad in [
        signed(&Header::new(Algorithm::HS384), &alice(), SECRET.as_bytes()),
        signed(&Header::new(Algorithm::HS512), &alice(), SECRET.as_bytes()),
        signed(&Header::default(), &alice(), b"other"),
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{good}x"),
        format!("{good}."),
        "nonsense".to_owned(),
        String::new(),
    ] {
        assert!(is_invalid(&verify(options(), &bad).await), "{bad}");
    }
    // Without a secret an empty one opens nothing.
    let empty = signed(&Header::default(), &alice(), b"");
    assert!(is_invalid(&verify(Options::default(), &empty).await));
}

#[tokio::test(start_paused = true)]
async fn each_algorithm_of_the_keys_is_taken() {
    for algorithm in [Algorithm::EdDSA, Algorithm::RS256, Algorithm::ES256] {
        let signer = Signer::new(algorithm, "k");
        let verifier = Verifier::new(with_keys(&[signer.jwk()]), runtime());
        let token = signer.sign(&alice());
        assert_eq!(verifier.verify(&token).await.unwrap().user.as_str(), "alice");
        // The same header and claims, signed by somebody else.
        let other = Signer::new(algorithm, "k").sign(&alice());
        assert!(is_invalid(&verifier.verify(&other).await), "{algorithm:?}");
        assert!(verifier.verify(&hs256(&alice())).await.is_ok());
        assert!(is_invalid(&verify(options(), &token).await), "{algorithm:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_public_key_is_no_secret() {
    for algorithm in [Algorithm::EdDSA, Algorithm::RS256, Algorithm::ES256] {
        let signer = Signer::new(algorithm, "k");
        let jwk = signer.jwk();
        let verifier = Verifier::new(with_keys(std::slice::from_ref(&jwk)), runtime());
        let header = Header { kid: Some("k".into()), ..Header::new(Algorithm::HS256) };
        for field in ["x", "n"] {
            let Some(text) = jwk[field].as_str() else { continue };
            for secret in [text.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(text).unwrap()] {
                assert!(is_invalid(&verifier.verify(&signed(&header, &alice(), &secret)).await), "{algorithm:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_a_token_brings_or_names_are_not_looked_at() {
    let ours = Signer::new(Algorithm::ES256, "ours");
    let theirs = Signer::new(Algorithm::ES256, "theirs");
    let verifier = Verifier::new(with_keys(&[ours.jwk()]), runtime());
    for kid in ["ours", "theirs"] {
        let jwk = serde_json::from_value(theirs.jwk()).unwrap();
        let place = Some("https://attacker.example/keys".to_owned());
        let header = Header { jwk: Some(jwk), jku: place.clone(), x5u: place, ..ours.header() };
        let header = Header { kid: Some(kid.to_owned()), ..header };
        let token = encode(&header, &alice(), &theirs.key).unwrap();
        assert!(is_invalid(&verifier.verify(&token).await), "{kid}");
    }
}

#[tokio::test(start_paused = true)]
async fn critical_headers_and_tokens_of_other_types_are_refused() {
    let with = |header: Header| signed(&header, &alice(), SECRET.as_bytes());
    let typ = |typ: Option<&str>| with(Header { typ: typ.map(str::to_owned), ..Header::default() });
    for good in [None, Some("JWT"), Some("jwt"), Some("at+jwt"), Some("application/at+jwt")] {
        assert!(verify(options(), &typ(good)).await.is_ok(), "{good:?}");
    }
    for bad in ["logout+jwt", "secevent+jwt", "dpop+jwt", ""] {
        assert!(is_invalid(&verify(options(), &typ(Some(bad))).await), "{bad}");
    }
    let critical = with(Header { crit: Some(vec!["b64".into()]), ..Header::default() });
    assert!(is_invalid(&verify(options(), &critical).await));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_too_long_is_not_looked_at() {
    let of = |bytes: usize| {
        let mut claims = alice();
        claims["padding"] = "x".repeat(bytes).into();
        hs256(&claims)
    };
    // Base64 makes 4 of 3.
    let (fits, too_long) = (of(limits::TOKEN_BYTES_MAX / 4 * 3 - 200), of(limits::TOKEN_BYTES_MAX / 4 * 3));
    assert!(fits.len() <= limits::TOKEN_BYTES_MAX && too_long.len() > limits::TOKEN_BYTES_MAX);
    assert!(verify(options(), &fits).await.is_ok());
    assert!(is_invalid(&verify(options(), &too_long).await));
}

#[tokio::test(start_paused = true)]
async fn the_claim_says_to_whom_the_user_may_write() {
    let with = async |claim: Option<&str>, value: Value| {
        let mut claims = alice();
        claims["friends"] = value;
        let options = Options { claim: claim.map(str::to_owned), ..options() };
        verify(options, &hs256(&claims)).await.map(|identity| identity.write_to)
    };
    let user = |user: &str| UserId::new(user).unwrap();
    let some = with(Some("friends"), json!(["bob", "carol"])).await.unwrap();
    assert!(some.includes(&user("bob")) && some.includes(&user("carol")) && !some.includes(&user("dave")));
    assert_eq!(with(Some("friends"), json!("*")).await, Ok(WriteTo::Everybody));
    assert!(WriteTo::Everybody.includes(&user("dave")));
    for nobody in
        [with(Some("other"), json!("*")).await, with(None, json!("*")).await, with(Some("friends"), json!([])).await]
    {
        assert_eq!(nobody, Ok(WriteTo::default()));
    }
    assert!(!WriteTo::default().includes(&user("bob")));
    // `*` in a list is a user of that name.
    assert!(!with(Some("friends"), json!(["*"])).await.unwrap().includes(&user("bob")));
    for bad in [json!("bob"), json!(7), json!({"bob": true}), json!(["bob", 7]), json!([""]), Value::Null] {
        assert!(matches!(with(Some("friends"), bad.clone()).await, Err(Refusal::Invalid { .. })), "{bad}");
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
}

proptest! {
    #[test]
    fn no_token_panics(text in "\\PC{0,200}", bytes in vec(any::<u8>(), 0..200), at in 0_usize..200, byte in any::<u8>()) {
        block_on(async {
            let signer = Signer::new(Algorithm::EdDSA, "k");
            let verifier = Verifier::new(with_keys(&[signer.jwk()]), runtime());
            let good = signer.sign(&alice());
            let part = |text: &[u8]| URL_SAFE_NO_PAD.encode(text);
            let mut damaged = good.clone().into_bytes();
            let at = at % damaged.len();
            damaged[at] = byte;
            let mut parts = good.split('.');
            let (header, payload, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
            for token in [
                text.clone(),
                String::from_utf8_lossy(&damaged).into_owned(),
                format!("{}.{payload}.{signature}", part(&bytes)),
                format!("{header}.{}.{signature}", part(&bytes)),
                format!("{header}.{payload}.{}", part(&bytes)),
            ] {
                if token != good {
                    assert!(verifier.verify(&token).await.is_err(), "{token}");
                }
            }
            // What a provider signs may be anything too.
            for value in [json!(text), json!(f64::from(byte) * 1e300), json!(-1), json!([text])] {
                let mut claims = alice();
                claims["exp"] = value;
                let _ = verifier.verify(&signer.sign(&claims)).await;
            }
        });
    }
}
