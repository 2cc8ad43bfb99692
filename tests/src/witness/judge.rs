//! Whether the server kept its promises.

use std::collections::{BTreeMap, BTreeSet};

use chasqui_client::Draft;
use chasqui_domain::Seq;
use chasqui_wire::frames::Message;

use super::{History, Ledger, Mail, Outcome};

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a promise was broken: {0}")]
pub struct Violation(pub String);

macro_rules! hold {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(Violation(format!($($why)+)));
        }
    };
}

/// Whether all that had these outcomes is in the histories, which were asked for afterwards. So it must be at any time,
/// however much is under way.
///
/// # Errors
/// The first that is not.
pub fn was_sent(outcomes: &BTreeMap<Mail, Outcome>, ledger: &Ledger, histories: &[History]) -> Result<(), Violation> {
    hold!(ledger.wrong.is_empty(), "{}", ledger.wrong.join("; "));
    for history in histories {
        let there = index(history)?;
        let of_chat = outcomes.iter().filter(|(mail, _)| mail.chat == history.chat);
        for (mail, outcome) in of_chat {
            let found = there.get(mail);
            match outcome {
                Outcome::Sent(seq) => {
                    let Some(found) = found else {
                        return Err(Violation(format!(
                            "{mail:?} was sent as {seq} and {} doesn't find it",
                            history.user
                        )));
                    };
                    hold!(found.seq == *seq, "{mail:?} was sent as {seq} and is {}", found.seq);
                }
                Outcome::Failed(code) => hold!(found.is_none(), "{mail:?} failed as {code:?} and is there"),
            }
        }
        for (mail, message) in there {
            // A message may be there before its sender is told.
            if let Some(draft) = ledger.offered.get(&mail) {
                hold!(says(message, draft), "{mail:?} was {draft:?} and is {message:?}");
            }
        }
    }
    Ok(())
}

/// Whether everything is as it must be once all is settled and read.
///
/// # Errors
/// The first thing that is not.
pub fn judge(ledger: &Ledger, histories: &[History]) -> Result<(), Violation> {
    was_sent(&ledger.outcomes, ledger, histories)?;
    hold!(ledger.is_settled(), "messages have no outcome: {:?}", ledger.open);
    for history in histories {
        for (mail, message) in index(history)? {
            hold!(ledger.offered.contains_key(&mail), "nobody has sent {message:?}");
        }
        views(ledger, history)?;
        watermarks(ledger, history)?;
    }
    Ok(())
}

/// The messages by what their senders call them; seqs are dense, and none is there twice.
fn index(history: &History) -> Result<BTreeMap<Mail, &Message>, Violation> {
    let mut found = BTreeMap::new();
    for (message, seq) in history.messages.iter().zip(1..) {
        hold!(message.seq == Seq(seq), "the history of {} has {} where {seq} should be", history.chat, message.seq);
        let from = (message.from.clone(), message.device.clone());
        let mail = Mail { from, chat: message.chat, id: message.id };
        hold!(message.chat == history.chat, "{mail:?} is in the history of {}", history.chat);
        let twin = found.insert(mail.clone(), message);
        hold!(twin.is_none(), "{mail:?} is in the history twice, as {seq} and as {:?}", twin.map(|twin| twin.seq));
    }
    Ok(found)
}

fn says(message: &Message, draft: &Draft) -> bool {
    message.text == draft.text
        && message.body == draft.body
        && message.reply_to == draft.reply_to
        && message.mentions == draft.mentions
        && message.meta == draft.meta
}

/// Every device of the user was told of every message of the history once, in order.
fn views(ledger: &Ledger, history: &History) -> Result<(), Violation> {
    for (owner, view) in ledger.views.iter().filter(|(owner, _)| owner.0 == history.user) {
        let seen = view.chats.get(&history.chat).map(Vec::as_slice).unwrap_or_default();
        let (has, all) = (seen.len(), history.messages.len());
        hold!(has == all, "{owner:?} was told of {has} messages of {}, which has {all}", history.chat);
        for (seen, message) in seen.iter().zip(&history.messages) {
            let told = seen.message.as_deref().cloned().map(|told| Message { cursor: None, ..told });
            let is_same = match told {
                Some(told) => told == *message,
                // The outcome that the sending device was told, in the place of the message.
                None => seen.mail.from == *owner && seen.mail.id == message.id && message.device == owner.1,
            };
            hold!(seen.seq == message.seq && is_same, "{owner:?} was told {seen:?}, which is {message:?}");
        }
    }
    Ok(())
}

/// The watermarks of the chat are not below any that somebody was told of, and not above the last message.
fn watermarks(ledger: &Ledger, history: &History) -> Result<(), Violation> {
    let Some(item) = &history.item else {
        hold!(history.messages.is_empty(), "{} is not among the chats of {}", history.chat, history.user);
        return Ok(());
    };
    let last = Seq(history.messages.len() as u64);
    hold!(item.last_seq == last, "{} ends at {last} and its summary says {}", history.chat, item.last_seq);
    let mut members = BTreeSet::new();
    for member in &item.members {
        let (delivered, read) = (member.delivered, member.read);
        hold!(read <= delivered && delivered <= last, "the watermarks {member:?} of {} are in disorder", history.chat);
        for (owner, view) in &ledger.views {
            let told = view.receipts.get(&(history.chat, member.user.clone())).copied().unwrap_or_default();
            hold!(told <= (delivered, read), "{owner:?} was told {told:?} of {member:?} in {}", history.chat);
        }
        members.insert(&member.user);
    }
    hold!(members.contains(&history.user), "{} is no member of {}", history.user, history.chat);
    Ok(())
}
