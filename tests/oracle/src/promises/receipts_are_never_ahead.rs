//! Nobody is told that a user has a message before a device of that user was shown it, or that they have read it before
//! they opened it.
//!
//! A user's own messages are delivered to nobody: what counts are those of others, and what was opened. It can be judged
//! where the order over all devices is known.

use crate::{Evidence, Line, Watermarks, highest::Highest};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    if !evidence.is_order_whole() {
        let (told, lines) = (evidence.order.len(), evidence.lines().count());
        return vec![format!("the order of {told} lines is not one of the {lines} that there are")];
    }
    // By chat and user.
    let mut shown: Highest<(&str, &str)> = Highest::new();
    let mut opened: Highest<(&str, &str)> = Highest::new();
    let mut broken = Vec::new();
    for (transcript, line) in evidence.in_order() {
        let user = transcript.user.as_str();
        let (chat, told) = match line {
            Line::Message(message) if message.from != user => {
                shown.raise((&message.chat, user), message.seq);
                continue;
            }
            Line::Reading { chat, seq } => {
                opened.raise((chat, user), *seq);
                continue;
            }
            Line::Receipt { chat, watermarks } => (chat.as_str(), std::slice::from_ref(watermarks)),
            Line::Receipts { chat, members, .. } => (chat.as_str(), members.as_slice()),
            _ => continue,
        };
        for watermarks in told {
            let Watermarks { user: of, delivered, read } = watermarks;
            let (shown, opened) = (shown.of(&(chat, of)), opened.of(&(chat, of)));
            if *delivered > shown.max(opened) || *read > opened {
                let device = &transcript.device;
                broken.push(format!(
                    "device {device} of {user} was told {watermarks:?} in {chat} when {of} was shown {shown} and had \
                     opened {opened}"
                ));
            }
        }
    }
    broken
}
