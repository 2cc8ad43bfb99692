//! The folded chats in plain words and numbers.

use chasqui_domain::{Chat, Event, EventKind, Member};
use chasqui_oracle::{Became, Message, Watermarks};
use chasqui_tests::folded::FoldedChat;

use crate::{commands::Fold, recorded::Recorded};

/// The chats in which something has happened.
pub(crate) async fn chats(recorded: &Recorded, fold: &Fold) -> anyhow::Result<Vec<FoldedChat>> {
    let mut shown = Vec::new();
    for (id, chat) in &fold.chats {
        let Some(events) = fold.events.get(id) else { continue };
        let events: Vec<Event> = events.iter().map(|(event, _)| event.clone()).collect();
        let texts = recorded.texts(&events).await?;
        shown.push(FoldedChat {
            chat: id.to_string(),
            version: chat.version.0,
            last_seq: chat.last_seq.0,
            last_time: last_time(&events),
            members: members(chat),
            messages: messages(&events, texts),
        });
    }
    shown.sort_by(|one, other| one.chat.cmp(&other.chat));
    Ok(shown)
}

fn members(chat: &Chat) -> Vec<(Watermarks, u64)> {
    let member = |member: &Member| {
        let (user, delivered, read) = (member.user.to_string(), member.delivered.0, member.read.0);
        (Watermarks { user, delivered, read }, chat.unread(member))
    };
    chat.members.iter().map(member).collect()
}

fn messages(events: &[Event], texts: Vec<String>) -> Vec<Message> {
    let mut texts = texts.into_iter();
    let mut messages = Vec::new();
    for event in events {
        let EventKind::Message { seq, sender, device, counter, .. } = &event.kind else { continue };
        messages.push(Message {
            chat: event.chat.to_string(),
            seq: seq.0,
            from: sender.to_string(),
            device: device.to_string(),
            id: counter.0,
            text: texts.next().unwrap_or_default(),
            time: event.time.0,
            became: Became::default(),
        });
    }
    messages
}

/// That of the last event that is no receipt.
fn last_time(events: &[Event]) -> u64 {
    events.iter().rfind(|event| !event.kind.is_receipt()).map_or(0, |event| event.time.0)
}
