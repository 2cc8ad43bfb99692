//! What the server asks of others over HTTP: it follows no redirects, reads no more than it was told to, and speaks
//! plain HTTP only with its own machine.

use std::fmt;

use bytes::{Bytes, BytesMut};
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, StatusCode, Url, redirect};

/// An address that may be asked: https, or http on this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why an address may not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is none.
    #[error("write an address, like https://id.example.com/keys")]
    Unreadable,
    /// Anybody on the way could answer in its place.
    #[error("use https; http is for this machine alone, like http://127.0.0.1:8080")]
    Plain,
}

impl Address {
    /// Checks and takes an address.
    ///
    /// # Errors
    /// When it is none, or neither https nor http on this machine.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text).map_err(|_| AddressError::Unreadable)?;
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_here(&url) => Ok(Self(url)),
            _ => Err(AddressError::Plain),
        }
    }
}

/// Without the path and what may stand before the host: both can hold a password.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

/// Why nothing can be asked.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The certificates can't be read.
    #[error("outbound.ca_file holds no certificates in PEM")]
    Certificates,
    /// There is no client, for want of certificates that the system trusts, say.
    #[error("no client can be made for outgoing requests")]
    Client(#[from] reqwest::Error),
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There was no whole answer.
    #[error("the request failed")]
    Http(#[source] reqwest::Error),
    /// The answer was a refusal.
    #[error("the answer has the status {0}")]
    Status(StatusCode),
    /// The answer was too long.
    #[error("the answer is too long")]
    TooLarge,
}

impl From<reqwest::Error> for CallError {
    /// An address can hold a password.
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error.without_url())
    }
}

/// How others are asked: whom to trust.
#[derive(Debug, Default)]
pub struct Outbound {
    extra: Vec<Certificate>,
}

impl Outbound {
    /// Trusts these certificates beside those of the system.
    ///
    /// # Errors
    /// When there are none in the text.
    pub fn trusting(pem: &[u8]) -> Result<Self, OutboundError> {
        match Certificate::from_pem_bundle(pem) {
            Ok(extra) if !extra.is_empty() => Ok(Self { extra }),
            _ => Err(OutboundError::Certificates),
        }
    }

    /// A client for those who take care themselves of whom they ask, for how long, and how much they read.
    ///
    /// # Errors
    /// [`OutboundError::Client`].
    pub fn client(&self) -> Result<Client, OutboundError> {
        Ok(self.builder().build()?)
    }

    pub(crate) fn caller(&self, address: Address) -> Result<Caller, OutboundError> {
        let mut builder = self.builder();
        if address.0.scheme() == "http" {
            builder = builder.no_proxy();
        }
        Ok(Caller { client: builder.build()?, address })
    }

    fn builder(&self) -> ClientBuilder {
        Client::builder()
            .redirect(redirect::Policy::none())
            .tls_certs_merge(self.extra.iter().cloned())
            .user_agent(concat!("chasqui/", env!("CARGO_PKG_VERSION")))
    }
}

/// Asks one address.
#[derive(Debug)]
pub(crate) struct Caller {
    client: Client,
    address: Address,
}

impl Caller {
    pub(crate) fn get(&self) -> RequestBuilder {
        self.client.get(self.address.0.clone())
    }

    pub(crate) fn post(&self) -> RequestBuilder {
        self.client.post(self.address.0.clone())
    }

    /// The body of a 200. The caller bounds the time.
    pub(crate) async fn send(&self, request: RequestBuilder, bytes_max: usize) -> Result<Bytes, CallError> {
        let mut response = request.send().await?;
        if response.status() != StatusCode::OK {
            return Err(CallError::Status(response.status()));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > bytes_max {
                return Err(CallError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}
