//! Where the messages of a chat are.

use std::ops::Range;

use bytes::Bytes;
use chasqui_domain::{ChatId, Event, EventKind, Seq, TimeMs, Version};
use chasqui_store::{EventQuery, EventRow, Store, Stream};
use chasqui_wire::{event, frames::MessagesQuery};

use super::{Refused, found::Found};
use crate::limits;

/// How often it is guessed where a message is, before the rest is halved: a guess is bad where a chat was uneven.
const GUESSES: usize = 4;

/// A chat's stream of content, in which seqs rise with versions and times never go back. A seq is found by guessing that
/// seqs are even among versions, mostly in one or two reads however long the chat is; a time by halving.
pub(crate) struct History<'a> {
    store: &'a dyn Store,
    chat: ChatId,
    /// The first version that the user may see.
    start: Version,
    /// Behind the last version.
    end: Version,
    last_seq: Seq,
}

impl<'a> History<'a> {
    /// The messages since the user is in a chat.
    pub(crate) fn of(store: &'a dyn Store, found: &Found) -> Self {
        let (chat, summary) = (found.summary.chat, &found.summary);
        Self { store, chat, start: found.own.joined, end: summary.version.next(), last_seq: summary.last_seq }
    }

    /// The row of a message; none when the chat has none of this seq.
    pub(crate) async fn message(&self, seq: Seq) -> Result<Option<EventRow>, Refused> {
        if seq == Seq(0) || seq > self.last_seq {
            return Ok(None);
        }
        let version = self.version_of(seq).await?;
        let row = self.messages(version..self.end, false, 1).await?.0.pop();
        // Behind one that the user may not see lies the first that they may.
        let is_it = |row: &EventRow| spot_in(row).map(|spot| spot.is_some_and(|spot| spot.seq == seq));
        Ok(if row.as_ref().map(is_it).transpose()?.unwrap_or(false) { row } else { None })
    }

    /// The rows of the messages that are asked for, and whether there are more behind them.
    pub(crate) async fn page(&self, query: &MessagesQuery, items_max: usize) -> Result<(Vec<EventRow>, bool), Refused> {
        let start = match (query.after, query.since) {
            (Some(after), _) => self.version_of(Seq(after.0.saturating_add(1))).await?,
            (None, Some(since)) => self.version_at(since).await?,
            (None, None) => self.start,
        };
        let end = match (query.before, query.until) {
            (Some(before), _) => self.version_of(before).await?,
            (None, Some(until)) => self.version_at(until).await?,
            (None, None) => self.end,
        };
        let descending = query.after.is_none() && query.since.is_none();
        let (mut rows, is_cut) = self.messages(start..end, descending, items_max + 1).await?;
        let has_more = is_cut || rows.len() > items_max;
        rows.truncate(items_max);
        Ok((rows, has_more))
    }

    /// The lowest version whose message is not below `seq`; the end when there is none.
    async fn version_of(&self, seq: Seq) -> Result<Version, Refused> {
        if seq > self.last_seq {
            return Ok(self.end);
        }
        let mut range = self.start.0..self.end.0;
        // The seq below the range, and the one at its end.
        let (mut below, mut behind) = (0, self.last_seq.0.saturating_add(1));
        for _ in 0..GUESSES {
            if range.is_empty() {
                return Ok(Version(range.start));
            }
            let guess = even(&range, seq.0.saturating_sub(below + limits::READ_ROWS as u64 / 2), behind - below);
            match self.search(&mut range, guess, |message| message.seq >= seq).await? {
                Side::Here(version) => return Ok(version),
                Side::Below(last) => below = last.seq.0,
                Side::Behind(Some(first)) => behind = first.seq.0,
                Side::Behind(None) => {}
            }
        }
        self.halve(range, |message| message.seq >= seq).await
    }

    /// The lowest version whose message is not before `time`; the end when there is none.
    async fn version_at(&self, time: TimeMs) -> Result<Version, Refused> {
        self.halve(self.start.0..self.end.0, |message| message.time >= time).await
    }

    /// The lowest version of a range whose message `is_reached`; all behind it must be, too.
    async fn halve(&self, mut range: Range<u64>, is_reached: impl Fn(&Spot) -> bool) -> Result<Version, Refused> {
        while !range.is_empty() {
            let middle = range.start + (range.end - range.start) / 2;
            if let Side::Here(version) = self.search(&mut range, middle, &is_reached).await? {
                return Ok(version);
            }
        }
        Ok(Version(range.start))
    }

    /// Reads some messages of a range from `at` on, and narrows the range to where the lowest is that `is_reached`.
    async fn search(
        &self,
        range: &mut Range<u64>,
        at: u64,
        is_reached: impl Fn(&Spot) -> bool,
    ) -> Result<Side, Refused> {
        let (rows, _) = self.messages(Version(at)..Version(range.end), false, limits::READ_ROWS).await?;
        let mut last: Option<Spot> = None;
        for row in &rows {
            let Some(spot) = spot_in(row)? else { continue };
            if is_reached(&spot) {
                return Ok(match last {
                    Some(last) => Side::Here(last.version.next()),
                    None => {
                        // It may be far above: nothing of the stream lies between.
                        range.end = at;
                        Side::Behind(Some(spot))
                    }
                });
            }
            last = Some(spot);
        }
        Ok(match last {
            Some(last) => {
                range.start = last.version.0 + 1;
                Side::Below(last)
            }
            None => {
                range.end = at;
                Side::Behind(None)
            }
        })
    }

    /// The rows of messages in a range of versions, and whether there are others that have no room in a page.
    async fn messages(
        &self,
        mut versions: Range<Version>,
        descending: bool,
        rows_max: usize,
    ) -> Result<(Vec<EventRow>, bool), Refused> {
        let (mut messages, mut bytes) = (Vec::new(), 0);
        while messages.len() < rows_max {
            let asked = (rows_max - messages.len()).min(limits::READ_ROWS);
            let query = EventQuery {
                chat: self.chat,
                stream: Stream::Content,
                versions: versions.clone(),
                descending,
                rows_max: asked,
            };
            let rows = self.store.events(&query).await?;
            let is_end = rows.len() < asked;
            if let Some(last) = rows.last() {
                if descending {
                    versions.end = last.version;
                } else {
                    versions.start = last.version.next();
                }
            }
            for row in rows {
                if spot_in(&row)?.is_some() {
                    bytes += row.body.as_ref().map_or(0, Bytes::len);
                    if bytes > limits::PAGE_BYTES_MAX && !messages.is_empty() {
                        return Ok((messages, true));
                    }
                    messages.push(row);
                }
            }
            if is_end {
                break;
            }
        }
        Ok((messages, false))
    }
}

/// Where a place lies that was searched for.
enum Side {
    /// It is this one.
    Here(Version),
    /// Below this message, or the first that was read, if there was one.
    Behind(Option<Spot>),
    /// Above this message.
    Below(Spot),
}

/// Where the `part`th of `all` places lies in a range, if they are even in it.
fn even(range: &Range<u64>, part: u64, all: u64) -> u64 {
    let offset = u128::from(range.end - range.start) * u128::from(part) / u128::from(all.max(1));
    range.start.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX)).min(range.end.saturating_sub(1))
}

/// A message, and where it stands.
struct Spot {
    version: Version,
    seq: Seq,
    time: TimeMs,
}

fn spot_in(row: &EventRow) -> Result<Option<Spot>, Refused> {
    let (event, _) = event::decode_row(&row.envelope, row.body.as_ref())?;
    Ok(match event {
        Event { version, time, kind: EventKind::Message { seq, .. }, .. } => Some(Spot { version, seq, time }),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
