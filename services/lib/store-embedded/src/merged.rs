//! Rows that most writes of an open transaction write again. They are kept beside it and written once, before it is
//! committed.
//!
//! Each of them stands by an order of its own (version, offset, term, range), so that the one that would stand in the
//! end is the one that stands among those kept, whatever stands in the tables. Nobody reads these tables before the
//! commit but expiry, which comes behind [`Merged::settle`]. A body that is gone is gone for ever, so it doesn't matter
//! either whether its row is written again in the meantime.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    mem,
};

use bytes::Bytes;
use chasqui_domain::{ChatId, Offset, Seq, UserId, Version};
use chasqui_store::{ChatUpdate, Checkpoint, EventRow, InboxRow, LogPartition, MemberState, Stream};
use redb::ReadableTable;

use crate::{
    codec,
    fault::Fault,
    options::DAY_MS,
    reads,
    tables::{self, Tables},
};

/// What is kept beside the open transaction. Its writes count there, so it is bounded with it.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    chats: BTreeMap<ChatId, Shown>,
    offsets: BTreeMap<LogPartition, Offset>,
    checkpoints: BTreeMap<LogPartition, Checkpoint>,
    /// Day of an inbox → its lowest and its highest offset.
    days: BTreeMap<Vec<u8>, [u64; 2]>,
}

/// What is new of what is shown of a chat.
#[derive(Debug, Default)]
struct Shown {
    summary: Option<(Version, Bytes)>,
    members: BTreeMap<UserId, (Version, MemberState)>,
    messages: BTreeMap<Seq, (Version, Bytes)>,
    erased: BTreeSet<(Stream, Version)>,
}

impl Shown {
    fn put(&mut self, update: ChatUpdate) {
        let version = update.version;
        if let Some(summary) = update.summary
            && self.summary.as_ref().is_none_or(|(stands, _)| *stands < version)
        {
            self.summary = Some((version, summary));
        }
        for update in update.messages {
            put(&mut self.messages, update.seq, (version, update.state), |stands, new| stands.0 < new.0);
            self.erased.extend(update.erased);
        }
        for update in update.members {
            match self.members.entry(update.user) {
                Entry::Vacant(place) => drop(place.insert((version, update.state))),
                Entry::Occupied(stands) if stands.get().0 >= version => {}
                Entry::Occupied(mut stands) => {
                    let joined = matches!(stands.get().1, MemberState::Joined(_));
                    let state = match update.state {
                        // What is merged has to be done in one.
                        MemberState::Stays(state) if joined => MemberState::Joined(state),
                        state => state,
                    };
                    stands.insert((version, state));
                }
            }
        }
    }
}

impl Merged {
    pub(crate) fn put_update(&mut self, update: ChatUpdate) {
        self.chats.entry(update.chat).or_default().put(update);
    }

    pub(crate) fn put_offset(&mut self, of: LogPartition, next: Offset) {
        put(&mut self.offsets, of, next, |stands, new| stands < new);
    }

    pub(crate) fn put_checkpoint(&mut self, of: LogPartition, checkpoint: Checkpoint) {
        put(&mut self.checkpoints, of, checkpoint, |stands, new| !new.is_older_than(stands));
    }

    pub(crate) fn put_day(&mut self, row: &InboxRow, inbox: &[u8]) {
        let offset = row.position.offset.0;
        let [low, high] = self.days.entry(tables::day_key(row.time.0 / DAY_MS, inbox)).or_insert([offset; 2]);
        (*low, *high) = (offset.min(*low), offset.max(*high));
    }

    /// Writes what is kept, where it stands.
    pub(crate) fn settle(&mut self, tables: &mut Tables<'_>) -> Result<(), Fault> {
        let Self { chats, offsets, checkpoints, days } = mem::take(self);
        chats.into_iter().try_for_each(|(chat, shown)| settle_chat(tables, chat, shown))?;
        offsets.into_iter().try_for_each(|(of, next)| settle_offset(tables, of, next))?;
        checkpoints.iter().try_for_each(|(of, checkpoint)| settle_checkpoint(tables, *of, checkpoint))?;
        days.into_iter().try_for_each(|(day, offsets)| settle_day(tables, &day, offsets))
    }
}

fn put<K: Ord, V>(kept: &mut BTreeMap<K, V>, key: K, new: V, gives_way: impl FnOnce(&V, &V) -> bool) {
    match kept.entry(key) {
        Entry::Vacant(place) => drop(place.insert(new)),
        Entry::Occupied(mut stands) if gives_way(stands.get(), &new) => drop(stands.insert(new)),
        Entry::Occupied(_) => {}
    }
}

fn settle_chat(tables: &mut Tables<'_>, chat: ChatId, shown: Shown) -> Result<(), Fault> {
    let Shown { summary, members, messages, erased } = shown;
    for (seq, (version, state)) in messages {
        settle_message(tables, chat, seq, version, &state)?;
    }
    erased.into_iter().try_for_each(|(stream, version)| erase(tables, chat, stream, version))?;
    settle_members(tables, chat, summary, members)
}

fn settle_message(
    tables: &mut Tables<'_>,
    chat: ChatId,
    seq: Seq,
    version: Version,
    state: &[u8],
) -> Result<(), Fault> {
    let key = tables::message_key(chat, seq);
    let stands = match tables.messages.get(&key)? {
        Some(value) => codec::read_message(&key, value.value())?.0,
        None => Version(0),
    };
    if version > stands {
        tables.messages.insert(&key, codec::message(&key, version, state).as_slice())?;
    }
    Ok(())
}

/// Writes the row again without its body.
fn erase(tables: &mut Tables<'_>, chat: ChatId, stream: Stream, version: Version) -> Result<(), Fault> {
    let key = tables::event_key(chat, stream, version);
    let row = match tables.events.get(key.as_slice())? {
        Some(value) => codec::read_event(chat, stream, version, &key, value.value())?,
        None => return Ok(()),
    };
    if row.body.is_some() {
        let row = EventRow { body: None, ..row };
        tables.events.insert(key.as_slice(), codec::event(&key, &row).as_slice())?;
    }
    Ok(())
}

/// What is of an older version than the summary that stands is of a former owner: who has left since is not in the
/// tables any more.
fn settle_members(
    tables: &mut Tables<'_>,
    chat: ChatId,
    summary: Option<(Version, Bytes)>,
    members: BTreeMap<UserId, (Version, MemberState)>,
) -> Result<(), Fault> {
    let key = chat.as_bytes();
    let stands = match tables.summaries.get(key)? {
        Some(value) => codec::read_summary(key, value.value())?.0,
        None => Version(0),
    };
    for (user, (version, state)) in members {
        if version > stands {
            settle_member(tables, chat, &user, version, &state)?;
        }
    }
    if let Some((version, summary)) = summary.filter(|(version, _)| *version > stands) {
        tables.summaries.insert(key, codec::summary(key, version, &summary).as_slice())?;
    }
    Ok(())
}

fn settle_member(
    tables: &mut Tables<'_>,
    chat: ChatId,
    user: &UserId,
    version: Version,
    state: &MemberState,
) -> Result<(), Fault> {
    let (key, chat_of) = (tables::member_key(chat, user), tables::chat_of_key(user, chat));
    let stands = match tables.members.get(key.as_slice())? {
        Some(value) => codec::read_member(&key, value.value())?.0,
        None => Version(0),
    };
    if stands >= version {
        return Ok(());
    }
    match state {
        MemberState::Joined(state) => {
            tables.chats_of.insert(chat_of.as_slice(), codec::numbers(&chat_of, []).as_slice())?;
            tables.members.insert(key.as_slice(), codec::member(&key, version, state).as_slice())?;
        }
        MemberState::Stays(state) => {
            tables.members.insert(key.as_slice(), codec::member(&key, version, state).as_slice())?;
        }
        MemberState::Gone => {
            tables.chats_of.remove(chat_of.as_slice())?;
            tables.members.remove(key.as_slice())?;
        }
    }
    Ok(())
}

fn settle_offset(tables: &mut Tables<'_>, of: LogPartition, next: Offset) -> Result<(), Fault> {
    let key = tables::partition_key(of);
    let stands = match tables.offsets.get(&key)? {
        Some(value) => codec::read_numbers::<1>("offsets", &key, value.value())?[0],
        None => 0,
    };
    if next.0 >= stands {
        tables.offsets.insert(&key, codec::numbers(&key, [next.0]).as_slice())?;
    }
    Ok(())
}

fn settle_checkpoint(tables: &mut Tables<'_>, of: LogPartition, checkpoint: &Checkpoint) -> Result<(), Fault> {
    let key = tables::partition_key(of);
    let stands = reads::checkpoint_in(&tables.checkpoints, &tables.terms, &key)?;
    if stands.is_none_or(|stands| !checkpoint.is_older_than(&stands)) {
        tables.checkpoints.insert(&key, codec::checkpoint(&key, checkpoint).as_slice())?;
        tables.terms.insert(&key, codec::numbers(&key, [checkpoint.term.0]).as_slice())?;
    }
    Ok(())
}

fn settle_day(tables: &mut Tables<'_>, day: &[u8], [low, high]: [u64; 2]) -> Result<(), Fault> {
    let known = match tables.inbox_days.get(day)? {
        Some(value) => Some(codec::read_numbers::<2>("inbox_days", day, value.value())?),
        None => None,
    };
    let offsets = known.map_or([low, high], |known| [low.min(known[0]), high.max(known[1])]);
    if known != Some(offsets) {
        tables.inbox_days.insert(day, codec::numbers(day, offsets).as_slice())?;
    }
    Ok(())
}
