//! Who is there: the identity provider's token says so.

use chasqui_domain::{TimeMs, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::options::Auth;

/// Checks tokens.
pub(crate) struct Verifier {
    key: DecodingKey,
    validation: Validation,
    leeway_ms: u64,
}

/// Who a token names, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user: UserId,
    /// The token's end, the leeway included: a token that is still taken must not end its session at once.
    pub(crate) until: TimeMs,
}

/// The token is not taken. Why is not told to whoever brings it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unauthorized;

/// Times are numbers that may have a fraction (RFC 7519, NumericDate).
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
}

impl Verifier {
    pub(crate) fn new(auth: &Auth) -> Self {
        // The algorithm is fixed here: what a token's header says must agree, and never decides.
        let mut validation = Validation::new(Algorithm::HS256);
        // The times are compared below, with the runtime's clock and in milliseconds.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = auth.audience.is_some();
        let mut required = vec!["exp", "sub"];
        if let Some(issuer) = &auth.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = &auth.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        Self { key: DecodingKey::from_secret(&auth.secret), validation, leeway_ms: auth.leeway_ms }
    }

    pub(crate) fn verify(&self, token: &str, now: TimeMs) -> Result<Identity, Unauthorized> {
        let claims =
            jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation).map_err(|_| Unauthorized)?.claims;
        let until = millis(claims.exp).saturating_add(self.leeway_ms);
        let from = claims.nbf.map_or(0, millis).saturating_sub(self.leeway_ms);
        if now.0 < from || now.0 >= until {
            return Err(Unauthorized);
        }
        let user = UserId::new(claims.sub).map_err(|_| Unauthorized)?;
        Ok(Identity { user, until: TimeMs(until) })
    }
}

/// Saturates at both ends.
fn millis(seconds: f64) -> u64 {
    (seconds * 1000.0) as u64
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;

    const NOW: TimeMs = TimeMs(1_000_000_000);

    fn auth() -> Auth {
        Auth { secret: b"secret".to_vec(), issuer: None, audience: None, leeway_ms: 5_000 }
    }

    fn token(claims: &Value, algorithm: Algorithm, secret: &str) -> String {
        encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    }

    fn verify(auth: &Auth, claims: &Value) -> Result<Identity, Unauthorized> {
        Verifier::new(auth).verify(&token(claims, Algorithm::HS256, "secret"), NOW)
    }

    #[test]
    fn a_token_counts_until_its_end_and_the_leeway() {
        let until = |exp: f64| verify(&auth(), &json!({"sub": "alice", "exp": exp}));
        assert_eq!(until(1_000_001.5).unwrap().until, TimeMs(1_000_006_500));
        assert!(until(999_996.0).is_ok());
        assert_eq!(until(999_995.0), Err(Unauthorized));
        let early = json!({"sub": "alice", "exp": 2_000_000, "nbf": 1_000_006});
        assert_eq!(verify(&auth(), &early), Err(Unauthorized));
    }

    #[test]
    fn sub_and_exp_are_needed_and_sub_must_be_a_user() {
        for claims in [json!({"sub": "alice"}), json!({"exp": 2_000_000}), json!({"sub": "", "exp": 2_000_000})] {
            assert_eq!(verify(&auth(), &claims), Err(Unauthorized), "{claims}");
        }
    }

    #[test]
    fn only_hs256_with_the_secret_is_taken() {
        let verifier = Verifier::new(&auth());
        let claims = json!({"sub": "alice", "exp": 2_000_000});
        for other in [token(&claims, Algorithm::HS384, "secret"), token(&claims, Algorithm::HS256, "other")] {
            assert_eq!(verifier.verify(&other, NOW), Err(Unauthorized));
        }
        // {"alg":"none"}
        let good = token(&claims, Algorithm::HS256, "secret");
        let payload = good.split('.').nth(1).unwrap();
        assert_eq!(verifier.verify(&format!("eyJhbGciOiJub25lIn0.{payload}."), NOW), Err(Unauthorized));
        assert_eq!(verifier.verify("nonsense", NOW), Err(Unauthorized));
    }

    #[test]
    fn issuer_and_audience_are_needed_where_they_are_set() {
        let auth = Auth { issuer: Some("idp".into()), audience: Some("chat".into()), ..auth() };
        let claims =
            |iss: Option<&str>, aud: Option<&str>| json!({"sub": "a", "exp": 2_000_000, "iss": iss, "aud": aud});
        assert!(verify(&auth, &claims(Some("idp"), Some("chat"))).is_ok());
        for (iss, aud) in
            [(None, Some("chat")), (Some("idp"), None), (Some("x"), Some("chat")), (Some("idp"), Some("x"))]
        {
            assert_eq!(verify(&auth, &claims(iss, aud)), Err(Unauthorized), "{iss:?} {aud:?}");
        }
        let bare = json!({"sub": "a", "exp": 2_000_000});
        assert_eq!(verify(&auth, &bare), Err(Unauthorized));
        assert!(verify(&super::tests::auth(), &claims(Some("any"), Some("any"))).is_ok());
    }
}
