//! Where the provider's keys are read.

use std::{io, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{fs::File, io::AsyncReadExt};

use crate::{
    limits,
    outbound::{Address, CallError, Caller, Outbound, OutboundError},
};

/// Where a JWK set is read. Every read gives what stands there then. Cancel safe.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// Reads it, of bounded size. The caller bounds the time.
    ///
    /// # Errors
    /// When it can't be read. A retry may help, whatever the reason.
    async fn read(&self) -> Result<Bytes, SourceError>;
}

/// Why a JWK set can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file can't be read.
    #[error("the file can't be read")]
    File(#[from] io::Error),
    /// The server doesn't give it.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It is too long to be one.
    #[error("it is longer than {} bytes", limits::JWKS_BYTES_MAX)]
    TooLarge,
}

/// The keys in a file.
#[must_use]
pub fn file(path: PathBuf) -> Arc<dyn Source> {
    Arc::new(KeyFile(path))
}

/// The keys at an address.
///
/// # Errors
/// When the client for it can't be made.
pub fn url(outbound: &Outbound, address: Address) -> Result<Arc<dyn Source>, OutboundError> {
    Ok(Arc::new(KeyAddress(outbound.caller(address)?)))
}

struct KeyFile(PathBuf);

#[async_trait]
impl Source for KeyFile {
    async fn read(&self) -> Result<Bytes, SourceError> {
        let mut bytes = Vec::new();
        let beyond = limits::JWKS_BYTES_MAX as u64 + 1;
        File::open(&self.0).await?.take(beyond).read_to_end(&mut bytes).await?;
        if bytes.len() > limits::JWKS_BYTES_MAX {
            return Err(SourceError::TooLarge);
        }
        Ok(bytes.into())
    }
}

struct KeyAddress(Caller);

#[async_trait]
impl Source for KeyAddress {
    async fn read(&self) -> Result<Bytes, SourceError> {
        Ok(self.0.send(self.0.get(), limits::JWKS_BYTES_MAX).await?)
    }
}
