//! A store in memory, for tests and simulations. It outlives the parts that a test kills, so to them it is durable.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{Bound, Range},
};

use async_trait::async_trait;
use bytes::Bytes;
use chasqui_domain::{ChatId, DeviceId, Epoch, LogId, Offset, Position, Seq, TimeMs, UserId, Version};
use parking_lot::Mutex;

use crate::{
    Ban, BanKey, ChatLog, ChatRow, ChatUpdate, Checkpoint, DeviceRow, Error, EventQuery, EventRow, InboxRow, KeyTable,
    LogPartition, MemberRow, MemberState, MessageRow, MessageUpdate, READ_ROWS_MAX, Snapshot, Store, Stream,
    WrappedKey, seqs_of_read,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    rows: Mutex<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    events: BTreeMap<(ChatId, Stream, Version), EventRow>,
    snapshots: BTreeMap<ChatId, Snapshot>,
    summaries: BTreeMap<ChatId, (Version, Bytes)>,
    members: BTreeMap<ChatId, BTreeMap<UserId, (Version, Bytes)>>,
    messages: BTreeMap<(ChatId, Seq), (Version, Bytes)>,
    chats_of: BTreeMap<UserId, BTreeSet<ChatId>>,
    offsets: BTreeMap<LogPartition, Offset>,
    has_events: BTreeSet<LogPartition>,
    skipped: BTreeSet<(LogPartition, Offset)>,
    inbox: BTreeMap<(UserId, LogId, Offset), (TimeMs, Bytes)>,
    checkpoints: BTreeMap<LogPartition, Checkpoint>,
    devices: BTreeMap<UserId, BTreeMap<DeviceId, DeviceRow>>,
    bans: BTreeMap<BanKey, Ban>,
    keys: BTreeMap<(ChatId, Epoch), WrappedKey>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Rows {
    fn put_event(&mut self, row: EventRow) {
        let key = (row.chat, row.stream, row.version);
        let row = row.over(self.events.get(&key));
        self.events.insert(key, row);
    }

    fn put_message(&mut self, chat: ChatId, version: Version, message: MessageUpdate) {
        let MessageUpdate { seq, state, erased } = message;
        if self.messages.get(&(chat, seq)).is_none_or(|(stands, _)| *stands < version) {
            self.messages.insert((chat, seq), (version, state));
        }
        for (stream, version) in erased {
            if let Some(row) = self.events.get_mut(&(chat, stream, version)) {
                row.body = None;
            }
        }
    }

    /// Passes over what a former owner says of members: who left is then left out of the newest summary.
    fn put_update(&mut self, update: ChatUpdate) {
        let ChatUpdate { chat, version, summary, members, messages } = update;
        messages.into_iter().for_each(|message| self.put_message(chat, version, message));
        if self.summaries.get(&chat).is_some_and(|(stands, _)| *stands >= version) {
            return;
        }
        if let Some(summary) = summary {
            self.summaries.insert(chat, (version, summary));
        }
        let rows = self.members.entry(chat).or_default();
        for update in members {
            if rows.get(&update.user).is_some_and(|(stands, _)| *stands >= version) {
                continue;
            }
            let chats_of = self.chats_of.entry(update.user.clone()).or_default();
            match update.state {
                MemberState::Joined(state) => {
                    chats_of.insert(chat);
                    rows.insert(update.user, (version, state));
                }
                MemberState::Stays(state) => drop(rows.insert(update.user, (version, state))),
                MemberState::Gone => {
                    chats_of.remove(&chat);
                    rows.remove(&update.user);
                }
            }
        }
    }

    fn chat(&self, chat: ChatId, of: &UserId) -> Option<ChatRow> {
        let (members, (_, summary)) = (self.members.get(&chat)?, self.summaries.get(&chat)?);
        members.get(of)?;
        let shown = members.iter().filter(|(user, _)| !chat.is_group() || *user == of);
        let members = shown.map(|(user, (_, state))| MemberRow { user: user.clone(), state: state.clone() });
        Some(ChatRow { chat, summary: summary.clone(), members: members.collect() })
    }

    fn put_snapshot(&mut self, snapshot: Snapshot) {
        let newest = self.snapshots.get(&snapshot.chat);
        if newest.is_none_or(|newest| newest.version < snapshot.version) {
            self.snapshots.insert(snapshot.chat, snapshot);
        }
    }

    fn put_device(&mut self, row: DeviceRow) {
        let devices = self.devices.entry(row.user.clone()).or_default();
        let former = devices.get(&row.device);
        let Some(row) = row.over(former) else { return };
        devices.insert(row.device.clone(), row);
        let rows: Vec<_> = devices.values().cloned().collect();
        if let Some(row) = DeviceRow::gives_way(&rows) {
            devices.remove(&row.device);
        }
    }

    fn load_chat(&self, chat: ChatId, log: LogId, before: Offset) -> ChatLog {
        let snapshot = self.snapshots.get(&chat).cloned();
        let above = snapshot.as_ref().map_or(Version(0), |snapshot| snapshot.version);
        let mut rows: Vec<_> = Stream::ALL
            .into_iter()
            .flat_map(|stream| self.events.range((chat, stream, above)..=(chat, stream, Version(u64::MAX))))
            .map(|(_, row)| row)
            .filter(|row| row.version > above && row.source.is_before(log, before))
            .cloned()
            .collect();
        rows.sort_by_key(|row| row.version);
        ChatLog { snapshot, rows }
    }

    fn events(&self, query: &EventQuery) -> Vec<EventRow> {
        let Range { start, end } = query.versions;
        if start >= end {
            return Vec::new();
        }
        let range = self.events.range((query.chat, query.stream, start)..(query.chat, query.stream, end));
        let rows = range.map(|(_, row)| row.clone());
        let rows_max = query.rows_max.min(READ_ROWS_MAX);
        if query.descending { rows.rev().take(rows_max).collect() } else { rows.take(rows_max).collect() }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn write_events(&self, of: LogPartition, rows: Vec<EventRow>, updates: Vec<ChatUpdate>) -> Result<(), Error> {
        let mut all = self.rows.lock();
        if !rows.is_empty() {
            all.has_events.insert(of);
        }
        rows.into_iter().for_each(|row| all.put_event(row));
        updates.into_iter().for_each(|update| all.put_update(update));
        Ok(())
    }

    async fn load_chats(&self, chats: &[ChatId], log: LogId, before: Offset) -> Result<Vec<ChatLog>, Error> {
        let all = self.rows.lock();
        Ok(chats.iter().map(|&chat| all.load_chat(chat, log, before)).collect())
    }

    async fn commit(&self, of: LogPartition, next: Offset, snapshots: Vec<Snapshot>) -> Result<(), Error> {
        let mut all = self.rows.lock();
        let committed = all.offsets.entry(of).or_insert(next);
        *committed = next.max(*committed);
        for snapshot in snapshots {
            all.put_snapshot(snapshot);
        }
        Ok(())
    }

    async fn committed(&self, of: LogPartition) -> Result<Option<Offset>, Error> {
        Ok(self.rows.lock().offsets.get(&of).copied())
    }

    async fn has_events(&self, of: LogPartition) -> Result<bool, Error> {
        Ok(self.rows.lock().has_events.contains(&of))
    }

    async fn skip(&self, of: LogPartition, command: Offset) -> Result<(), Error> {
        self.rows.lock().skipped.insert((of, command));
        Ok(())
    }

    async fn skipped(&self, of: LogPartition) -> Result<BTreeSet<Offset>, Error> {
        let all = self.rows.lock();
        Ok(all.skipped.range((of, Offset(0))..=(of, Offset(u64::MAX))).map(|&(_, command)| command).collect())
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>, Error> {
        Ok(self.rows.lock().events(query))
    }

    async fn chats(&self, chats: &[ChatId], of: &UserId) -> Result<Vec<Option<ChatRow>>, Error> {
        let all = self.rows.lock();
        Ok(chats.iter().map(|chat| all.chat(*chat, of)).collect())
    }

    async fn members(&self, chat: ChatId, after: Option<&UserId>, rows_max: usize) -> Result<Vec<MemberRow>, Error> {
        let all = self.rows.lock();
        let Some(members) = all.members.get(&chat) else { return Ok(Vec::new()) };
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = members.range::<UserId, _>((behind, Bound::Unbounded));
        let rows = rows.map(|(user, (_, state))| MemberRow { user: user.clone(), state: state.clone() });
        Ok(rows.take(rows_max.min(READ_ROWS_MAX)).collect())
    }

    async fn messages(&self, chat: ChatId, seqs: Range<Seq>) -> Result<Vec<MessageRow>, Error> {
        let seqs = seqs_of_read(&seqs);
        if seqs.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.rows.lock();
        let rows = all.messages.range((chat, seqs.start)..(chat, seqs.end));
        Ok(rows.map(|((_, seq), (_, state))| MessageRow { seq: *seq, state: state.clone() }).collect())
    }

    async fn chats_of(&self, user: &UserId, after: Option<ChatId>, rows_max: usize) -> Result<Vec<ChatId>, Error> {
        let all = self.rows.lock();
        let Some(chats) = all.chats_of.get(user) else { return Ok(Vec::new()) };
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(chats.range((behind, Bound::Unbounded)).take(rows_max.min(READ_ROWS_MAX)).copied().collect())
    }

    async fn write_inbox(&self, rows: Vec<InboxRow>) -> Result<(), Error> {
        let mut all = self.rows.lock();
        for InboxRow { user, position, time, entry } in rows {
            all.inbox.insert((user, position.log, position.offset), (time, entry));
        }
        Ok(())
    }

    async fn inbox(
        &self,
        user: &UserId,
        log: LogId,
        offsets: Range<Offset>,
        rows_max: usize,
    ) -> Result<Vec<InboxRow>, Error> {
        if offsets.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.rows.lock();
        let range = all.inbox.range((user.clone(), log, offsets.start)..(user.clone(), log, offsets.end));
        let rows = range.map(|((user, log, offset), (time, entry))| InboxRow {
            user: user.clone(),
            position: Position { log: *log, offset: *offset },
            time: *time,
            entry: entry.clone(),
        });
        Ok(rows.take(rows_max.min(READ_ROWS_MAX)).collect())
    }

    async fn save_checkpoint(&self, of: LogPartition, checkpoint: Checkpoint) -> Result<(), Error> {
        let mut all = self.rows.lock();
        let stands = all.checkpoints.get(&of);
        if stands.is_none_or(|stands| !checkpoint.is_older_than(stands)) {
            all.checkpoints.insert(of, checkpoint);
        }
        Ok(())
    }

    async fn checkpoint(&self, of: LogPartition) -> Result<Option<Checkpoint>, Error> {
        Ok(self.rows.lock().checkpoints.get(&of).cloned())
    }

    async fn write_devices(&self, _of: LogPartition, rows: Vec<DeviceRow>) -> Result<(), Error> {
        let mut all = self.rows.lock();
        rows.into_iter().for_each(|row| all.put_device(row));
        Ok(())
    }

    async fn devices_of(
        &self,
        user: &UserId,
        after: Option<&DeviceId>,
        rows_max: usize,
    ) -> Result<Vec<DeviceRow>, Error> {
        let all = self.rows.lock();
        let Some(devices) = all.devices.get(user) else { return Ok(Vec::new()) };
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = devices.range::<DeviceId, _>((behind, Bound::Unbounded)).map(|(_, row)| row.clone());
        Ok(rows.take(rows_max.min(READ_ROWS_MAX)).collect())
    }

    async fn ban(&self, ban: Ban) -> Result<(), Error> {
        let mut all = self.rows.lock();
        let since = all.bans.get(&ban.key).map_or(ban.since, |former| former.since);
        all.bans.insert(ban.key.clone(), Ban { since, ..ban });
        Ok(())
    }

    async fn unban(&self, key: &BanKey) -> Result<(), Error> {
        self.rows.lock().bans.remove(key);
        Ok(())
    }

    async fn bans_of(&self, user: &UserId, device: Option<&DeviceId>) -> Result<Vec<Ban>, Error> {
        let all = self.rows.lock();
        let keys = BanKey::keeping_out(user, device);
        Ok(keys.iter().filter_map(|key| all.bans.get(key).cloned()).collect())
    }

    async fn bans(&self, user: Option<&UserId>, after: Option<&BanKey>, rows_max: usize) -> Result<Vec<Ban>, Error> {
        let all = self.rows.lock();
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let bans = all.bans.range::<BanKey, _>((behind, Bound::Unbounded)).map(|(_, ban)| ban);
        let bans = bans.filter(|ban| user.is_none_or(|user| *user == ban.key.user));
        Ok(bans.take(rows_max.min(READ_ROWS_MAX)).cloned().collect())
    }

    async fn expire_inbox(&self, before: TimeMs) -> Result<(), Error> {
        self.rows.lock().inbox.retain(|_, (time, _)| time.0 / DAY_MS >= before.0 / DAY_MS);
        Ok(())
    }

    fn is_durable_at_once(&self) -> bool {
        true
    }

    async fn flush(&self) -> Result<(), Error> {
        Ok(())
    }
}

#[async_trait]
impl KeyTable for MemoryStore {
    async fn key(&self, chat: ChatId, epoch: Epoch) -> Result<Option<WrappedKey>, Error> {
        Ok(self.rows.lock().keys.get(&(chat, epoch)).copied())
    }

    async fn create_key(&self, chat: ChatId, epoch: Epoch, wrapped: WrappedKey) -> Result<WrappedKey, Error> {
        Ok(*self.rows.lock().keys.entry((chat, epoch)).or_insert(wrapped))
    }
}
