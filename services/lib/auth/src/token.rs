//! Who is there: the identity provider's token says so.

use chasqui_domain::{TimeMs, UserId};
use chasqui_runtime::Runtime;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Keys, Refusal, WriteTo, limits};

/// Which tokens are taken: JWTs that have `sub` and `exp`, signed with the secret (HS256) or by one of the keys (EdDSA,
/// RS256, ES256).
#[derive(Clone, Default)]
pub struct Options {
    /// The secret; without it no token of HS256 is taken.
    pub secret: Option<Vec<u8>>,
    /// The provider's keys; without them only tokens of HS256 are taken.
    pub keys: Option<Keys>,
    /// What `iss` must be; none takes any.
    pub issuer: Option<String>,
    /// What `aud` must hold; none takes any.
    pub audience: Option<String>,
    /// How far the clocks may differ, in milliseconds.
    pub leeway_ms: u64,
    /// The claim that says to whom the user may write; none where tokens are not asked.
    pub claim: Option<String>,
}

/// Who a token names, until when, and what it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// When the token ends.
    pub expires: TimeMs,
    /// Until when it is taken, the leeway included: a token that is still taken must not end its session at once.
    pub until: TimeMs,
    /// To whom the user may write, as far as the token says so.
    pub write_to: WriteTo,
}

/// Checks tokens.
pub struct Verifier {
    options: Options,
    secret: Option<DecodingKey>,
    validation: Validation,
    runtime: Runtime,
}

/// Times are numbers that may have a fraction (RFC 7519, NumericDate).
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Verifier {
    /// Takes such tokens; their times are held against the runtime's clock.
    #[must_use]
    pub fn new(options: Options, runtime: Runtime) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // The times are compared below, with the runtime's clock and in milliseconds.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = options.audience.is_some();
        let mut required = vec!["exp", "sub"];
        if let Some(issuer) = &options.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = &options.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        let secret = options.secret.as_deref().map(DecodingKey::from_secret);
        Self { options, secret, validation, runtime }
    }

    /// Checks a token. Waits only when the provider's keys are to be read. Cancel safe.
    ///
    /// # Errors
    /// Why it is not taken.
    pub async fn verify(&self, token: &str) -> Result<Identity, Refusal> {
        if token.len() > limits::TOKEN_BYTES_MAX {
            return Err(Refusal::invalid("it is too long"));
        }
        let header = jsonwebtoken::decode_header(token)?;
        let key = self.key(&header).await?;
        let mut validation = self.validation.clone();
        validation.algorithms = vec![header.alg];
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)?.claims;
        self.identity(claims)
    }

    /// The key for a token of this header: a key of ours, whose algorithm it must name. Keys that the token brings
    /// along, or says where to find, are not looked at.
    async fn key(&self, header: &Header) -> Result<DecodingKey, Refusal> {
        // Such a header changes what the signature means (RFC 7515, 4.1.11).
        if header.crit.is_some() {
            return Err(Refusal::invalid("it has critical headers"));
        }
        if !header.typ.as_deref().is_none_or(is_identity) {
            return Err(Refusal::invalid("it is of another type"));
        }
        match (header.alg, &self.secret, &self.options.keys) {
            (Algorithm::HS256, Some(secret), _) => Ok(secret.clone()),
            (Algorithm::EdDSA | Algorithm::RS256 | Algorithm::ES256, _, Some(keys)) => {
                keys.find(header.alg, header.kid.as_deref()).await
            }
            _ => Err(Refusal::invalid("its algorithm is not taken")),
        }
    }

    fn identity(&self, claims: Claims) -> Result<Identity, Refusal> {
        let expires = millis(claims.exp);
        let until = expires.saturating_add(self.options.leeway_ms);
        let from = claims.nbf.map_or(0, millis).saturating_sub(self.options.leeway_ms);
        let now = self.runtime.now().0;
        if now >= until {
            return Err(Refusal::Expired);
        }
        if now < from {
            return Err(Refusal::NotYet);
        }
        let user = UserId::new(claims.sub).map_err(|_| Refusal::invalid("its sub is no user"))?;
        let claim = self.options.claim.as_ref().and_then(|claim| claims.others.get(claim));
        let write_to = claim.map_or(Some(WriteTo::default()), WriteTo::from_claim);
        let write_to = write_to.ok_or(Refusal::invalid("its list of users to write to is none"))?;
        Ok(Identity { user, expires: TimeMs(expires), until: TimeMs(until), write_to })
    }
}

/// What a provider signs for another purpose, such as a logout, names another type (RFC 8725, 3.11).
fn is_identity(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt")
}

/// Saturates at both ends.
fn millis(seconds: f64) -> u64 {
    (seconds * 1000.0) as u64
}

#[cfg(test)]
mod tests;
