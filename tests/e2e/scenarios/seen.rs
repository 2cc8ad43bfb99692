//! Compares what a device sees with what it must see.

use std::collections::BTreeMap;

use anyhow::{bail, ensure};
use chasqui_client::{End, Update};
use chasqui_domain::{ChatId, UserId};
use chasqui_wire::frames::{Message, NotResumed};

use crate::format::{Device, MessageSeen, Seen};

/// What the messages are called, by device, chat and id.
pub(crate) type Names = BTreeMap<(Device, String, u64), String>;

/// The chat of two users.
pub(crate) fn chat_of(user: &str, with: &str) -> anyhow::Result<ChatId> {
    Ok(ChatId::direct(&UserId::new(user)?, &UserId::new(with)?))
}

/// Whether a device sees what it must.
pub(crate) fn compare(device: &Device, names: &Names, wanted: &Seen, update: &Update) -> anyhow::Result<()> {
    let seen = match update {
        Update::Message(message) => {
            let Seen::Message(wanted) = wanted else { bail!("it sees {message:?}") };
            return compare_message(wanted, message);
        }
        Update::Connected { resumed, not_resumed, .. } => {
            Seen::Connected { resumed: *resumed, not_resumed: not_resumed.map(|why| reason(why).to_owned()) }
        }
        Update::Disconnected { code, .. } => Seen::Disconnected { code: code.map(|code| code.as_str().to_owned()) },
        Update::CaughtUp => Seen::CaughtUp,
        Update::Sent { sent, .. } => {
            let name = names.get(&(device.clone(), sent.chat.to_string(), sent.id.0));
            Seen::Sent { of: name.cloned().unwrap_or_default(), seq: sent.seq.0 }
        }
        Update::Failed(failed) => {
            let chat = failed.chat.map(|chat| chat.to_string()).unwrap_or_default();
            let name = failed.id.and_then(|id| names.get(&(device.clone(), chat.clone(), id.0)));
            let with = if let Seen::Failed { with: Some(with), .. } = wanted { Some(with) } else { None };
            let with = with.filter(|with| chat_of(&device.user, with).is_ok_and(|it| it.to_string() == chat));
            Seen::Failed { of: name.cloned(), with: with.cloned(), code: failed.code.as_str().to_owned() }
        }
        Update::TokenExpires { .. } => Seen::TokenExpires,
        Update::Renewed { .. } => Seen::Renewed,
        Update::NotRenewed(code) => Seen::NotRenewed { code: code.as_str().to_owned() },
        Update::Ended(End::Refused(code)) => Seen::Ended { code: code.as_str().to_owned() },
        other => bail!("it sees {other:?}"),
    };
    ensure!(*wanted == seen, "it sees {seen:?}");
    Ok(())
}

/// Whether a message is as it must be.
pub(crate) fn compare_message(wanted: &MessageSeen, message: &Message) -> anyhow::Result<()> {
    let MessageSeen { seq, from, device, text, reply_to, mentions, meta } = wanted;
    let says = |wanted: &Option<String>, seen: &str| wanted.as_ref().is_none_or(|wanted| wanted == seen);
    let is_same = *seq == message.seq.0
        && says(from, message.from.as_str())
        && says(device, message.device.as_str())
        && (text.is_none() || *text == message.text)
        && (reply_to.is_none() || *reply_to == message.reply_to.map(|seq| seq.0))
        && (meta.is_none() || *meta == message.meta)
        && mentions.as_ref().is_none_or(|it| message.mentions.iter().map(UserId::as_str).eq(it.iter().map(|it| &**it)));
    ensure!(is_same, "it sees {message:?}");
    Ok(())
}

fn reason(why: NotResumed) -> &'static str {
    match why {
        NotResumed::NoCursor => "no_cursor",
        NotResumed::TooOld => "too_old",
        NotResumed::OtherLog => "other_log",
        NotResumed::OtherUser => "other_user",
        NotResumed::Malformed => "malformed",
        NotResumed::Unknown => "unknown",
    }
}
