//! What a client tells and is told, in the plain words that the oracle judges.

mod groups;
mod said;

use chasqui_client::{Draft, Update};
use chasqui_oracle::{Became, Line, Message, Reaction, Watermarks};
use chasqui_wire::frames::{self, MemberReceipt};

pub use groups::{changed, others, role};
use said::Said;

/// What a device writes down of what its client says.
#[must_use]
pub fn lines(update: Update) -> Vec<Line> {
    if let Some(line) = groups::line(&update) {
        return vec![Line::Group(line)];
    }
    match update {
        Update::Connected { resumed, .. } => vec![Line::Connected { resumed }],
        Update::Disconnected { .. } => vec![Line::Disconnected],
        Update::CaughtUp => vec![Line::CaughtUp],
        Update::Message(message) => vec![Line::Message(plain(*message))],
        Update::Sent { sent, .. } => vec![Line::Sent {
            chat: sent.chat.to_string(),
            id: sent.id.0,
            seq: sent.seq.0,
            time: sent.time.0,
            repeated: sent.repeated,
        }],
        Update::Failed(failed) | Update::Retrying(failed) => vec![Line::Failed {
            chat: failed.chat.map(|chat| chat.to_string()),
            id: failed.id.map(|id| id.0),
            code: failed.code.as_str().to_owned(),
            retry: failed.retry,
        }],
        Update::Delayed { chat, id } => vec![Line::Delayed { chat: chat.to_string(), id: id.0 }],
        Update::Receipt(receipt) => {
            let (delivered, read) = (receipt.delivered.0, receipt.read.0);
            let watermarks = Watermarks { user: receipt.user.to_string(), delivered, read };
            vec![Line::Receipt { chat: receipt.chat.to_string(), watermarks }]
        }
        Update::Receipts(receipts) => vec![Line::Receipts {
            chat: receipts.chat.to_string(),
            last_seq: receipts.last_seq.0,
            unread: receipts.unread,
            members: receipts.members.iter().map(watermarks).collect(),
        }],
        // What is of groups, and what is done to messages, has been told above.
        Update::Changed(_) | Update::Done { .. } | Update::Counts(_) => Vec::new(),
        // No promise is about tokens: those of these tests outlive them.
        Update::TokenExpires { .. } | Update::Renewed { .. } | Update::NotRenewed(_) => Vec::new(),
        // The server never ends a client of these tests for good.
        Update::Ended(end) => {
            vec![Line::Failed { chat: None, id: None, code: format!("the client ended: {end:?}"), retry: false }]
        }
    }
}

/// Where a member is.
#[must_use]
pub fn watermarks(member: &MemberReceipt) -> Watermarks {
    Watermarks { user: member.user.to_string(), delivered: member.delivered.0, read: member.read.0 }
}

/// A message as it is shown, and what has become of it.
#[must_use]
pub fn plain(message: frames::Message) -> Message {
    let text = Said::of_message(&message).to_string();
    Message {
        chat: message.chat.to_string(),
        seq: message.seq.0,
        from: message.from.to_string(),
        device: message.device.to_string(),
        id: message.id.0,
        text,
        time: message.time.0,
        became: Became {
            edited: message.edited.map(|time| time.0),
            deleted: message.deleted.map(|time| time.0),
            reactions: message.reactions.iter().map(reaction).collect(),
        },
    }
}

fn reaction(item: &frames::ReactionItem) -> Reaction {
    // One that can't be opened any more is none that anybody knows.
    let kind = item.reaction.clone().unwrap_or_default();
    Reaction { kind, count: item.count.into(), own: item.own }
}

/// What a draft says, as it is shown in the message that becomes of it.
#[must_use]
pub fn said(draft: &Draft) -> String {
    Said::of_draft(draft).to_string()
}
