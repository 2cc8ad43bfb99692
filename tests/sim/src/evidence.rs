//! What is known of a run when it is over, in the plain words that the oracle judges.

use std::{collections::BTreeMap, hash::Hasher, sync::Arc, time::Duration};

use axum::{body::Body, http::Request};
use bytes::Bytes;
use chasqui_domain::{Chat, ChatId, Effect, Event, EventKind, Offset, Partition, Seq, UserId, Version, decide};
use chasqui_log::{Log, Record, Topic};
use chasqui_oracle::{
    Evidence, Happened, InboxReading, InboxRow, Placed, Replayed, Served, ServedChat, StoredChat, StoredEvent,
};
use chasqui_store::{EventQuery, Store, Stream};
use chasqui_testkit::transcript::{plain, watermarks};
use chasqui_wire::{
    command, entry, event,
    frames::{ChatItem, Chats, Messages},
};
use futures::FutureExt;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use crate::{
    network::Listener,
    scheduler::WORLD,
    world::{LOG, World, token},
};

/// How long the server may take to serve everything, when nothing goes wrong.
const PATIENCE: Duration = Duration::from_secs(60);
const READ_BYTES: usize = 1 << 24;

/// Everything that is known.
///
/// # Errors
/// When the server doesn't serve.
pub(crate) fn collect(world: &World, mut inboxes: Vec<InboxReading>) -> Result<Evidence, String> {
    let served = everything(world)?;
    inboxes.extend(self::inboxes(world));
    let (transcripts, order) = world.0.journal.take();
    let (chats, replayed, unwritten) = (stored(world), replay(world)?, world.0.witness.unwritten());
    Ok(Evidence { transcripts, order, served, chats, inboxes, replayed, unwritten })
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

/// The events of a chat as the store has them, over both streams.
fn events(world: &World, chat: ChatId) -> Vec<Event> {
    let mut events = Vec::new();
    for stream in [Stream::Content, Stream::Receipts] {
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
            events.extend(rows.iter().filter_map(|row| event::decode_row(&row.envelope, row.body.as_ref()).ok()));
        }
    }
    let mut events: Vec<_> = events.into_iter().map(|(event, _)| event).collect();
    events.sort_by_key(|event| event.version);
    events
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
            EventKind::Opened { members: users } => users.into_iter().for_each(|user| {
                members.entry(user).or_default();
            }),
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
    let chats = chats_of(world).into_iter().map(|chat| told(chat, &events(world, chat)));
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
            EventKind::Delivered { member, seq } => Happened::Delivered { member: member.to_string(), seq: seq.0 },
            EventKind::Read { member, seq } => Happened::Read { member: member.to_string(), seq: seq.0 },
        };
        StoredEvent { version: event.version.0, time: event.time.0, what }
    };
    StoredChat { chat: chat.to_string(), events: events.iter().map(event).collect() }
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
        Ok(Entry::Repeated { chat, .. } | Entry::Refused { chat, .. } | Entry::Receipt { chat, .. }) => {
            (chat.to_string(), None)
        }
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

/// Decides all commands again, from the first.
fn replay(world: &World) -> Result<Vec<Replayed>, String> {
    let mut chats: BTreeMap<ChatId, (Chat, Vec<Event>, BTreeMap<UserId, Vec<String>>)> = BTreeMap::new();
    for number in 0..world.0.log.partitions().chats.get() {
        for record in records(world, number)? {
            let command = command::decode(&record.value).map_err(|error| format!("commands can be read: {error}"))?;
            let new = || (Chat::new(command.chat), Vec::new(), BTreeMap::new());
            let (chat, events, placed) = chats.entry(command.chat).or_insert_with(new);
            let decision = decide(chat, &command, record.time).map_err(|error| error.to_string())?;
            for event in decision.events {
                chat.apply(&event).map_err(|error| format!("states are valid: {error}"))?;
                chat.validate().map_err(|error| format!("states are valid: {error}"))?;
                events.push(event);
            }
            for Effect::Place { recipients, entry } in decision.effects {
                if entry.is_kept() {
                    let digest = digest(&entry::encode(&entry).map_err(|error| error.to_string())?);
                    recipients.into_iter().for_each(|user| placed.entry(user).or_default().push(digest.clone()));
                }
            }
        }
    }
    let replayed = |(id, (_, events, placed)): (ChatId, (_, Vec<Event>, BTreeMap<UserId, Vec<String>>))| Replayed {
        chat: told(id, &events),
        placed: placed.into_iter().map(|(user, digests)| Placed { user: user.to_string(), digests }).collect(),
    };
    Ok(chats.into_iter().map(replayed).collect())
}

fn records(world: &World, number: u32) -> Result<Vec<Record>, String> {
    let at = Topic::Commands.partition(Partition(number));
    let reading = async {
        let end = world.0.log.bounds(&at).await?.end;
        let mut reader = world.0.log.reader(&at, Offset(0)).await?;
        let mut records: Vec<Record> = Vec::new();
        while records.len() < end.0 as usize {
            records.extend(reader.next(READ_BYTES).await?);
        }
        Ok::<_, chasqui_log::Error>(records)
    };
    reading.now_or_never().and_then(Result::ok).ok_or_else(|| "commands can be read".to_owned())
}

/// What every user is served, by any gateway.
fn everything(world: &World) -> Result<Vec<Served>, String> {
    let listener = world.0.network.listeners().pop().ok_or("a gateway listens at the end")?;
    let answer: Arc<Mutex<Option<Result<Vec<Served>, String>>>> = Arc::default();
    let (users, to) = (world.0.users.clone(), answer.clone());
    let asking = async move {
        let mut all = Vec::new();
        for user in users {
            match serve(&listener, &user).await {
                Ok(served) => all.push(served),
                Err(why) => return *to.lock() = Some(Err(why)),
            }
        }
        *to.lock() = Some(Ok(all));
    };
    world.0.scheduler.spawn(WORLD, asking);
    let until = world.0.scheduler.now() + PATIENCE;
    while world.0.scheduler.now() < until && answer.lock().is_none() {
        let next = world.0.scheduler.now() + Duration::from_millis(1);
        world.0.scheduler.run_until(next).map_err(|broken| format!("everybody goes on: {broken}"))?;
    }
    answer.lock().take().unwrap_or_else(|| Err("everything is served: there is no answer".to_owned()))
}

async fn serve(listener: &Listener, user: &UserId) -> Result<Served, String> {
    let mut served = Served { user: user.to_string(), chats: Vec::new() };
    let list: Chats = get(listener, user, "/v1/chats?limit=200").await?;
    for item in list.chats {
        let ChatItem { chat, with, last_seq, last_time, unread, members, last_message } = item;
        let mut messages = Vec::new();
        let mut after = Some(Seq(0));
        while let Some(from) = after {
            let page: Messages =
                get(listener, user, &format!("/v1/chats/{chat}/messages?after={from}&limit=200")).await?;
            messages.extend(page.messages.into_iter().map(plain));
            after = page.next;
        }
        served.chats.push(ServedChat {
            chat: chat.to_string(),
            with: with.to_string(),
            last_seq: last_seq.0,
            last_time: last_time.0,
            unread,
            members: members.iter().map(watermarks).collect(),
            last_message: last_message.map(|message| plain(*message)),
            messages,
        });
    }
    Ok(served)
}

async fn get<T: DeserializeOwned>(listener: &Listener, user: &UserId, path: &str) -> Result<T, String> {
    let failed = |why: &dyn std::fmt::Display| format!("everything is served: {path}: {why}");
    let request = Request::get(path).header("authorization", format!("Bearer {}", token(user).0));
    let request = request.body(Body::empty()).map_err(|error| failed(&error))?;
    let answer = listener.gateway.router().oneshot(request).await.map_err(|error| failed(&error))?;
    let status = answer.status();
    let body: Bytes = axum::body::to_bytes(answer.into_body(), READ_BYTES).await.map_err(|error| failed(&error))?;
    if !status.is_success() {
        return Err(failed(&format!("{status} {}", String::from_utf8_lossy(&body))));
    }
    serde_json::from_slice(&body).map_err(|error| failed(&error))
}
