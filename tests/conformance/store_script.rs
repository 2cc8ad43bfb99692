//! A script of numbered writes over all kinds of rows, and everything that can be read of a store after them.

use bytes::Bytes;
use chasqui_domain::{
    ChatId, DeviceId, Epoch, GatewayId, Incarnation, LogId, Offset, Partition, Position, Seq, SessionId, Source, Term,
    TimeMs, UserId, Version,
};
use chasqui_store::{
    Ban, BanKey, BanReason, ChatLog, ChatRow, ChatUpdate, Checkpoint, DeviceRow, Error, EventQuery, EventRow, InboxRow,
    KeyTable, LogPartition, MemberRow, MemberState, MemberUpdate, MessageRow, MessageUpdate, Snapshot, Store, Stream,
    WRAPPED_KEY_BYTES, WrappedKey, memory::MemoryStore,
};

pub(crate) const LOG: LogId = LogId([1; 16]);
pub(crate) const OF: LogPartition = LogPartition { log: LOG, partition: Partition(3) };
const CHATS: u64 = 4;
const MESSAGES: u64 = 5;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// SplitMix64.
pub(crate) struct Dice(pub u64);

impl Dice {
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

pub(crate) fn user(n: u64) -> UserId {
    UserId::new(format!("user {n}")).unwrap()
}

pub(crate) fn chat(n: u64) -> ChatId {
    ChatId::direct(&user(0), &user(1 + n % CHATS))
}

fn device(n: u64) -> DeviceId {
    DeviceId::new(format!("device-{}", n % 3)).unwrap()
}

/// What a write promises by its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It can be read.
    Visible,
    /// It, and all before it, survives a crash.
    Durable,
}

/// What the write number `n` says of its chat, in every stream in turn; what was done to a message is found by it, too.
fn rows(n: u64) -> Vec<EventRow> {
    let mut dice = Dice(n);
    let chat = chat(dice.below(CHATS));
    let row = |stream, body: Option<Bytes>| {
        let source = Source { log: LOG, partition: OF.partition, offset: Offset(n), index: 0 };
        EventRow { chat, stream, version: Version(n + 1), source, envelope: Bytes::from(format!("{n}")), body }
    };
    let body = Some(vec![b'x'; dice.below(6_000) as usize].into());
    match n % 4 {
        0 => vec![row(Stream::Content, body)],
        1 => vec![row(Stream::Receipts, body)],
        2 => vec![row(Stream::Changes, body)],
        _ => vec![row(Stream::Actions, body), row(Stream::About(Seq(n % MESSAGES)), None)],
    }
}

/// What the write number `n` says of a message: often that what was said before is gone.
fn message(n: u64, chat: ChatId) -> MessageUpdate {
    let before = (n.saturating_sub(40)..n).filter(|before| before % 14 < 4).flat_map(rows);
    let before = before.filter(|row| row.chat == chat && row.version.0 % 3 == n % 3);
    MessageUpdate {
        seq: Seq(n % MESSAGES),
        state: Bytes::from(format!("{n}")),
        erased: before.map(|row| (row.stream, row.version)).collect(),
    }
}

/// Does the write number `n`; each changes what can be read, but for a flush.
pub(crate) async fn step(store: &dyn Store, n: u64) -> Result<Answer, Error> {
    let mut dice = Dice(n);
    let (chat, version) = (chat(dice.below(CHATS)), Version(n + 1));
    let filler = vec![b'x'; dice.below(6_000) as usize];
    match n % 14 {
        0..=3 => {
            let mut rows = rows(n);
            if let Some(former) = n.checked_sub(14) {
                // As a former owner writes them again, whatever has become of them.
                rows.extend(self::rows(former));
            }
            let state = Bytes::from(format!("{n}"));
            let state = if n.is_multiple_of(3) { MemberState::Gone } else { MemberState::Joined(state) };
            let members = vec![
                MemberUpdate { user: user(0), state: MemberState::Joined(Bytes::from(format!("{n}"))) },
                MemberUpdate { user: user(1 + n % 3), state },
            ];
            let summary = (n % 4 < 2).then(|| Bytes::from(format!("{n}")));
            let messages = if n.is_multiple_of(2) { vec![] } else { vec![message(n, chat)] };
            store.write_events(OF, rows, vec![ChatUpdate { chat, version, summary, members, messages }]).await?;
        }
        4 => {
            let snapshots =
                if dice.below(3) == 0 { vec![Snapshot { chat, version, bytes: filler.into() }] } else { vec![] };
            store.commit(OF, Offset(n), snapshots).await?;
        }
        5..=7 => {
            let row = |user| InboxRow {
                user,
                position: Position { log: LOG, offset: Offset(n) },
                time: TimeMs(n * DAY_MS / 16),
                entry: filler.clone().into(),
            };
            store.write_inbox(vec![row(user(0)), row(user(1))]).await?;
        }
        8 => {
            let checkpoint = Checkpoint { term: Term(0), inbox: Offset(n), presence: Offset(n), state: filler.into() };
            store.save_checkpoint(OF, checkpoint).await?;
        }
        9 if dice.below(3) == 0 => store.expire_inbox(TimeMs(n.saturating_sub(24) * DAY_MS / 16)).await?,
        9 if dice.below(2) == 0 => {
            store.skip(OF, Offset(n)).await?;
            return Ok(Answer::Durable);
        }
        10 | 11 => {
            let row = |n: u64, left: bool| DeviceRow {
                user: user(n % 2),
                device: device(n),
                told: Position { log: LOG, offset: Offset(n) },
                connected: TimeMs(n),
                disconnected: left.then_some(TimeMs(n)),
                gateway: GatewayId::new("gateway-0").unwrap(),
                incarnation: Incarnation(1),
                session: SessionId(n),
            };
            store.write_devices(OF, vec![row(n, dice.below(2) == 0), row(n + 1, false)]).await?;
        }
        12 => {
            let key = BanKey { user: user(dice.below(2)), device: (dice.below(2) == 0).then(|| device(n)) };
            if dice.below(3) == 0 {
                store.unban(&key).await?;
            } else {
                let reason = Some(BanReason::new("x".repeat(dice.below(1_000) as usize)).unwrap());
                store.ban(Ban { key, since: TimeMs(n), reason }).await?;
            }
            return Ok(Answer::Durable);
        }
        _ => {
            if dice.below(2) == 0 {
                store.flush().await?;
                return Ok(Answer::Durable);
            }
        }
    }
    Ok(Answer::Visible)
}

/// Everything that can be read but the keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Dump {
    pub(crate) loaded: Vec<ChatLog>,
    pub(crate) events: Vec<EventRow>,
    pub(crate) shown: Vec<Option<ChatRow>>,
    pub(crate) members: Vec<Vec<MemberRow>>,
    pub(crate) messages: Vec<Vec<MessageRow>>,
    pub(crate) chats_of: Vec<Vec<ChatId>>,
    pub(crate) committed: Option<Offset>,
    pub(crate) has_events: bool,
    pub(crate) skipped: Vec<Offset>,
    pub(crate) inboxes: Vec<Vec<InboxRow>>,
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) devices: Vec<DeviceRow>,
    pub(crate) bans: Vec<Ban>,
}

pub(crate) async fn dump(store: &dyn Store) -> Result<Dump, Error> {
    let chats: Vec<_> = (0..CHATS).map(chat).collect();
    let mut dump = Dump {
        loaded: store.load_chats(&chats, LOG, Offset(u64::MAX)).await?,
        shown: store.chats(&chats, &user(0)).await?,
        committed: store.committed(OF).await?,
        has_events: store.has_events(OF).await?,
        skipped: store.skipped(OF).await?.into_iter().collect(),
        checkpoint: store.checkpoint(OF).await?,
        bans: store.bans(None, None, 1000).await?,
        ..Dump::default()
    };
    for &chat in &chats {
        dump.members.push(store.members(chat, None, 1000).await?);
        dump.messages.push(store.messages(chat, Seq(0)..Seq(MESSAGES)).await?);
        for stream in Stream::ALL.into_iter().chain((0..MESSAGES).map(|seq| Stream::About(Seq(seq)))) {
            let versions = Version(0)..Version(u64::MAX);
            let query = EventQuery { chat, stream, versions, descending: false, rows_max: 1000 };
            dump.events.extend(store.events(&query).await?);
        }
    }
    for n in 0..=CHATS {
        dump.chats_of.push(store.chats_of(&user(n), None, 1000).await?);
        dump.devices.extend(store.devices_of(&user(n), None, 1000).await?);
        dump.inboxes.push(store.inbox(&user(n), LOG, Offset(0)..Offset(u64::MAX), 1000).await?);
    }
    Ok(dump)
}

/// What can be read after each number of writes: `prefixes(n)[k]` is after the first `k`.
pub(crate) async fn prefixes(steps: u64) -> Vec<Dump> {
    let oracle = MemoryStore::new();
    let mut dumps = vec![dump(&oracle).await.unwrap()];
    for n in 0..steps {
        step(&oracle, n).await.unwrap();
        dumps.push(dump(&oracle).await.unwrap());
    }
    dumps
}

pub(crate) fn wrapped(n: u64) -> WrappedKey {
    let mut wrapped = [n as u8; WRAPPED_KEY_BYTES];
    wrapped[..8].copy_from_slice(&n.to_be_bytes());
    wrapped
}

/// Creates some keys at once, after the write number `n`; gives those that were answered.
pub(crate) async fn create_keys(keys: &std::sync::Arc<impl KeyTable>, n: u64) -> Vec<(ChatId, Epoch, WrappedKey)> {
    let mut creations = tokio::task::JoinSet::new();
    for at in 0..n % 7 {
        let keys = keys.clone();
        creations.spawn(async move {
            let (chat, epoch) = (chat(at), Epoch(n as u32));
            keys.create_key(chat, epoch, wrapped(n * 100 + at)).await.ok().map(|winner| (chat, epoch, winner))
        });
    }
    creations.join_all().await.into_iter().flatten().collect()
}
