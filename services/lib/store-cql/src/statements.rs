//! Every statement that is sent, in one place, each prepared once, and counted.
//!
//! `USING TIMESTAMP` is for rows whose writer is fenced: there the highest number stands, whenever it arrives. A statement
//! without it counts by the time of the server that takes it. Which is which is part of the contract; a test holds this file
//! against a list.

use chasqui_telemetry::metrics::{Counter, StoreMetrics};
use futures::try_join;
use scylla::{
    client::session::Session,
    errors::PrepareError,
    statement::{Consistency, prepared::PreparedStatement},
};

use crate::limits::PAGE_ROWS;

/// A statement, and how often it was sent.
#[derive(Debug)]
pub(crate) struct Counted {
    prepared: PreparedStatement,
    sent: Counter,
}

impl Counted {
    /// The statement, which is about to be sent.
    pub(crate) fn send(&self) -> &PreparedStatement {
        self.sent.inc();
        &self.prepared
    }
}

macro_rules! statements {
    ($($name:ident: $cql:literal,)*) => {
        /// The statements, prepared.
        #[derive(Debug)]
        pub(crate) struct Statements {
            $(pub(crate) $name: Counted,)*
        }

        impl Statements {
            /// Prepares all of them for a keyspace.
            pub(crate) async fn prepare(
                session: &Session,
                keyspace: &str,
                metrics: &StoreMetrics,
            ) -> Result<Self, PrepareError> {
                let ($($name,)*) = try_join!($(prepare(session, keyspace, $cql),)*)?;
                $(let $name = Counted { prepared: $name, sent: metrics.statements(stringify!($name)) };)*
                Ok(Self { $($name,)* }.settled())
            }
        }

        /// The statements as texts, by name, for whoever wants to know what is sent.
        pub const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $cql),)*];
    };
}

statements! {
    put_event: "INSERT INTO {}.events (chat, stream, bucket, version, source, envelope, body)
        VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
    events_up: "SELECT version, source, envelope, body FROM {}.events
        WHERE chat = ? AND stream = ? AND bucket = ? AND version >= ? AND version <= ? LIMIT ?",
    events_down: "SELECT version, source, envelope, body FROM {}.events
        WHERE chat = ? AND stream = ? AND bucket = ? AND version >= ? AND version <= ? ORDER BY version DESC LIMIT ?",
    erase_body: "DELETE body FROM {}.events USING TIMESTAMP ?
        WHERE chat = ? AND stream = ? AND bucket = ? AND version = ?",
    list_event_bucket: "INSERT INTO {}.event_buckets (chat, stream, bucket) VALUES (?, ?, ?)",
    event_buckets_up: "SELECT bucket FROM {}.event_buckets
        WHERE chat = ? AND stream = ? AND bucket >= ? AND bucket <= ? LIMIT ?",
    event_buckets_down: "SELECT bucket FROM {}.event_buckets
        WHERE chat = ? AND stream = ? AND bucket >= ? AND bucket <= ? ORDER BY stream DESC, bucket DESC LIMIT ?",

    put_summary: "INSERT INTO {}.members (chat, summary) VALUES (?, ?) USING TIMESTAMP ?",
    put_member: "INSERT INTO {}.members (chat, user, state, summary) VALUES (?, ?, ?, ?) USING TIMESTAMP ?",
    remove_member: "DELETE FROM {}.members USING TIMESTAMP ? WHERE chat = ? AND user = ?",
    member: "SELECT user, state, summary FROM {}.members WHERE chat = ? AND user = ?",
    pair: "SELECT user, state, summary FROM {}.members WHERE chat = ?",
    members: "SELECT user, state FROM {}.members WHERE chat = ? AND user > ? LIMIT ?",
    put_message: "INSERT INTO {}.messages (chat, bucket, seq, state) VALUES (?, ?, ?, ?) USING TIMESTAMP ?",
    messages: "SELECT seq, state FROM {}.messages WHERE chat = ? AND bucket = ? AND seq >= ? AND seq <= ?",
    put_snapshot: "INSERT INTO {}.snapshots (chat, version, state) VALUES (?, ?, ?) USING TIMESTAMP ?",
    snapshot: "SELECT version, state FROM {}.snapshots WHERE chat = ?",
    put_chat_of: "INSERT INTO {}.chats_of (user, chat) VALUES (?, ?) USING TIMESTAMP ?",
    remove_chat_of: "DELETE FROM {}.chats_of USING TIMESTAMP ? WHERE user = ? AND chat = ?",
    chats_of: "SELECT chat FROM {}.chats_of WHERE user = ? AND chat > ? LIMIT ?",

    put_entry: "INSERT INTO {}.inbox (user, log, bucket, offset, time, entry) VALUES (?, ?, ?, ?, ?, ?) USING TTL ?",
    entries: "SELECT offset, time, entry FROM {}.inbox
        WHERE user = ? AND log = ? AND bucket = ? AND offset >= ? AND offset <= ? LIMIT ?",
    list_inbox_bucket: "INSERT INTO {}.inbox_buckets (user, log, bucket) VALUES (?, ?, ?) USING TTL ?",
    inbox_buckets: "SELECT bucket FROM {}.inbox_buckets WHERE user = ? AND log = ? AND bucket >= ? AND bucket <= ? LIMIT ?",

    put_checkpoint: "INSERT INTO {}.checkpoints (log, partition, term, cell) VALUES (?, ?, ?, ?) USING TIMESTAMP ?",
    remove_checkpoints: "DELETE FROM {}.checkpoints WHERE log = ? AND partition = ? AND term < ?",
    checkpoint: "SELECT term, cell FROM {}.checkpoints WHERE log = ? AND partition = ? LIMIT 1",

    put_offset: "INSERT INTO {}.offsets (log, partition, next) VALUES (?, ?, ?) USING TIMESTAMP ?",
    offset: "SELECT next FROM {}.offsets WHERE log = ? AND partition = ?",
    put_mark: "INSERT INTO {}.marks (log, partition) VALUES (?, ?)",
    mark: "SELECT partition FROM {}.marks WHERE log = ? AND partition = ?",
    put_skipped: "INSERT INTO {}.skipped (log, partition, offset) VALUES (?, ?, ?)",
    skipped: "SELECT offset FROM {}.skipped WHERE log = ? AND partition = ?",

    put_device: "INSERT INTO {}.devices (user, log, slot, state) VALUES (?, ?, ?, ?) USING TIMESTAMP ?",
    remove_device: "DELETE FROM {}.devices USING TIMESTAMP ? WHERE user = ? AND log = ? AND slot = ?",
    devices: "SELECT log, slot, state FROM {}.devices WHERE user = ?",

    put_ban: "INSERT INTO {}.bans (bucket, user, device, since, reason) VALUES (?, ?, ?, ?, ?)",
    remove_ban: "DELETE FROM {}.bans WHERE bucket = ? AND user = ? AND device = ?",
    bans_among: "SELECT user, device, since, reason FROM {}.bans WHERE bucket = ? AND user = ? AND device IN ?",
    bans_of_user: "SELECT user, device, since, reason FROM {}.bans WHERE bucket = ? AND user = ? AND device >= ? LIMIT ?",
    bans: "SELECT user, device, since, reason FROM {}.bans WHERE bucket = ? AND (user, device) > (?, ?) LIMIT ?",

    create_key: "INSERT INTO {}.data_keys (chat, epoch, wrapped) VALUES (?, ?, ?) IF NOT EXISTS",
    key: "SELECT wrapped FROM {}.data_keys WHERE chat = ? AND epoch = ?",
    settled_key: "SELECT wrapped FROM {}.data_keys WHERE chat = ? AND epoch = ?",
    any_key: "SELECT chat, epoch, wrapped FROM {}.data_keys LIMIT 1",

    put_meta: "INSERT INTO {}.meta (name, value) VALUES (?, ?)",
    meta: "SELECT value FROM {}.meta WHERE name = ?",
}

impl Statements {
    /// With the one read that first settles what conditional writes left open. The same text has the same number on the
    /// server, so this is all that tells the two apart.
    fn settled(mut self) -> Self {
        self.settled_key.prepared.set_consistency(Consistency::Serial);
        self
    }
}

/// All may be repeated: what has a timestamp of its own changes nothing then, and the rest is the same again.
async fn prepare(session: &Session, keyspace: &str, cql: &str) -> Result<PreparedStatement, PrepareError> {
    let mut prepared = session.prepare(cql.replacen("{}", keyspace, 1)).await?;
    prepared.set_is_idempotent(true);
    prepared.set_page_size(PAGE_ROWS);
    Ok(prepared)
}
