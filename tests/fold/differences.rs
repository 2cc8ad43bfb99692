//! Compares what the server has written with what the commands give, byte for byte.

use std::collections::BTreeMap;

use bytes::Bytes;
use chasqui_domain::{Chat, ChatId, Event, EventKind, Offset, Source, UserId, Version};
use chasqui_log::Topic;
use chasqui_store::{EventQuery, EventRow, MemberRow, READ_ROWS_MAX, Stream};
use chasqui_wire::{
    entry, event,
    member::{self, ChatMember},
    summary::{self, ChatSummary},
};

use crate::{
    commands::{Fold, chat_of},
    recorded::Recorded,
};

pub(crate) async fn all(recorded: &Recorded, fold: &Fold) -> anyhow::Result<Vec<String>> {
    let mut differences = Vec::new();
    for (id, chat) in &fold.chats {
        let events = fold.events.get(id).map(Vec::as_slice).unwrap_or_default();
        for stream in Stream::ALL {
            differences.extend(rows(recorded, *id, stream, events).await?);
        }
        differences.extend(shown(recorded, chat, events).await?);
    }
    differences.extend(published(recorded, fold).await?);
    for user in fold.users() {
        differences.extend(inbox(recorded, fold, user).await?);
    }
    Ok(differences)
}

/// The rows of a chat's stream.
async fn rows(
    recorded: &Recorded,
    chat: ChatId,
    stream: Stream,
    events: &[(Event, Source)],
) -> anyhow::Result<Option<String>> {
    let mut expected = Vec::new();
    for (event, source) in events.iter().filter(|(event, _)| stream_of(event) == stream) {
        let (envelope, body) = event::encode_envelope(event, source)?;
        expected.push(EventRow { chat, stream, version: event.version, source: *source, envelope, body });
    }
    let mut found: Vec<EventRow> = Vec::new();
    loop {
        let from = found.last().map_or(Version(0), |last| last.version.next());
        let versions = from..Version(u64::MAX);
        let query = EventQuery { chat, stream, versions, descending: false, rows_max: READ_ROWS_MAX };
        let page = recorded.store.events(&query).await?;
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    let what = format!("the {stream:?} rows of {chat}");
    Ok(differ(&what, &expected, &found, |row| format!("version {} of {:?}", row.version, row.source)))
}

fn stream_of(event: &Event) -> Stream {
    match event.kind {
        EventKind::Opened { .. } | EventKind::Message { .. } => Stream::Content,
        EventKind::Delivered { .. } | EventKind::Read { .. } => Stream::Receipts,
        EventKind::Created { .. } | EventKind::Changed { .. } => Stream::Changes,
    }
}

/// What is shown of a chat: of its members as they are now, and of the rest as of the last event that is no receipt.
async fn shown(recorded: &Recorded, chat: &Chat, events: &[(Event, Source)]) -> anyhow::Result<Vec<String>> {
    let mut differences = Vec::new();
    let mut expected = Vec::new();
    for member in &chat.members {
        let state = member::encode(&ChatMember::from(member))?;
        expected.push(MemberRow { user: member.user.clone(), state });
    }
    let mut found: Vec<MemberRow> = Vec::new();
    loop {
        let page = recorded.store.members(chat.id, found.last().map(|last| &last.user), READ_ROWS_MAX).await?;
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    let what = format!("the members of {}", chat.id);
    differences
        .extend(differ(&what, &expected, &found, |row| format!("{} {:?}", row.user, member::decode(&row.state))));
    if let Some(first) = chat.members.first() {
        let mut then = Chat::new(chat.id);
        let behind = events.iter().rposition(|(event, _)| !event.kind.is_receipt()).map_or(0, |last| last + 1);
        events[..behind].iter().try_for_each(|(event, _)| then.apply(event))?;
        let expected = summary::encode(&ChatSummary::from(&then))?;
        let found = recorded.store.chats(&[chat.id], &first.user).await?.remove(0).map(|row| row.summary);
        if found.as_ref() != Some(&expected) {
            let found = found.map(|bytes| summary::decode(&bytes));
            differences.push(format!("the summary of {} is {found:?}", chat.id));
        }
    }
    Ok(differences)
}

/// The topic of events: each event is there, in order, and whatever is there again is the same bytes.
async fn published(recorded: &Recorded, fold: &Fold) -> anyhow::Result<Vec<String>> {
    let mut differences = Vec::new();
    let mut published: BTreeMap<ChatId, usize> = BTreeMap::new();
    for partition in recorded.partitions_of_chats() {
        for record in recorded.records(&Topic::Events, partition).await? {
            let (event, _) = event::decode(&record.value)?;
            let number = usize::try_from(event.version.0).unwrap_or_default();
            let done = published.entry(event.chat).or_default();
            let events = fold.events.get(&event.chat).map(Vec::as_slice).unwrap_or_default();
            let expected = events.get(number.wrapping_sub(1)).map(|(event, source)| event::encode(event, source));
            let is_same = expected.transpose()?.is_some_and(|expected| expected == record.value);
            if !is_same || number > *done + 1 {
                let (chat, offset) = (event.chat, record.offset);
                differences.push(format!("event {number} of {chat}, at {offset} of {partition}, behind {done}"));
            }
            *done = number.max(*done);
        }
    }
    for (chat, events) in &fold.events {
        let done = published.get(chat).copied().unwrap_or_default();
        if done != events.len() {
            differences.push(format!("{done} of the {} events of {chat} are published", events.len()));
        }
    }
    Ok(differences)
}

/// A user's inbox. Between chats its order is not given by the commands.
async fn inbox(recorded: &Recorded, fold: &Fold, user: &UserId) -> anyhow::Result<Vec<String>> {
    let mut found: BTreeMap<ChatId, Vec<Bytes>> = BTreeMap::new();
    let mut from = Offset(0);
    loop {
        let page = recorded.store.inbox(user, recorded.log.id(), from..Offset(u64::MAX), READ_ROWS_MAX).await?;
        let Some(last) = page.last() else { break };
        from = last.position.offset.next();
        for row in page {
            found.entry(chat_of(&entry::decode(&row.entry)?)).or_default().push(row.entry);
        }
    }
    let expected = fold.inboxes.get(user).cloned().unwrap_or_default();
    let mut differences = Vec::new();
    for chat in expected.keys().chain(found.keys().filter(|chat| !expected.contains_key(chat))) {
        let of = |all: &BTreeMap<ChatId, Vec<Bytes>>| all.get(chat).cloned().unwrap_or_default();
        let what = format!("the inbox of {user} from {chat}");
        let tell = |bytes: &Bytes| match entry::decode(bytes) {
            Ok(entry) => format!("{entry:?}"),
            Err(error) => error.to_string(),
        };
        differences.extend(differ(&what, &of(&expected), &of(&found), tell));
    }
    Ok(differences)
}

/// Says where two lists part.
fn differ<T: PartialEq>(what: &str, expected: &[T], found: &[T], tell: impl Fn(&T) -> String) -> Option<String> {
    if expected == found {
        return None;
    }
    let alike = expected.iter().zip(found).take_while(|(expected, found)| expected == found).count();
    let tell = |all: &[T]| all.get(alike).map_or_else(|| "nothing".to_owned(), &tell);
    Some(format!(
        "{what}: {} are expected and {} found; behind {alike} alike, expected {}, found {}",
        expected.len(),
        found.len(),
        tell(expected),
        tell(found),
    ))
}
