//! Keys of a provider that keeps them in a file.

use std::{fs, path::PathBuf};

use anyhow::Result;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};
use tempfile::TempDir;

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "chasqui";

pub(crate) struct Key {
    kid: &'static str,
    private: EncodingKey,
    public: Value,
}

impl Key {
    pub(crate) fn new(kid: &'static str) -> Result<Self> {
        let pair = KeyPair::generate_for(&PKCS_ED25519)?;
        let private = EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes())?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key_raw());
        let public = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": kid, "x": x});
        Ok(Self { kid, private, public })
    }

    /// A token of a user, which lasts.
    pub(crate) fn token(&self, user: &str) -> Result<String> {
        let header = Header { kid: Some(self.kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
        let claims = json!({"sub": user, "iss": ISSUER, "aud": AUDIENCE, "exp": u32::MAX});
        Ok(jsonwebtoken::encode(&header, &claims, &self.private)?)
    }
}

/// A file with public keys.
pub(crate) struct KeyFile {
    path: PathBuf,
    folder: TempDir,
}

impl KeyFile {
    pub(crate) fn with(key: &Key) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = Self { path: folder.path().join("keys.json"), folder };
        file.change_to(key)?;
        Ok(file)
    }

    /// Holds this key only, from now on.
    pub(crate) fn change_to(&self, key: &Key) -> Result<()> {
        self.replace(&json!({ "keys": [key.public] }).to_string())
    }

    /// Replaces it as a whole: nobody reads half of it.
    pub(crate) fn replace(&self, text: &str) -> Result<()> {
        let written = self.folder.path().join("written");
        fs::write(&written, text)?;
        Ok(fs::rename(written, &self.path)?)
    }

    /// What a server is told, which reads it again as often as it likes.
    pub(crate) fn options(&self) -> Vec<String> {
        vec![
            format!("auth.jwks_file={}", self.path.display()),
            format!("auth.issuer={ISSUER}"),
            format!("auth.audience={AUDIENCE}"),
            "auth.jwks_refresh_least_ms=100".to_owned(),
        ]
    }
}
