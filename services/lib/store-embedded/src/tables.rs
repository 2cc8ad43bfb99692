//! The tables and their keys, which sort as bytes the way the contract asks.

use chasqui_domain::{ChatId, DeviceId, LogId, Offset, Seq, UserId, Version};
use chasqui_store::{BanKey, LogPartition, Stream};
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};

use crate::fault::Fault;

/// The format of the database that this version knows. Those before were of versions that were never released.
pub(crate) const FORMAT: u32 = 4;

pub(crate) const CHAT_BYTES: usize = ChatId::BYTES;
pub(crate) const MESSAGE_KEY_BYTES: usize = CHAT_BYTES + 8;
pub(crate) const PARTITION_KEY_BYTES: usize = 16 + 4;
pub(crate) const SKIP_KEY_BYTES: usize = PARTITION_KEY_BYTES + 8;

type Fixed<const N: usize> = TableDefinition<'static, &'static [u8; N], &'static [u8]>;
type Loose = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// Chat, stream, version → event; of what was done to one message chat, stream, seq, version.
pub(crate) const EVENTS: Loose = TableDefinition::new("events");
/// Chat, seq → what has become of the message.
pub(crate) const MESSAGES: Fixed<MESSAGE_KEY_BYTES> = TableDefinition::new("messages");
/// Chat → its newest snapshot.
pub(crate) const SNAPSHOTS: Fixed<CHAT_BYTES> = TableDefinition::new("snapshots");
/// Chat → its newest summary.
pub(crate) const SUMMARIES: Fixed<CHAT_BYTES> = TableDefinition::new("summaries");
/// Chat, user → the member.
pub(crate) const MEMBERS: Loose = TableDefinition::new("members");
/// User, chat → nothing.
pub(crate) const CHATS_OF: Loose = TableDefinition::new("chats_of");
/// Partition → committed offset.
pub(crate) const OFFSETS: Fixed<PARTITION_KEY_BYTES> = TableDefinition::new("offsets");
/// Partition → the term of its checkpoint; none is 0.
pub(crate) const TERMS: Fixed<PARTITION_KEY_BYTES> = TableDefinition::new("terms");
/// Partition → checkpoint.
pub(crate) const CHECKPOINTS: Fixed<PARTITION_KEY_BYTES> = TableDefinition::new("checkpoints");
/// Partition that has events → nothing.
pub(crate) const MARKS: Fixed<PARTITION_KEY_BYTES> = TableDefinition::new("marks");
/// Partition, offset of a command → nothing.
pub(crate) const SKIPPED: Fixed<SKIP_KEY_BYTES> = TableDefinition::new("skipped");
/// User, log id, offset → entry.
pub(crate) const INBOX: Loose = TableDefinition::new("inbox");
/// Day, user, log id → the lowest and the highest offset of the inbox rows of that day.
pub(crate) const INBOX_DAYS: Loose = TableDefinition::new("inbox_days");
/// User, device → when and where it was connected last.
pub(crate) const DEVICES: Loose = TableDefinition::new("devices");
/// User, device or none → the ban.
pub(crate) const BANS: Loose = TableDefinition::new("bans");
/// Name → value. The format alone, for now.
pub(crate) const META: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("meta");
/// The name of the format in [`META`].
pub(crate) const META_FORMAT: &str = "format";

pub(crate) type FixedTable<'txn, const N: usize> = Table<'txn, &'static [u8; N], &'static [u8]>;
pub(crate) type LooseTable<'txn> = Table<'txn, &'static [u8], &'static [u8]>;

/// The tables of a write transaction.
pub(crate) struct Tables<'txn> {
    pub(crate) events: LooseTable<'txn>,
    pub(crate) messages: FixedTable<'txn, MESSAGE_KEY_BYTES>,
    pub(crate) snapshots: FixedTable<'txn, CHAT_BYTES>,
    pub(crate) summaries: FixedTable<'txn, CHAT_BYTES>,
    pub(crate) members: LooseTable<'txn>,
    pub(crate) chats_of: LooseTable<'txn>,
    pub(crate) offsets: FixedTable<'txn, PARTITION_KEY_BYTES>,
    pub(crate) terms: FixedTable<'txn, PARTITION_KEY_BYTES>,
    pub(crate) checkpoints: FixedTable<'txn, PARTITION_KEY_BYTES>,
    pub(crate) marks: FixedTable<'txn, PARTITION_KEY_BYTES>,
    pub(crate) skipped: FixedTable<'txn, SKIP_KEY_BYTES>,
    pub(crate) inbox: LooseTable<'txn>,
    pub(crate) inbox_days: LooseTable<'txn>,
    pub(crate) devices: LooseTable<'txn>,
    pub(crate) bans: LooseTable<'txn>,
}

impl<'txn> Tables<'txn> {
    /// Opens all tables; makes those that are missing.
    pub(crate) fn open(transaction: &'txn WriteTransaction) -> Result<Self, Fault> {
        Ok(Self {
            events: transaction.open_table(EVENTS)?,
            messages: transaction.open_table(MESSAGES)?,
            snapshots: transaction.open_table(SNAPSHOTS)?,
            summaries: transaction.open_table(SUMMARIES)?,
            members: transaction.open_table(MEMBERS)?,
            chats_of: transaction.open_table(CHATS_OF)?,
            offsets: transaction.open_table(OFFSETS)?,
            terms: transaction.open_table(TERMS)?,
            checkpoints: transaction.open_table(CHECKPOINTS)?,
            marks: transaction.open_table(MARKS)?,
            skipped: transaction.open_table(SKIPPED)?,
            inbox: transaction.open_table(INBOX)?,
            inbox_days: transaction.open_table(INBOX_DAYS)?,
            devices: transaction.open_table(DEVICES)?,
            bans: transaction.open_table(BANS)?,
        })
    }
}

/// Reads the format of a database, none when it was not made completely.
pub(crate) fn format(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Option<u32>, Fault> {
    let Some(value) = meta.get(META_FORMAT)? else { return Ok(None) };
    let bytes = value.value().try_into().map_err(|_| Fault::Damaged("the format is not a number".into()))?;
    Ok(Some(u32::from_be_bytes(bytes)))
}

/// The key of an event.
pub(crate) fn event_key(chat: ChatId, stream: Stream, version: Version) -> Vec<u8> {
    let (stream, seq) = match stream {
        Stream::Content => (0, None),
        Stream::Receipts => (1, None),
        Stream::Changes => (2, None),
        Stream::Actions => (3, None),
        Stream::About(seq) => (4, Some(seq)),
    };
    let mut key = Vec::with_capacity(CHAT_BYTES + 1 + 8 + 8);
    key.extend_from_slice(chat.as_bytes());
    key.push(stream);
    key.extend(seq.iter().flat_map(|seq| seq.0.to_be_bytes()));
    key.extend_from_slice(&version.0.to_be_bytes());
    key
}

/// The key of a message of a chat.
pub(crate) fn message_key(chat: ChatId, seq: Seq) -> [u8; MESSAGE_KEY_BYTES] {
    let mut key = [0; MESSAGE_KEY_BYTES];
    key[..CHAT_BYTES].copy_from_slice(chat.as_bytes());
    key[CHAT_BYTES..].copy_from_slice(&seq.0.to_be_bytes());
    key
}

/// The key of a member of a chat.
pub(crate) fn member_key(chat: ChatId, user: &UserId) -> Vec<u8> {
    [chat.as_bytes(), user.as_str().as_bytes()].concat()
}

/// The user in the key of a member.
pub(crate) fn member_of(key: &[u8]) -> Option<UserId> {
    UserId::new(std::str::from_utf8(key.get(CHAT_BYTES..)?).ok()?).ok()
}

/// The version in the key of an event.
pub(crate) fn event_version(key: &[u8]) -> Version {
    Version(number(key))
}

/// The key of what is kept by partition.
pub(crate) fn partition_key(of: LogPartition) -> [u8; PARTITION_KEY_BYTES] {
    let mut key = [0; PARTITION_KEY_BYTES];
    key[..16].copy_from_slice(&of.log.0);
    key[16..].copy_from_slice(&of.partition.0.to_be_bytes());
    key
}

/// The life of the topics in the key of a partition.
pub(crate) fn log_of(key: &[u8; PARTITION_KEY_BYTES]) -> LogId {
    let mut log = [0; 16];
    log.copy_from_slice(&key[..16]);
    LogId(log)
}

/// The key of a skipped command.
pub(crate) fn skip_key(of: LogPartition, command: Offset) -> [u8; SKIP_KEY_BYTES] {
    let mut key = [0; SKIP_KEY_BYTES];
    key[..PARTITION_KEY_BYTES].copy_from_slice(&partition_key(of));
    key[PARTITION_KEY_BYTES..].copy_from_slice(&command.0.to_be_bytes());
    key
}

/// What all keys of a user begin with. The length comes first, so that no user's keys begin like another's.
pub(crate) fn user_key(user: &UserId) -> Vec<u8> {
    const { assert!(UserId::BYTES_MAX <= u8::MAX as usize) };
    let mut key = Vec::with_capacity(1 + user.as_str().len() + 24);
    key.push(user.as_str().len() as u8);
    key.extend_from_slice(user.as_str().as_bytes());
    key
}

/// The key of a chat of a user.
pub(crate) fn chat_of_key(user: &UserId, chat: ChatId) -> Vec<u8> {
    let mut key = user_key(user);
    key.extend_from_slice(chat.as_bytes());
    key
}

/// What the keys of a user's inbox in one life of the topics begin with.
pub(crate) fn inbox_of(user: &UserId, log: LogId) -> Vec<u8> {
    let mut key = user_key(user);
    key.extend_from_slice(&log.0);
    key
}

/// The key of an inbox row.
pub(crate) fn inbox_key(inbox: &[u8], offset: Offset) -> Vec<u8> {
    [inbox, &offset.0.to_be_bytes()].concat()
}

/// The key of a day of an inbox.
pub(crate) fn day_key(day: u64, inbox: &[u8]) -> Vec<u8> {
    [&day.to_be_bytes(), inbox].concat()
}

/// The key of a device.
pub(crate) fn device_key(user: &UserId, device: &DeviceId) -> Vec<u8> {
    [&user_key(user), device.as_str().as_bytes()].concat()
}

/// The device in a key that begins with its user.
pub(crate) fn device_of(key: &[u8], user: &[u8]) -> Option<DeviceId> {
    DeviceId::new(std::str::from_utf8(key.strip_prefix(user)?).ok()?).ok()
}

/// The key of a ban. No user id has a control character, so behind a zero keys sort by user and then by device.
pub(crate) fn ban_key(key: &BanKey) -> Vec<u8> {
    let device = key.device.as_ref().map_or("", DeviceId::as_str);
    [key.user.as_str().as_bytes(), &[0], device.as_bytes()].concat()
}

/// Reads the key of a ban.
pub(crate) fn read_ban_key(key: &[u8]) -> Option<BanKey> {
    let (user, device) = std::str::from_utf8(key).ok()?.split_once('\0')?;
    let device = if device.is_empty() { None } else { Some(DeviceId::new(device).ok()?) };
    Some(BanKey { user: UserId::new(user).ok()?, device })
}

/// The number that a key ends with.
pub(crate) fn number(key: &[u8]) -> u64 {
    key.last_chunk().copied().map_or(0, u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a stream lie together in the order of their versions, those about one message apart from all others.
    #[test]
    fn events_sort_by_stream_then_message_then_version() {
        let chat = ChatId::direct(&UserId::new("alice").unwrap(), &UserId::new("bob").unwrap());
        let streams = Stream::ALL.into_iter().chain([0, 1, 256, u64::MAX].map(|seq| Stream::About(Seq(seq))));
        let places = streams.flat_map(|stream| [0, 1, 256, u64::MAX].map(|version| (stream, Version(version))));
        let keys: Vec<_> = places.map(|(stream, version)| (event_key(chat, stream, version), version)).collect();
        assert!(keys.is_sorted_by(|(one, _), (next, _)| one < next));
        assert!(keys.iter().all(|(key, version)| event_version(key) == *version));
    }
}
