//! What tests sign with and read keys from, and a clock that goes on by itself when everybody waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use chasqui_domain::TimeMs;
use chasqui_runtime::{Driver, Runtime};
use futures::{FutureExt, future::BoxFuture};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use parking_lot::Mutex;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256};
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};

use crate::{Source, SourceError};

/// When the clock of tests starts, in seconds.
pub(crate) const NOW: u64 = 1_000_000;

/// For tests whose runtime is paused: the time goes on to the next sleep's end when nothing else can.
struct Paused(Instant);

impl Driver for Paused {
    fn now(&self) -> TimeMs {
        TimeMs(NOW * 1000 + u64::try_from(self.0.elapsed().as_millis()).unwrap())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }

    fn spawn(&self, _: &'static str, future: BoxFuture<'static, ()>) {
        tokio::spawn(future);
    }
}

pub(crate) fn runtime() -> Runtime {
    Runtime::new(Paused(Instant::now()))
}

/// A key of the provider's.
pub(crate) struct Signer {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: &'static str,
    pub(crate) key: EncodingKey,
    jwk: Value,
}

impl Signer {
    pub(crate) fn new(algorithm: Algorithm, kid: &'static str) -> Self {
        let pair = KeyPair::generate_for(match algorithm {
            Algorithm::EdDSA => &PKCS_ED25519,
            Algorithm::ES256 => &PKCS_ECDSA_P256_SHA256,
            _ => &PKCS_RSA_SHA256,
        });
        let (public, pem) = pair.map(|pair| (pair.public_key_raw().to_vec(), pair.serialize_pem())).unwrap();
        let key = match algorithm {
            Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
            Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()),
            _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
        };
        let key = key.unwrap();
        let mut jwk = match algorithm {
            Algorithm::EdDSA => json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(public)}),
            _ => serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap(),
        };
        jwk["kid"] = kid.into();
        jwk["use"] = "sig".into();
        Self { algorithm, kid, key, jwk }
    }

    /// The public key, as the provider serves it.
    pub(crate) fn jwk(&self) -> Value {
        self.jwk.clone()
    }

    pub(crate) fn header(&self) -> Header {
        Header { kid: Some(self.kid.to_owned()), ..Header::new(self.algorithm) }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        encode(&self.header(), claims, &self.key).unwrap()
    }
}

pub(crate) fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// A source that tests fill, hold, and take away.
pub(crate) struct Shelf {
    text: Mutex<Option<String>>,
    reads: AtomicUsize,
    held: watch::Sender<bool>,
}

impl Shelf {
    pub(crate) fn with(keys: &[Value]) -> Arc<Self> {
        let shelf = Self { text: Mutex::default(), reads: AtomicUsize::new(0), held: watch::Sender::new(false) };
        shelf.put(keys);
        Arc::new(shelf)
    }

    pub(crate) fn put(&self, keys: &[Value]) {
        *self.text.lock() = Some(set(keys));
    }

    pub(crate) fn put_text(&self, text: &str) {
        *self.text.lock() = Some(text.to_owned());
    }

    pub(crate) fn take_away(&self) {
        *self.text.lock() = None;
    }

    /// Whether reads wait.
    pub(crate) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Source for Shelf {
    async fn read(&self) -> Result<Bytes, SourceError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let text = self.text.lock().clone();
        self.held.subscribe().wait_for(|held| !held).await.unwrap();
        text.map(Bytes::from).ok_or_else(|| std::io::Error::other("it is away").into())
    }
}
