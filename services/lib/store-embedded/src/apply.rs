//! What each write does to the tables.

use std::collections::BTreeSet;

use chasqui_domain::{Offset, TimeMs};
use chasqui_store::{
    Ban, BanKey, ChatUpdate, Checkpoint, DeviceRow, EventRow, InboxRow, LogPartition, MemberState, MemberUpdate,
    MessageUpdate, Snapshot,
};
use redb::ReadableTable;

use crate::{
    codec,
    fault::Fault,
    merged::Merged,
    options::{DAY_MS, EXPIRE_ROWS_MAX},
    reads,
    tables::{self, Tables},
};

/// A call that changes something.
#[derive(Debug)]
pub(crate) enum Write {
    Events(LogPartition, Vec<EventRow>, Vec<ChatUpdate>),
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
            Self::Events(_, rows, updates) => {
                let rows = rows.iter().map(|row| ROW + row.envelope.len() + row.body.as_ref().map_or(0, |b| b.len()));
                let state = |state: &MemberState| match state {
                    MemberState::Joined(state) | MemberState::Stays(state) => state.len(),
                    MemberState::Gone => 0,
                };
                let member = |it: &MemberUpdate| 2 * ROW + state(&it.state);
                let message = |it: &MessageUpdate| ROW + it.state.len() + it.erased.len() * ROW;
                let updates = updates.iter().map(|update| {
                    let members: usize = update.members.iter().map(member).sum();
                    let messages: usize = update.messages.iter().map(message).sum();
                    ROW + update.summary.as_ref().map_or(0, |summary| summary.len()) + members + messages
                });
                rows.chain(updates).sum()
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
pub(crate) fn apply(
    tables: &mut Tables<'_>,
    merged: &mut Merged,
    marked: &mut BTreeSet<LogPartition>,
    write: Write,
) -> Result<(), Fault> {
    match write {
        Write::Events(of, rows, updates) => {
            if !rows.is_empty() && marked.insert(of) {
                let key = tables::partition_key(of);
                tables.marks.insert(&key, codec::numbers(&key, []).as_slice())?;
            }
            rows.into_iter().try_for_each(|row| put_event(tables, row))?;
            updates.into_iter().for_each(|update| merged.put_update(update));
            Ok(())
        }
        Write::Commit(of, next, snapshots) => {
            merged.put_offset(of, next);
            snapshots.iter().try_for_each(|snapshot| put_snapshot(tables, snapshot))
        }
        Write::Skip(of, command) => {
            let key = tables::skip_key(of, command);
            tables.skipped.insert(&key, codec::numbers(&key, []).as_slice())?;
            Ok(())
        }
        Write::Inbox(rows) => rows.iter().try_for_each(|row| put_inbox(tables, merged, row)),
        Write::Checkpoint(of, checkpoint) => {
            merged.put_checkpoint(of, checkpoint);
            Ok(())
        }
        Write::Devices(rows) => rows.iter().try_for_each(|row| put_device(tables, row)),
        Write::Ban(ban) => put_ban(tables, &ban),
        Write::Unban(key) => {
            tables.bans.remove(tables::ban_key(&key).as_slice())?;
            Ok(())
        }
        // Expiry goes in steps, beside the other writes: see `expire`.
        Write::Expire(_) | Write::Flush => Ok(()),
    }
}

/// Most rows are new, so what stands is looked at only once it was replaced.
fn put_event(tables: &mut Tables<'_>, row: EventRow) -> Result<(), Fault> {
    let key = tables::event_key(row.chat, row.stream, row.version);
    let stands = match tables.events.insert(key.as_slice(), codec::event(&key, &row).as_slice())? {
        Some(value) if row.body.is_some() => codec::read_event(row.chat, row.stream, row.version, &key, value.value())?,
        _ => return Ok(()),
    };
    let row = row.over(Some(&stands));
    if row.body.is_none() {
        tables.events.insert(key.as_slice(), codec::event(&key, &row).as_slice())?;
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

fn put_inbox(tables: &mut Tables<'_>, merged: &mut Merged, row: &InboxRow) -> Result<(), Fault> {
    let inbox = tables::inbox_of(&row.user, row.position.log);
    let key = tables::inbox_key(&inbox, row.position.offset);
    tables.inbox.insert(key.as_slice(), codec::entry(&key, row.time, &row.entry).as_slice())?;
    merged.put_day(row, &inbox);
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

/// Goes one step on in removing the inbox rows of days before that of `before`, and says whether it was the last. What
/// was merged must be settled.
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
