//! Rows that most writes of an open transaction write again. They are kept beside it and written once, before it is
//! committed.
//!
//! Each of them stands by an order of its own (version, offset, term, range), so that the one that would stand in the end is
//! the one that stands among those kept, whatever stands in the tables. Nobody reads these tables before the commit but
//! expiry, which comes behind [`Merged::settle`].

use std::{
    collections::{BTreeMap, btree_map::Entry},
    mem,
};

use chasqui_domain::{ChatId, Offset};
use chasqui_store::{Checkpoint, InboxRow, LogPartition, Summary};
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
    summaries: BTreeMap<ChatId, Summary>,
    offsets: BTreeMap<LogPartition, Offset>,
    checkpoints: BTreeMap<LogPartition, Checkpoint>,
    /// Day of an inbox → its lowest and its highest offset.
    days: BTreeMap<Vec<u8>, [u64; 2]>,
}

impl Merged {
    pub(crate) fn put_summary(&mut self, summary: Summary) {
        put(&mut self.summaries, summary.chat, summary, |stands, new| stands.version < new.version);
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
        let Self { summaries, offsets, checkpoints, days } = mem::take(self);
        summaries.values().try_for_each(|summary| settle_summary(tables, summary))?;
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

fn settle_summary(tables: &mut Tables<'_>, summary: &Summary) -> Result<(), Fault> {
    let key = summary.chat.as_bytes();
    let former = match tables.summaries.get(key)? {
        Some(value) => Some(codec::read_summary(summary.chat, key, value.value())?),
        None => None,
    };
    if former.as_ref().is_some_and(|former| former.version >= summary.version) {
        return Ok(());
    }
    // Almost always the members are the same, and the user's chats don't have to be touched.
    let former = former.map_or_else(Vec::new, |former| former.members);
    for user in former.iter().filter(|user| !summary.members.contains(user)) {
        tables.chats_of.remove(tables::chat_of_key(user, summary.chat).as_slice())?;
    }
    for user in summary.members.iter().filter(|user| !former.contains(user)) {
        let key = tables::chat_of_key(user, summary.chat);
        tables.chats_of.insert(key.as_slice(), codec::numbers(&key, []).as_slice())?;
    }
    tables.summaries.insert(key, codec::summary(key, summary).as_slice())?;
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
