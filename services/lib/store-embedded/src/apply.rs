//! What each write does to the tables.

use std::collections::BTreeSet;

use chasqui_domain::{Offset, TimeMs};
use chasqui_store::{Ban, BanKey, Checkpoint, DeviceRow, EventRow, InboxRow, LogPartition, Snapshot, Summary};
use redb::ReadableTable;

use crate::{
    codec,
    fault::Fault,
    options::{DAY_MS, EXPIRE_ROWS_MAX},
    reads,
    tables::{self, Tables},
};

/// A call that changes something.
#[derive(Debug)]
pub(crate) enum Write {
    Events(LogPartition, Vec<EventRow>, Vec<Summary>),
    Commit(LogPartition, Offset, Vec<Snapshot>),
    Skip(LogPartition, Offset),
    Inbox(Vec<InboxRow>),
    Checkpoint(LogPartition, Checkpoint),
    Devices(Vec<DeviceRow>),
    Ban(Ban),
    Unban(BanKey),
    Expire(TimeMs),
    Flush,
}

impl Write {
    /// About what it takes in memory, beside what every write takes.
    pub(crate) fn bytes(&self) -> usize {
        const ROW: usize = 128;
        match self {
            Self::Events(_, rows, summaries) => {
                let rows = rows.iter().map(|row| ROW + row.envelope.len() + row.body.as_ref().map_or(0, |b| b.len()));
                let summaries = summaries.iter().map(|summary| ROW * (1 + summary.members.len()) + summary.bytes.len());
                rows.chain(summaries).sum()
            }
            Self::Commit(_, _, snapshots) => snapshots.iter().map(|snapshot| ROW + snapshot.bytes.len()).sum(),
            Self::Inbox(rows) => rows.iter().map(|row| ROW + row.entry.len()).sum(),
            Self::Checkpoint(_, checkpoint) => checkpoint.state.len(),
            Self::Devices(rows) => rows.len() * 2 * ROW,
            Self::Ban(ban) => ROW + ban.reason.as_ref().map_or(0, |reason| reason.as_str().len()),
            Self::Skip(..) | Self::Unban(_) | Self::Expire(_) | Self::Flush => 0,
        }
    }

    /// Whether its answer says that it is durable, and all before it.
    pub(crate) fn is_durable_when_answered(&self) -> bool {
        matches!(self, Self::Skip(..) | Self::Ban(_) | Self::Unban(_) | Self::Flush)
    }

    /// Whether it is answered when it is done. All others are answered once they have their place in the queue.
    pub(crate) fn is_done_when_answered(&self) -> bool {
        self.is_durable_when_answered() || matches!(self, Self::Expire(_))
    }
}

/// Does one write. `marked` are the partitions known to have their mark.
pub(crate) fn apply(tables: &mut Tables<'_>, marked: &mut BTreeSet<LogPartition>, write: &Write) -> Result<(), Fault> {
    match write {
        Write::Events(of, rows, summaries) => {
            if !rows.is_empty() && marked.insert(*of) {
                let key = tables::partition_key(*of);
                tables.marks.insert(&key, codec::numbers(&key, []).as_slice())?;
            }
            for row in rows {
                let key = tables::event_key(row.chat, row.stream, row.version);
                tables.events.insert(&key, codec::event(&key, row).as_slice())?;
            }
            summaries.iter().try_for_each(|summary| put_summary(tables, summary))
        }
        Write::Commit(of, next, snapshots) => {
            let key = tables::partition_key(*of);
            let stands = match tables.offsets.get(&key)? {
                Some(value) => codec::read_numbers::<1>("offsets", &key, value.value())?[0],
                None => 0,
            };
            if next.0 >= stands {
                tables.offsets.insert(&key, codec::numbers(&key, [next.0]).as_slice())?;
            }
            snapshots.iter().try_for_each(|snapshot| put_snapshot(tables, snapshot))
        }
        Write::Skip(of, command) => {
            let key = tables::skip_key(*of, *command);
            tables.skipped.insert(&key, codec::numbers(&key, []).as_slice())?;
            Ok(())
        }
        Write::Inbox(rows) => put_inbox(tables, rows),
        Write::Checkpoint(of, checkpoint) => put_checkpoint(tables, *of, checkpoint),
        Write::Devices(rows) => rows.iter().try_for_each(|row| put_device(tables, row)),
        Write::Ban(ban) => put_ban(tables, ban),
        Write::Unban(key) => {
            tables.bans.remove(tables::ban_key(key).as_slice())?;
            Ok(())
        }
        // Expiry goes in steps, beside the other writes: see `expire`.
        Write::Expire(_) | Write::Flush => Ok(()),
    }
}

fn put_checkpoint(tables: &mut Tables<'_>, of: LogPartition, checkpoint: &Checkpoint) -> Result<(), Fault> {
    let key = tables::partition_key(of);
    let stands = reads::checkpoint_in(&tables.checkpoints, &tables.terms, &key)?;
    if stands.is_none_or(|stands| !checkpoint.is_older_than(&stands)) {
        tables.checkpoints.insert(&key, codec::checkpoint(&key, checkpoint).as_slice())?;
        tables.terms.insert(&key, codec::numbers(&key, [checkpoint.term.0]).as_slice())?;
    }
    Ok(())
}

fn put_snapshot(tables: &mut Tables<'_>, snapshot: &Snapshot) -> Result<(), Fault> {
    let key = snapshot.chat.as_bytes();
    let newest = match tables.snapshots.get(key)? {
        Some(value) => Some(codec::read_snapshot(snapshot.chat, key, value.value())?.version),
        None => None,
    };
    if newest.is_none_or(|newest| newest < snapshot.version) {
        tables.snapshots.insert(key, codec::snapshot(key, snapshot).as_slice())?;
    }
    Ok(())
}

fn put_summary(tables: &mut Tables<'_>, summary: &Summary) -> Result<(), Fault> {
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

fn put_inbox(tables: &mut Tables<'_>, rows: &[InboxRow]) -> Result<(), Fault> {
    for row in rows {
        let inbox = tables::inbox_of(&row.user, row.position.log);
        let key = tables::inbox_key(&inbox, row.position.offset);
        tables.inbox.insert(key.as_slice(), codec::entry(&key, row.time, &row.entry).as_slice())?;

        let day = tables::day_key(row.time.0 / DAY_MS, &inbox);
        let offset = row.position.offset.0;
        let known = match tables.inbox_days.get(day.as_slice())? {
            Some(value) => Some(codec::read_numbers::<2>("inbox_days", &day, value.value())?),
            None => None,
        };
        let [low, high] = known.map_or([offset; 2], |[low, high]| [low.min(offset), high.max(offset)]);
        if known != Some([low, high]) {
            tables.inbox_days.insert(day.as_slice(), codec::numbers(&day, [low, high]).as_slice())?;
        }
    }
    Ok(())
}

fn put_device(tables: &mut Tables<'_>, row: &DeviceRow) -> Result<(), Fault> {
    let key = tables::device_key(&row.user, &row.device);
    let former = match tables.devices.get(key.as_slice())? {
        Some(value) => Some(codec::read_device(&row.user, row.device.clone(), &key, value.value())?),
        None => None,
    };
    let Some(stands) = row.clone().over(former.as_ref()) else { return Ok(()) };
    tables.devices.insert(key.as_slice(), codec::device(&key, &stands).as_slice())?;
    if former.is_some() {
        return Ok(());
    }
    // The user has one more: seldom, and they are few.
    let rows = reads::devices_in(&tables.devices, &row.user, None, usize::MAX)?;
    if let Some(row) = DeviceRow::gives_way(&rows) {
        tables.devices.remove(tables::device_key(&row.user, &row.device).as_slice())?;
    }
    Ok(())
}

fn put_ban(tables: &mut Tables<'_>, ban: &Ban) -> Result<(), Fault> {
    let key = tables::ban_key(&ban.key);
    let since = match tables.bans.get(key.as_slice())? {
        Some(value) => codec::read_ban(ban.key.clone(), &key, value.value())?.since,
        None => ban.since,
    };
    let ban = Ban { since, ..ban.clone() };
    tables.bans.insert(key.as_slice(), codec::ban(&key, &ban).as_slice())?;
    Ok(())
}

/// Goes one step on in removing the inbox rows of days before that of `before`, and says whether it was the last.
pub(crate) fn expire(tables: &mut Tables<'_>, before: TimeMs) -> Result<bool, Fault> {
    let end = (before.0 / DAY_MS).to_be_bytes();
    let mut rows_max = EXPIRE_ROWS_MAX;
    while rows_max > 0 {
        let Some((day_key, low, high)) = first_day(tables, &end)? else { return Ok(true) };
        let Some((day, inbox)) = day_key.split_first_chunk() else {
            return Err(Fault::Damaged(format!("a row of inbox_days has the key {day_key:02x?}")));
        };
        let rest = expire_day(tables, u64::from_be_bytes(*day), inbox, low..=high, &mut rows_max)?;
        match rest {
            Some(low) => {
                tables.inbox_days.insert(day_key.as_slice(), codec::numbers(&day_key, [low, high]).as_slice())?;
            }
            None => {
                tables.inbox_days.remove(day_key.as_slice())?;
            }
        }
        // An inbox without rows in the range costs something too.
        rows_max = rows_max.saturating_sub(1);
    }
    Ok(false)
}

fn first_day(tables: &Tables<'_>, end: &[u8]) -> Result<Option<(Vec<u8>, u64, u64)>, Fault> {
    let Some(first) = tables.inbox_days.range::<&[u8]>(..end)?.next() else { return Ok(None) };
    let (key, value) = first?;
    let [low, high] = codec::read_numbers("inbox_days", key.value(), value.value())?;
    Ok(Some((key.value().to_vec(), low, high)))
}

/// Removes rows of one day of one inbox; gives the offset to go on from if not all were looked at.
fn expire_day(
    tables: &mut Tables<'_>,
    day: u64,
    inbox: &[u8],
    offsets: std::ops::RangeInclusive<u64>,
    rows_max: &mut usize,
) -> Result<Option<u64>, Fault> {
    let (start, end) = offsets.into_inner();
    let (start, end) = (tables::inbox_key(inbox, Offset(start)), tables::inbox_key(inbox, Offset(end)));
    let mut remove = Vec::new();
    let mut rest = None;
    for row in tables.inbox.range(start.as_slice()..=end.as_slice())? {
        let (key, value) = row?;
        if *rows_max == 0 {
            rest = Some(tables::number(key.value()));
            break;
        }
        *rows_max -= 1;
        // Rows of another day can be between these when the clock went back.
        if codec::read_entry(key.value(), value.value())?.0.0 / DAY_MS == day {
            remove.push(key.value().to_vec());
        }
    }
    for key in remove {
        tables.inbox.remove(key.as_slice())?;
    }
    Ok(rest)
}
