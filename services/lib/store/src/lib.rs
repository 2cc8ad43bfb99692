//! The store's contract: the rows that are projected from the log, and how far the projecting has come.
//!
//! The store keeps bytes under the domain's keys; what the bytes mean is for `wire`.
//!
//! * **One writer.** A chat's rows are written by its sequencer alone, an inbox's and those of a user's devices by its
//!   router alone. A late former owner writes the same bytes to the same keys, or rows that are older than what stands,
//!   so writing a row again changes nothing. Bans are written by whoever is asked to.
//! * **Order.** A write that was answered is seen by every read that begins later. It need not be done when it is answered:
//!   a store that isn't durable at once may answer with its place among all writes, and let the reads wait.
//! * **Durability.** What was answered survives a crash of the process or the machine either at once or after
//!   [`Store::flush`]; see [`Store::is_durable_at_once`]. A crash loses only a suffix of all writes, over all kinds of
//!   rows together, so an offset or a checkpoint never survives the rows that it speaks of. [`Store::skip`],
//!   [`Store::ban`], [`Store::unban`] and the keys are durable when answered.
//! * **Atomicity.** Each call writes all of its batch or, after a crash, a prefix in the order given: of the whole, or at
//!   least of each chat, each inbox and each user's devices.
//! * **Faults.** What goes wrong with a write behind its answer is answered to calls that come later, and to all of them until
//!   the store is opened again: what was answered and is not durable may then be gone, as after a crash.
//! * **Retry.** Every write may be repeated after an error. Nothing is retried inside.
//! * **Cancellation.** Dropping a write's future leaves open whether it happens.

mod bans;
mod devices;
mod keys;
pub mod memory;
#[cfg(feature = "suite")]
pub mod suite;

use std::{collections::BTreeSet, ops::Range};

use async_trait::async_trait;
use bytes::Bytes;
use chasqui_domain::{
    ChatId, DeviceId, LogId, Offset, Partition, Position, Seq, Source, Term, TimeMs, UserId, Version,
};

pub use bans::{BAN_REASON_BYTES_MAX, Ban, BanKey, BanReason, ReasonError};
pub use devices::{DEVICES_OF_USER_MAX, DeviceRow};
pub use keys::{KeyTable, WRAPPED_KEY_BYTES, WrappedKey};

/// The most rows that one read of a range gives, whatever it asks for. [`Store::load_chats`] is not bounded by it but by
/// how often snapshots are made.
pub const READ_ROWS_MAX: usize = 1000;

/// The streams of a chat's events, each of which is read by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// What was said.
    Content,
    /// Who has it and who has read it.
    Receipts,
    /// Who is in the chat, and what it is called.
    Changes,
    /// What was done to messages.
    Actions,
    /// What was done to one message: its rows of [`Stream::Actions`] once more, without bodies, found by its seq. A
    /// chat's state is not built from them.
    About(Seq),
}

impl Stream {
    /// Those that together have each event once.
    pub const ALL: [Self; 4] = [Self::Content, Self::Receipts, Self::Changes, Self::Actions];
}

/// An event as a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// The chat.
    pub chat: ChatId,
    /// In which of its streams.
    pub stream: Stream,
    /// Its number in the chat, over all streams.
    pub version: Version,
    /// The command that caused it.
    pub source: Source,
    /// The event without its body.
    pub envelope: Bytes,
    /// The sealed body of a message, or of what replaces it.
    pub body: Option<Bytes>,
}

impl EventRow {
    /// The row as it stands when it is written where another one is. What comes of the same command is the same row,
    /// and it loses its body only by [`MessageUpdate::erased`]: so if what stands has none, it stays without.
    #[must_use]
    pub fn over(self, stands: Option<&Self>) -> Self {
        let is_erased = stands.is_some_and(|stands| stands.source == self.source && stands.body.is_none());
        Self { body: self.body.filter(|_| !is_erased), ..self }
    }
}

/// What some events change of what is shown of a chat, as of the last of them. What is of a newer version replaces what is of an
/// older one, never the other way round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatUpdate {
    /// The chat.
    pub chat: ChatId,
    /// As of which version.
    pub version: Version,
    /// What is shown of it whoever asks; none when that stays.
    pub summary: Option<Bytes>,
    /// The members of whom something changes, each once.
    pub members: Vec<MemberUpdate>,
    /// The messages of which something changes, each once.
    pub messages: Vec<MessageUpdate>,
}

/// What changes of a message behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageUpdate {
    /// Which.
    pub seq: Seq,
    /// What it is now, without what it says.
    pub state: Bytes,
    /// The rows whose bodies are gone for ever: whoever reads such a row from now on finds none, also when a former
    /// owner writes it again behind this. They are there already, or written by the same call, and are of lower
    /// versions than the update. This counts however old the update is.
    pub erased: Vec<(Stream, Version)>,
}

/// What changes of a member of a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberUpdate {
    /// Who.
    pub user: UserId,
    /// What they are now.
    pub state: MemberState,
}

/// What a member is behind some events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberState {
    /// They were none before these events: from now on they find the chat among theirs.
    Joined(Bytes),
    /// They were one, and still are.
    Stays(Bytes),
    /// They are none any more, and don't find it.
    Gone,
}

/// A chat as one of its members finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatRow {
    /// The chat.
    pub chat: ChatId,
    /// What is shown of it whoever asks.
    pub summary: Bytes,
    /// Both members of a direct chat, in ascending order; of a group the one who asks.
    pub members: Vec<MemberRow>,
}

/// A member of a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// Who.
    pub user: UserId,
    /// What is kept of them.
    pub state: Bytes,
}

/// What has become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Which.
    pub seq: Seq,
    /// What is kept of it.
    pub state: Bytes,
}

/// The state of a chat as of a version. A newer version replaces an older one, never the other way round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The chat.
    pub chat: ChatId,
    /// As of which version.
    pub version: Version,
    /// The state.
    pub bytes: Bytes,
}

/// The messages that one read of a range of them looks at: its first [`READ_ROWS_MAX`], whether they have rows or not.
#[must_use]
pub fn seqs_of_read(seqs: &Range<Seq>) -> Range<Seq> {
    let end = seqs.start.0.saturating_add(READ_ROWS_MAX as u64);
    seqs.start..seqs.end.min(Seq(end))
}

/// What a chat's state is built from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChatLog {
    /// The newest snapshot.
    pub snapshot: Option<Snapshot>,
    /// The rows above it, of all streams, in ascending order of version.
    pub rows: Vec<EventRow>,
}

/// Which rows of a stream to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// The chat.
    pub chat: ChatId,
    /// The stream.
    pub stream: Stream,
    /// The versions, the end excluded. An empty range gives no rows.
    pub versions: Range<Version>,
    /// From the highest down instead of from the lowest up.
    pub descending: bool,
    /// At most so many rows; never more than [`READ_ROWS_MAX`].
    pub rows_max: usize,
}

/// An entry in a user's inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    /// Whose inbox.
    pub user: UserId,
    /// Where in it.
    pub position: Position,
    /// When its record was appended; it expires counted from here.
    pub time: TimeMs,
    /// The entry.
    pub entry: Bytes,
}

/// How far a router has come in its partition. A later term replaces an earlier one, whatever it says; in a term the
/// higher offset of `inbox` replaces the lower, or the same, never the other way round: so a former owner can't move its
/// successor's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The ownership that it is of.
    pub term: Term,
    /// The next record of `inbox` to handle.
    pub inbox: Offset,
    /// The next record of `presence` to handle.
    pub presence: Offset,
    /// The router's own state.
    pub state: Bytes,
}

impl Checkpoint {
    /// Whether it must not replace one that stands.
    #[must_use]
    pub fn is_older_than(&self, stands: &Self) -> bool {
        (self.term, self.inbox) < (stands.term, stands.inbox)
    }
}

/// A partition in one life of the topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPartition {
    /// The life of the topics.
    pub log: LogId,
    /// The partition.
    pub partition: Partition,
}

/// The rows of chats and inboxes. See the crate for the contract.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Writes events and then what follows from them for what is shown of chats, for the owner of a commands partition.
    ///
    /// # Errors
    /// [`Error`]; the batch may be repeated.
    async fn write_events(&self, of: LogPartition, rows: Vec<EventRow>, updates: Vec<ChatUpdate>) -> Result<(), Error>;

    /// For each chat, in the order given, its newest snapshot and the rows above it whose command comes before
    /// `before` of the life `log` (rows of other lives count as before).
    ///
    /// # Errors
    /// [`Error`].
    async fn load_chats(&self, chats: &[ChatId], log: LogId, before: Offset) -> Result<Vec<ChatLog>, Error>;

    /// Records that all commands of a partition below `next` are done, and then the snapshots, none of which speaks of
    /// a command at or beyond `next`. An offset that is lower than the one that stands changes nothing but for newer
    /// snapshots: it comes from a former owner.
    ///
    /// # Errors
    /// [`Error`]; the call may be repeated.
    async fn commit(&self, of: LogPartition, next: Offset, snapshots: Vec<Snapshot>) -> Result<(), Error>;

    /// The offset that was committed last; none when none was.
    ///
    /// # Errors
    /// [`Error`].
    async fn committed(&self, of: LogPartition) -> Result<Option<Offset>, Error>;

    /// Whether [`Store::write_events`] was ever called with events for this partition.
    ///
    /// # Errors
    /// [`Error`].
    async fn has_events(&self, of: LogPartition) -> Result<bool, Error>;

    /// Puts a command on the skip list. Durable when answered.
    ///
    /// # Errors
    /// [`Error`]; the call may be repeated.
    async fn skip(&self, of: LogPartition, command: Offset) -> Result<(), Error>;

    /// The skip list of a partition.
    ///
    /// # Errors
    /// [`Error`].
    async fn skipped(&self, of: LogPartition) -> Result<BTreeSet<Offset>, Error>;

    /// A part of a chat's stream.
    ///
    /// # Errors
    /// [`Error`].
    async fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>, Error>;

    /// These chats as a user finds them, in the order given; none for one that they are not a member of.
    ///
    /// # Errors
    /// [`Error`].
    async fn chats(&self, chats: &[ChatId], of: &UserId) -> Result<Vec<Option<ChatRow>>, Error>;

    /// The members of a chat, in ascending order of user, from behind `after`; at most `rows_max`.
    ///
    /// # Errors
    /// [`Error`].
    async fn members(&self, chat: ChatId, after: Option<&UserId>, rows_max: usize) -> Result<Vec<MemberRow>, Error>;

    /// What has become of those messages of a chat to which something was done, in ascending order of seq; of as many
    /// as [`seqs_of_read`] says.
    ///
    /// # Errors
    /// [`Error`].
    async fn messages(&self, chat: ChatId, seqs: Range<Seq>) -> Result<Vec<MessageRow>, Error>;

    /// The chats that a user is in, in ascending order of id, from behind `after`; at most `rows_max`.
    ///
    /// # Errors
    /// [`Error`].
    async fn chats_of(&self, user: &UserId, after: Option<ChatId>, rows_max: usize) -> Result<Vec<ChatId>, Error>;

    /// Writes inbox rows.
    ///
    /// # Errors
    /// [`Error`]; the batch may be repeated.
    async fn write_inbox(&self, rows: Vec<InboxRow>) -> Result<(), Error>;

    /// A user's inbox rows of one life of the topics with offsets in `offsets`, ascending; at most `rows_max`.
    ///
    /// # Errors
    /// [`Error`].
    async fn inbox(
        &self,
        user: &UserId,
        log: LogId,
        offsets: Range<Offset>,
        rows_max: usize,
    ) -> Result<Vec<InboxRow>, Error>;

    /// Keeps how far a router has come, unless what stands is newer; see [`Checkpoint`].
    ///
    /// # Errors
    /// [`Error`]; the call may be repeated.
    async fn save_checkpoint(&self, of: LogPartition, checkpoint: Checkpoint) -> Result<(), Error>;

    /// How far the router of a partition had come; none when it never saved.
    ///
    /// # Errors
    /// [`Error`].
    async fn checkpoint(&self, of: LogPartition) -> Result<Option<Checkpoint>, Error>;

    /// Writes rows of devices, for the owner of a partition of users. Each stands as [`DeviceRow::over`] says. A user
    /// keeps at most [`DEVICES_OF_USER_MAX`] of them; see [`DeviceRow::gives_way`].
    ///
    /// # Errors
    /// [`Error`]; the batch may be repeated.
    async fn write_devices(&self, of: LogPartition, rows: Vec<DeviceRow>) -> Result<(), Error>;

    /// A user's devices, in ascending order of id, from behind `after`; at most `rows_max`.
    ///
    /// # Errors
    /// [`Error`].
    async fn devices_of(
        &self,
        user: &UserId,
        after: Option<&DeviceId>,
        rows_max: usize,
    ) -> Result<Vec<DeviceRow>, Error>;

    /// Writes a ban. Over one that stands it changes nothing but the reason. Durable when answered.
    ///
    /// # Errors
    /// [`Error`]; the call may be repeated.
    async fn ban(&self, ban: Ban) -> Result<(), Error>;

    /// Takes a ban back, if there is one. Those of the user's devices and that of the user are apart. Durable when
    /// answered.
    ///
    /// # Errors
    /// [`Error`]; the call may be repeated.
    async fn unban(&self, key: &BanKey) -> Result<(), Error>;

    /// The bans that keep a device out: that of its user, then its own. Without a device that of the user alone.
    ///
    /// # Errors
    /// [`Error`].
    async fn bans_of(&self, user: &UserId, device: Option<&DeviceId>) -> Result<Vec<Ban>, Error>;

    /// All bans, or those of a user and their devices, in ascending order of key, from behind `after`; at most
    /// `rows_max`.
    ///
    /// # Errors
    /// [`Error`].
    async fn bans(&self, user: Option<&UserId>, after: Option<&BanKey>, rows_max: usize) -> Result<Vec<Ban>, Error>;

    /// Removes the inbox rows of days (UTC) before the day of `before`; done when answered. Other writes go on meanwhile. A store that was told
    /// how long to keep them, and lets them go by itself, does nothing here.
    ///
    /// # Errors
    /// [`Error`]; the call may be repeated.
    async fn expire_inbox(&self, before: TimeMs) -> Result<(), Error>;

    /// Whether every answered write survives a crash without [`Store::flush`].
    fn is_durable_at_once(&self) -> bool;

    /// Makes durable what was answered before the call. Without an error it is all written.
    ///
    /// # Errors
    /// [`Error`]; what was answered before is then in an unknown state.
    async fn flush(&self) -> Result<(), Error>;
}

/// What can go wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There is no room on the disk.
    #[error("the disk is full: make room in {place}, and the store goes on by itself")]
    Full {
        /// The folder.
        place: String,
    },
    /// The store can't be reached or its disk fails.
    #[error("the store is not available: {why}")]
    Unavailable {
        /// What happened.
        why: String,
    },
    /// What was read is not what was written.
    #[error("the store is damaged: {why}; restore it from a backup")]
    Corrupt {
        /// Where, and what was found.
        why: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// Whether the same call can succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Unavailable { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(command: u64, body: Option<&'static [u8]>) -> EventRow {
        let user = |name: &str| UserId::new(name).unwrap();
        EventRow {
            chat: ChatId::direct(&user("alice"), &user("bob")),
            stream: Stream::Content,
            version: Version(1),
            source: Source { log: LogId([1; 16]), partition: Partition(0), offset: Offset(command), index: 0 },
            envelope: Bytes::from(format!("envelope {command}")),
            body: body.map(Bytes::from_static),
        }
    }

    #[test]
    fn a_row_of_the_same_command_stays_without_its_body_and_one_of_another_is_another_row() {
        let (said, gone) = (row(1, Some(b"body")), row(1, None));
        assert_eq!(said.clone().over(None), said);
        assert_eq!(said.clone().over(Some(&said)), said);
        assert_eq!(said.clone().over(Some(&gone)), gone);
        assert_eq!(gone.clone().over(Some(&said)), gone);
        assert_eq!(said.clone().over(Some(&row(2, None))), said);
    }

    #[test]
    fn a_read_of_messages_goes_no_further_than_so_many_of_them() {
        let of_read = |start, end| {
            let Range { start, end } = seqs_of_read(&(Seq(start)..Seq(end)));
            (start.0, end.0)
        };
        assert_eq!(of_read(5, 9), (5, 9));
        assert_eq!(of_read(5, u64::MAX), (5, 5 + READ_ROWS_MAX as u64));
        assert_eq!(of_read(u64::MAX - 1, u64::MAX), (u64::MAX - 1, u64::MAX));
        assert_eq!(of_read(9, 5), (9, 5));
    }
}
