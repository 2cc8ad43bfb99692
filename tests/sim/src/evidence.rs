//! What is known of a run when it is over, in the plain words that the oracle judges.

pub(crate) mod group;
mod replay;
pub(crate) mod served;

use std::{collections::BTreeMap, hash::Hasher};

use chasqui_domain::{Change, ChatId, Event, EventKind, Offset, Seq, UserId, Version};
use chasqui_oracle::{Evidence, Happened, InboxReading, InboxRow, StoredChat, StoredEvent};
use chasqui_store::{EventQuery, EventRow, Store, Stream};
use chasqui_testkit::transcript::role;
use chasqui_wire::{entry, event};
use futures::FutureExt;

use crate::world::{LOG, World};

const READ_BYTES: usize = 1 << 24;

/// Everything that is known.
///
/// # Errors
/// When the server doesn't serve.
pub(crate) fn collect(world: &World, mut inboxes: Vec<InboxReading>) -> Result<Evidence, String> {
    let served = served::everything(world)?;
    inboxes.extend(self::inboxes(world));
    let (transcripts, order) = world.0.journal.take();
    let (chats, replayed) = (stored(world), replay::replay(world)?);
    let witness = &world.0.witness;
    let (unwritten, repeats, pushed_without_row) =
        (witness.unwritten(), witness.repeats(), witness.pushed_without_row());
    let asked_again = witness.asked_again();
    let (edit_within_s, delete_within_s) = world.acts_within_s();
    Ok(Evidence {
        asked_again,
        transcripts,
        order,
        served,
        chats,
        inboxes,
        replayed,
        unwritten,
        pushed_without_row,
        repeats,
        edit_within_ms: Some(u64::from(edit_within_s) * 1000),
        delete_within_ms: Some(u64::from(delete_within_s) * 1000),
    })
}

/// What comes at once, as all does in memory.
fn now<T>(answer: impl Future<Output = Result<T, chasqui_store::Error>>) -> Option<T> {
    answer.now_or_never().and_then(Result::ok)
}

fn chats_of(world: &World) -> Vec<ChatId> {
    let users = &world.0.users;
    let pairs = users.iter().enumerate().flat_map(|(at, one)| users[at + 1..].iter().map(move |other| (one, other)));
    pairs.map(|(one, other)| ChatId::direct(one, other)).collect()
}

/// The events of a chat as the store has them, over all streams.
pub(crate) fn events(world: &World, chat: ChatId) -> Vec<Event> {
    let rows = rows(world, chat).into_iter();
    let events = rows.filter_map(|row| event::decode_row(&row.envelope, row.body.as_ref()).ok());
    events.map(|(event, _)| event).collect()
}

/// The versions of the events of which the store has what was written.
fn bodies(world: &World, chat: ChatId) -> Vec<u64> {
    rows(world, chat).iter().filter(|row| row.body.is_some()).map(|row| row.version.0).collect()
}

/// The rows of a chat's events in the order of versions.
fn rows(world: &World, chat: ChatId) -> Vec<EventRow> {
    let mut all = Vec::new();
    for stream in Stream::ALL {
        let mut from = Version(0);
        loop {
            let query = EventQuery {
                chat,
                stream,
                versions: from..Version(u64::MAX),
                descending: false,
                rows_max: chasqui_store::READ_ROWS_MAX,
            };
            let rows = now(world.0.store.events(&query)).unwrap_or_default();
            let Some(last) = rows.last() else { break };
            from = last.version.next();
            all.extend(rows);
        }
    }
    all.sort_by_key(|row| row.version);
    all
}

/// Where a member of a chat is, as the store has it.
#[derive(Debug, Default)]
pub(crate) struct Member {
    pub(crate) delivered: Seq,
    pub(crate) read: Seq,
    /// The last message of somebody else.
    pub(crate) last: Seq,
}

/// Where the members of a chat are, as the store has it.
pub(crate) fn members(world: &World, chat: ChatId) -> BTreeMap<UserId, Member> {
    let mut members: BTreeMap<UserId, Member> = BTreeMap::new();
    for event in events(world, chat) {
        match event.kind {
            EventKind::Opened { members: users } => {
                users.into_iter().for_each(|user| {
                    members.entry(user).or_default();
                });
            }
            // A group is looked at elsewhere.
            EventKind::Created { .. } | EventKind::Changed { .. } => {}
            EventKind::Message { seq, sender, .. } => {
                members.iter_mut().filter(|(user, _)| **user != sender).for_each(|(_, member)| member.last = seq);
            }
            EventKind::Delivered { member, seq } => members.entry(member).or_default().delivered = seq,
            EventKind::Read { member, seq } => {
                let member = members.entry(member).or_default();
                (member.delivered, member.read) = (member.delivered.max(seq), seq);
            }
        }
    }
    members
}

/// The last message of each chat as the store has it.
pub(crate) fn last_seqs(world: &World) -> BTreeMap<ChatId, Seq> {
    let last = |chat: ChatId| {
        let query = EventQuery {
            chat,
            stream: Stream::Content,
            versions: Version(0)..Version(u64::MAX),
            descending: true,
            rows_max: 1,
        };
        let row = now(world.0.store.events(&query)).unwrap_or_default().pop()?;
        let (event, _) = event::decode_row(&row.envelope, row.body.as_ref()).ok()?;
        match event.kind {
            EventKind::Message { seq, .. } => Some((chat, seq)),
            _ => None,
        }
    };
    chats_of(world).into_iter().filter_map(last).collect()
}

fn stored(world: &World) -> Vec<StoredChat> {
    let groups = world.0.witness.groups();
    let stored = |chat| StoredChat { bodies: bodies(world, chat), ..told(chat, &events(world, chat)) };
    let chats = chats_of(world).into_iter().chain(groups).map(stored);
    chats.filter(|chat| !chat.events.is_empty()).collect()
}

fn told(chat: ChatId, events: &[Event]) -> StoredChat {
    let event = |event: &Event| {
        let what = match &event.kind {
            EventKind::Opened { members } => {
                Happened::Opened { members: members.iter().map(UserId::to_string).collect() }
            }
            EventKind::Message { seq, sender, device, counter, .. } => {
                Happened::Message { seq: seq.0, from: sender.to_string(), device: device.to_string(), id: counter.0 }
            }
            EventKind::Created { by, device, counter, members, .. } => Happened::Changed {
                by: by.to_string(),
                device: device.to_string(),
                id: counter.0,
                after: 0,
                change: chasqui_oracle::Change::Created { users: members.iter().map(UserId::to_string).collect() },
            },
            EventKind::Changed { by, device, counter, after, change } => Happened::Changed {
                by: by.to_string(),
                device: device.to_string(),
                id: counter.0,
                after: after.0,
                change: changed(change),
            },
            EventKind::Delivered { member, seq } => Happened::Delivered { member: member.to_string(), seq: seq.0 },
            EventKind::Read { member, seq } => Happened::Read { member: member.to_string(), seq: seq.0 },
        };
        StoredEvent { version: event.version.0, time: event.time.0, what }
    };
    StoredChat { chat: chat.to_string(), events: events.iter().map(event).collect(), bodies: Vec::new() }
}

fn changed(change: &Change) -> chasqui_oracle::Change {
    use chasqui_oracle::{Act, Change as Plain};
    match change {
        Change::Add { users } => Plain::Added { users: users.iter().map(UserId::to_string).collect() },
        Change::Remove { user } => Plain::Removed { user: user.to_string() },
        Change::Leave => Plain::Left,
        Change::SetRole { user, role } => Plain::Role { user: user.to_string(), role: self::role(*role) },
        Change::Describe { .. } => Plain::Described,
        Change::Edit { message, .. } => Plain::Acted { seq: message.seq.0, act: Act::Edited },
        Change::Delete { message } => Plain::Acted { seq: message.seq.0, act: Act::Deleted },
        Change::React { message, reaction: Some(_) } => Plain::Acted { seq: message.seq.0, act: Act::Reacted },
        Change::React { message, reaction: None } => Plain::Acted { seq: message.seq.0, act: Act::TakenBack },
        Change::Pin { message } => Plain::Acted { seq: message.seq.0, act: Act::Pinned },
        Change::Unpin { message } => Plain::Acted { seq: message.seq.0, act: Act::Unpinned },
    }
}

/// All inboxes as the store has them now.
pub(crate) fn inboxes(world: &World) -> Vec<InboxReading> {
    let reading = |user: &UserId| {
        let mut rows = Vec::new();
        let mut from = Offset(0);
        loop {
            let offsets = from..Offset(u64::MAX);
            let some = now(world.0.store.inbox(user, LOG, offsets, chasqui_store::READ_ROWS_MAX)).unwrap_or_default();
            let Some(last) = some.last() else { break };
            from = last.position.offset.next();
            rows.extend(some.into_iter().map(|row| inbox_row(row.position.offset, &row.entry)));
        }
        InboxReading { user: user.to_string(), rows }
    };
    world.0.users.iter().map(reading).collect()
}

fn inbox_row(position: Offset, bytes: &[u8]) -> InboxRow {
    use chasqui_domain::Entry;
    let (chat, seq) = match entry::decode(bytes) {
        Ok(Entry::Message { event }) => match event.kind {
            EventKind::Message { seq, .. } => (event.chat.to_string(), Some(seq.0)),
            _ => (event.chat.to_string(), None),
        },
        Ok(Entry::Changed { event }) => (event.chat.to_string(), None),
        Ok(Entry::Counts(counts)) => (counts.chat.to_string(), None),
        Ok(
            Entry::Repeated { chat, .. }
            | Entry::Done { chat, .. }
            | Entry::Refused { chat, .. }
            | Entry::Receipt { chat, .. },
        ) => (chat.to_string(), None),
        Err(error) => (error.to_string(), None),
    };
    InboxRow { position: position.0, chat, seq, digest: digest(bytes) }
}

fn digest(bytes: &[u8]) -> String {
    // Within one process this is the same for the same bytes, which is all that is asked.
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(bytes);
    format!("{:016x}", hasher.finish())
}
