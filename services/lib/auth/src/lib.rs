//! Who is there and who may write to whom: what is asked of the identity provider's tokens and keys, and of the
//! operator's policy.

mod access;
mod hook;
mod jwks;
mod keys;
mod limits;
mod outbound;
mod policy;
mod refusal;
mod source;
mod token;

pub use access::WriteTo;
pub use hook::{Hook, HookOptions, Unavailable};
pub use jwks::JwksError;
pub use keys::{Keys, Refresh};
pub use limits::TOKEN_BYTES_MAX;
pub use outbound::{Address, AddressError, CallError, Outbound, OutboundError};
pub use policy::Policy;
pub use refusal::Refusal;
pub use source::{Source, SourceError, file, url};
pub use token::{Identity, Options, Verifier};

#[cfg(test)]
mod testing;
