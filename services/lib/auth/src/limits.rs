//! The bounds that are not options.

use std::time::Duration;

/// The longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// The shortest modulus of an RSA key that counts, in bits (RFC 7518, 3.3).
pub(crate) const RSA_BITS_LEAST: usize = 2_048;

/// The longest key set that is read. One key with its certificates takes about 8 KiB.
pub(crate) const JWKS_BYTES_MAX: usize = 512 * 1024;

/// How long reading the key set may take. Less than a new connection may take to say who it is.
pub(crate) const JWKS_PATIENCE: Duration = Duration::from_secs(4);

/// How long a token whose key is not known waits until the keys may be read again; with [`JWKS_PATIENCE`] less than a
/// new connection may take to say who it is. Where the wait would be longer, the answer is that the keys are away.
pub(crate) const UNKNOWN_KEY_WAIT: Duration = Duration::from_secs(5);

/// How many tokens may wait so at once.
pub(crate) const UNKNOWN_KEY_WAITING_MAX: usize = 1_024;

/// The longest answer of the hook that is read.
pub(crate) const HOOK_ANSWER_BYTES_MAX: usize = 16 * 1024;

/// How many questions may be on their way to the hook at once; others wait, and their time runs.
pub(crate) const HOOK_CALLS_MAX: usize = 64;

/// How many of the hook's answers are kept, of up to 500 bytes each.
pub(crate) const HOOK_ANSWERS_MAX: u64 = 100_000;
