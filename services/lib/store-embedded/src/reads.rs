//! Reads of the database. All block, so they run on threads made for that.

use std::{collections::BTreeSet, ops::Bound, ops::Range};

use chasqui_domain::{ChatId, DeviceId, LogId, Offset, Position, Seq, Term, UserId, Version};
use chasqui_store::{
    Ban, BanKey, ChatLog, ChatRow, Checkpoint, DeviceRow, EventQuery, EventRow, InboxRow, LogPartition, MemberRow,
    MessageRow, READ_ROWS_MAX, Snapshot, Stream, seqs_of_read,
};
use redb::{ReadTransaction, ReadableTable};

use crate::{
    codec,
    fault::Fault,
    tables::{self, MESSAGE_KEY_BYTES, PARTITION_KEY_BYTES},
};

pub(crate) fn load_chats(
    from: &ReadTransaction,
    chats: &[ChatId],
    log: LogId,
    before: Offset,
) -> Result<Vec<ChatLog>, Fault> {
    let (snapshots, events) = (from.open_table(tables::SNAPSHOTS)?, from.open_table(tables::EVENTS)?);
    let load = |&chat: &ChatId| {
        let snapshot: Option<Snapshot> = match snapshots.get(chat.as_bytes())? {
            Some(value) => Some(codec::read_snapshot(chat, chat.as_bytes(), value.value())?),
            None => None,
        };
        let start = snapshot.as_ref().map_or(Version(0), |snapshot| Version(snapshot.version.0.saturating_add(1)));
        let mut rows = Vec::new();
        for stream in Stream::ALL {
            let (low, high) =
                (tables::event_key(chat, stream, start), tables::event_key(chat, stream, Version(u64::MAX)));
            for row in events.range::<&[u8]>(low.as_slice()..=high.as_slice())? {
                let (key, value) = row?;
                let key = key.value();
                let row = codec::read_event(chat, stream, tables::event_version(key), key, value.value())?;
                if row.source.is_before(log, before) {
                    rows.push(row);
                }
            }
        }
        // Ascending runs: a stable sort merges them.
        rows.sort_by_key(|row| row.version);
        Ok(ChatLog { snapshot, rows })
    };
    chats.iter().map(load).collect()
}

pub(crate) fn events(from: &ReadTransaction, query: &EventQuery) -> Result<Vec<EventRow>, Fault> {
    if query.versions.is_empty() {
        return Ok(Vec::new());
    }
    let events = from.open_table(tables::EVENTS)?;
    let low = tables::event_key(query.chat, query.stream, query.versions.start);
    let high = tables::event_key(query.chat, query.stream, query.versions.end);
    let mut range = events.range::<&[u8]>(low.as_slice()..high.as_slice())?;
    let mut rows = Vec::new();
    while rows.len() < query.rows_max.min(READ_ROWS_MAX) {
        let Some(row) = (if query.descending { range.next_back() } else { range.next() }) else { break };
        let (key, value) = row?;
        let key = key.value();
        rows.push(codec::read_event(query.chat, query.stream, tables::event_version(key), key, value.value())?);
    }
    Ok(rows)
}

pub(crate) fn chats(from: &ReadTransaction, chats: &[ChatId], of: &UserId) -> Result<Vec<Option<ChatRow>>, Fault> {
    let (summaries, table) = (from.open_table(tables::SUMMARIES)?, from.open_table(tables::MEMBERS)?);
    let read = |&chat: &ChatId| {
        let key = chat.as_bytes();
        let Some(summary) = summaries.get(key)? else { return Ok(None) };
        let (_, summary) = codec::read_summary(key, summary.value())?;
        let members = if chat.is_group() {
            member(&table, chat, of)?.into_iter().collect()
        } else {
            members_in(&table, chat, None, usize::MAX)?
        };
        Ok(members.iter().any(|member| member.user == *of).then_some(ChatRow { chat, summary, members }))
    };
    chats.iter().map(read).collect()
}

fn member(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    chat: ChatId,
    user: &UserId,
) -> Result<Option<MemberRow>, Fault> {
    let key = tables::member_key(chat, user);
    let Some(value) = table.get(key.as_slice())? else { return Ok(None) };
    let (_, state) = codec::read_member(&key, value.value())?;
    Ok(Some(MemberRow { user: user.clone(), state }))
}

pub(crate) fn members(
    from: &ReadTransaction,
    chat: ChatId,
    after: Option<&UserId>,
    rows_max: usize,
) -> Result<Vec<MemberRow>, Fault> {
    members_in(&from.open_table(tables::MEMBERS)?, chat, after, rows_max)
}

fn members_in(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    chat: ChatId,
    after: Option<&UserId>,
    rows_max: usize,
) -> Result<Vec<MemberRow>, Fault> {
    let start = after.map_or_else(|| chat.as_bytes().to_vec(), |after| tables::member_key(chat, after));
    // No id of a user has such a byte.
    let end = [&chat.as_bytes()[..], &[u8::MAX]].concat();
    let range = (Bound::Excluded(start.as_slice()), Bound::Excluded(end.as_slice()));
    let mut rows = Vec::new();
    for row in table.range::<&[u8]>(range)?.take(rows_max.min(READ_ROWS_MAX)) {
        let (key, value) = row?;
        let Some(user) = tables::member_of(key.value()) else {
            return Err(Fault::Damaged(format!("a row of members has the key {:02x?}", key.value())));
        };
        let (_, state) = codec::read_member(key.value(), value.value())?;
        rows.push(MemberRow { user, state });
    }
    Ok(rows)
}

pub(crate) fn messages(from: &ReadTransaction, chat: ChatId, seqs: &Range<Seq>) -> Result<Vec<MessageRow>, Fault> {
    let seqs = seqs_of_read(seqs);
    if seqs.is_empty() {
        return Ok(Vec::new());
    }
    let table = from.open_table(tables::MESSAGES)?;
    let (low, high) = (tables::message_key(chat, seqs.start), tables::message_key(chat, seqs.end));
    let mut rows = Vec::new();
    for row in table.range::<&[u8; MESSAGE_KEY_BYTES]>(&low..&high)? {
        let (key, value) = row?;
        let (_, state) = codec::read_message(key.value(), value.value())?;
        rows.push(MessageRow { seq: Seq(tables::number(key.value())), state });
    }
    Ok(rows)
}

pub(crate) fn chats_of(
    from: &ReadTransaction,
    user: &UserId,
    after: Option<ChatId>,
    rows_max: usize,
) -> Result<Vec<ChatId>, Fault> {
    let table = from.open_table(tables::CHATS_OF)?;
    let of = tables::user_key(user);
    let start = after.map_or_else(|| of.clone(), |after| tables::chat_of_key(user, after));
    let end = [&of[..], &[u8::MAX; ChatId::BYTES]].concat();
    let mut chats = Vec::new();
    let range = (Bound::Excluded(start.as_slice()), Bound::Included(end.as_slice()));
    for row in table.range::<&[u8]>(range)?.take(rows_max.min(READ_ROWS_MAX)) {
        let (key, value) = row?;
        codec::read_numbers::<0>("chats_of", key.value(), value.value())?;
        let chat = key.value().strip_prefix(of.as_slice()).map(ChatId::from_bytes);
        let Some(Ok(chat)) = chat else {
            return Err(Fault::Damaged(format!("a row of chats_of has the key {:02x?}", key.value())));
        };
        chats.push(chat);
    }
    Ok(chats)
}

pub(crate) fn inbox(
    from: &ReadTransaction,
    user: &UserId,
    log: LogId,
    offsets: Range<Offset>,
    rows_max: usize,
) -> Result<Vec<InboxRow>, Fault> {
    if offsets.is_empty() {
        return Ok(Vec::new());
    }
    let table = from.open_table(tables::INBOX)?;
    let of = tables::inbox_of(user, log);
    let (low, high) = (tables::inbox_key(&of, offsets.start), tables::inbox_key(&of, offsets.end));
    let mut rows = Vec::new();
    for row in table.range::<&[u8]>(low.as_slice()..high.as_slice())?.take(rows_max.min(READ_ROWS_MAX)) {
        let (key, value) = row?;
        let offset = Offset(tables::number(key.value()));
        let (time, entry) = codec::read_entry(key.value(), value.value())?;
        rows.push(InboxRow { user: user.clone(), position: Position { log, offset }, time, entry });
    }
    Ok(rows)
}

pub(crate) fn devices_of(
    from: &ReadTransaction,
    user: &UserId,
    after: Option<&DeviceId>,
    rows_max: usize,
) -> Result<Vec<DeviceRow>, Fault> {
    devices_in(&from.open_table(tables::DEVICES)?, user, after, rows_max)
}

/// The same of a table that is open.
pub(crate) fn devices_in(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    user: &UserId,
    after: Option<&DeviceId>,
    rows_max: usize,
) -> Result<Vec<DeviceRow>, Fault> {
    let of = tables::user_key(user);
    let start = after.map_or_else(|| of.clone(), |after| tables::device_key(user, after));
    // No id of a device has such a byte.
    let end = [&of[..], &[u8::MAX]].concat();
    let range = (Bound::Excluded(start.as_slice()), Bound::Excluded(end.as_slice()));
    let mut rows = Vec::new();
    for row in table.range::<&[u8]>(range)?.take(rows_max.min(READ_ROWS_MAX)) {
        let (key, value) = row?;
        let Some(device) = tables::device_of(key.value(), &of) else {
            return Err(Fault::Damaged(format!("a row of devices has the key {:02x?}", key.value())));
        };
        rows.push(codec::read_device(user, device, key.value(), value.value())?);
    }
    Ok(rows)
}

pub(crate) fn bans_of(from: &ReadTransaction, user: &UserId, device: Option<&DeviceId>) -> Result<Vec<Ban>, Fault> {
    let table = from.open_table(tables::BANS)?;
    let mut bans = Vec::new();
    for of in BanKey::keeping_out(user, device) {
        let key = tables::ban_key(&of);
        if let Some(value) = table.get(key.as_slice())? {
            bans.push(codec::read_ban(of, &key, value.value())?);
        }
    }
    Ok(bans)
}

pub(crate) fn bans(
    from: &ReadTransaction,
    user: Option<&UserId>,
    after: Option<&BanKey>,
    rows_max: usize,
) -> Result<Vec<Ban>, Fault> {
    let table = from.open_table(tables::BANS)?;
    let after = after.map(tables::ban_key);
    // A user's own ban has the lowest of their keys.
    let of_user = user.map(|user| tables::ban_key(&BanKey { user: user.clone(), device: None }));
    let start = match (&after, &of_user) {
        (Some(after), first) if first.as_ref().is_none_or(|first| first <= after) => Bound::Excluded(after.as_slice()),
        (_, Some(first)) => Bound::Included(first.as_slice()),
        (_, None) => Bound::Unbounded,
    };
    let mut bans = Vec::new();
    for row in table.range::<&[u8]>((start, Bound::Unbounded))?.take(rows_max.min(READ_ROWS_MAX)) {
        let (key, value) = row?;
        let Some(of) = tables::read_ban_key(key.value()) else {
            return Err(Fault::Damaged(format!("a row of bans has the key {:02x?}", key.value())));
        };
        if user.is_some_and(|user| *user != of.user) {
            break;
        }
        bans.push(codec::read_ban(of, key.value(), value.value())?);
    }
    Ok(bans)
}

pub(crate) fn committed(from: &ReadTransaction, of: LogPartition) -> Result<Option<Offset>, Fault> {
    let key = tables::partition_key(of);
    let table = from.open_table(tables::OFFSETS)?;
    let Some(value) = table.get(&key)? else { return Ok(None) };
    let [offset] = codec::read_numbers("offsets", &key, value.value())?;
    Ok(Some(Offset(offset)))
}

/// A life of the topics that has committed offsets; none when none has.
pub(crate) fn any_log(from: &ReadTransaction) -> Result<Option<LogId>, Fault> {
    let table = from.open_table(tables::OFFSETS)?;
    let first = table.first()?;
    Ok(first.map(|(key, _)| tables::log_of(key.value())))
}

pub(crate) fn has_events(from: &ReadTransaction, of: LogPartition) -> Result<bool, Fault> {
    let key = tables::partition_key(of);
    let table = from.open_table(tables::MARKS)?;
    let Some(value) = table.get(&key)? else { return Ok(false) };
    codec::read_numbers::<0>("marks", &key, value.value())?;
    Ok(true)
}

pub(crate) fn checkpoint(from: &ReadTransaction, of: LogPartition) -> Result<Option<Checkpoint>, Fault> {
    let (checkpoints, terms) = (from.open_table(tables::CHECKPOINTS)?, from.open_table(tables::TERMS)?);
    checkpoint_in(&checkpoints, &terms, &tables::partition_key(of))
}

/// The same of tables that are open.
pub(crate) fn checkpoint_in(
    checkpoints: &impl ReadableTable<&'static [u8; PARTITION_KEY_BYTES], &'static [u8]>,
    terms: &impl ReadableTable<&'static [u8; PARTITION_KEY_BYTES], &'static [u8]>,
    key: &[u8; PARTITION_KEY_BYTES],
) -> Result<Option<Checkpoint>, Fault> {
    let Some(checkpoint) = checkpoints.get(key)? else { return Ok(None) };
    let [term] = match terms.get(key)? {
        Some(value) => codec::read_numbers("terms", key, value.value())?,
        None => [0],
    };
    codec::read_checkpoint(key, Term(term), checkpoint.value()).map(Some)
}

pub(crate) fn skipped(from: &ReadTransaction, of: LogPartition) -> Result<BTreeSet<Offset>, Fault> {
    let table = from.open_table(tables::SKIPPED)?;
    let (low, high) = (tables::skip_key(of, Offset(0)), tables::skip_key(of, Offset(u64::MAX)));
    let mut commands = BTreeSet::new();
    for row in table.range::<&[u8; tables::SKIP_KEY_BYTES]>(&low..=&high)? {
        let (key, value) = row?;
        codec::read_numbers::<0>("skipped", key.value(), value.value())?;
        commands.insert(Offset(tables::number(key.value())));
    }
    Ok(commands)
}
