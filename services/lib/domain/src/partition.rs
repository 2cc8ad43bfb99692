//! Which partition a chat's or a user's records go to. Producers name the partition themselves, so every role must
//! compute the same one: XXH3-64 of the id, modulo the count that is recorded with the log id.

use std::num::NonZeroU32;

use xxhash_rust::xxh3::xxh3_64;

use crate::ids::{ChatId, Partition, UserId};

/// The partition of `commands` and `events` that holds a chat.
#[must_use]
pub fn of_chat(chat: &ChatId, count: NonZeroU32) -> Partition {
    of_bytes(chat.as_bytes(), count)
}

/// The partition of `inbox` and `presence` that holds a user.
#[must_use]
pub fn of_user(user: &UserId, count: NonZeroU32) -> Partition {
    of_bytes(user.as_str().as_bytes(), count)
}

fn of_bytes(bytes: &[u8], count: NonZeroU32) -> Partition {
    // The remainder of a u32 fits a u32.
    Partition((xxh3_64(bytes) % u64::from(count.get())) as u32)
}
