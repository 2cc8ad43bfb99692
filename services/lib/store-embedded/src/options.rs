//! Every limit of the embedded store, and what else can be chosen.

use std::{fmt, sync::Arc, time::Duration};

/// What can be chosen when the store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most bytes of the database's pages kept in memory. Default 64 MiB.
    pub cache_bytes: usize,
    /// The most bytes of writes that wait or are being written; at the bound writers wait. Default 16 MiB.
    pub queue_bytes_max: usize,
    /// How many bytes of writes an open transaction takes in before it is committed, although no read and no flush asks
    /// for it. Default 8 MiB.
    ///
    /// One round of the writer takes all that waits, so it may have as many as this and `queue_bytes_max` together.
    pub transaction_bytes_max: usize,
    /// Whether opening reads the whole database and checks every page. Default false: what a crash leaves is sound by
    /// itself, and each value has a checksum of its own, so this is for a disk that is not trusted.
    pub check_on_open: bool,
    /// What has to succeed before rows become durable. Default none.
    pub before_durable: Option<BeforeDurable>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 64 * 1024 * 1024,
            queue_bytes_max: 16 * 1024 * 1024,
            transaction_bytes_max: 8 * 1024 * 1024,
            check_on_open: false,
            before_durable: None,
        }
    }
}

/// What has to succeed before rows become durable: say, that what they speak of elsewhere is durable itself.
///
/// The writer's thread calls it right before each durable commit, of flushes, of skips, bans and unbans, and of the close.
/// The rows are those of writes that were answered or begun before the call. Opening doesn't call it: what that commits has no
/// rows. It may block, and all writes wait for it. An error says why it can't be; the store fails with it as unavailable,
/// and stays at its last durable commit.
#[derive(Clone)]
pub struct BeforeDurable(Arc<dyn Fn() -> Result<(), String> + Send + Sync>);

impl BeforeDurable {
    /// Calls this.
    pub fn new(call: impl Fn() -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(call))
    }

    /// Blocks as long as it takes.
    pub(crate) fn call(&self) -> Result<(), String> {
        (self.0)()
    }
}

impl fmt::Debug for BeforeDurable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BeforeDurable")
    }
}

/// How long writes that nobody waits for may lie in the queue before the writer comes for them.
pub(crate) const GATHER: Duration = Duration::from_millis(5);

/// What a waiting write costs beside its rows, so that the queue's bound in bytes is a bound in number as well.
pub(crate) const WRITE_BYTES_MIN: usize = 256;

/// The most inbox rows that one round of the writer looks at to let them expire: other writes wait no longer than that.
pub(crate) const EXPIRE_ROWS_MAX: usize = 2_000;

/// About what such a round adds to the open transaction.
pub(crate) const EXPIRE_BYTES: usize = EXPIRE_ROWS_MAX * 128;

/// The most keys that one sync makes durable together.
pub(crate) const KEYS_TOGETHER_MAX: usize = 256;

/// The most keys that can be created; 2^32 − 1 slots of 128 bytes are half a terabyte.
pub(crate) const KEY_SLOTS_MAX: u32 = u32::MAX;

/// The most bytes of the slot file that opening reads at once.
pub(crate) const KEYS_READ_BYTES: usize = 64 * 1024;

/// A day of the inbox, the unit of expiry.
pub(crate) const DAY_MS: u64 = 24 * 60 * 60 * 1000;

// A chunk that opening reads holds whole slots, and one that is written at once fits in it.
const _: () = assert!(KEYS_READ_BYTES.is_multiple_of(crate::slots::SLOT_BYTES));
const _: () = assert!(KEYS_TOGETHER_MAX * crate::slots::SLOT_BYTES <= KEYS_READ_BYTES);
