//! Nobody is told that a user has a message before a device of that user was shown it, or that they have read it before
//! they opened it.
//!
//! A user's own messages are delivered to nobody: what counts are those of others, and what was opened. It can be judged
//! where the order over all devices is known.

use std::collections::BTreeMap;

use crate::{Evidence, Line, Watermarks};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    if !evidence.is_order_whole() {
        let (told, lines) = (evidence.order.len(), evidence.lines().count());
        return vec![format!("the order of {told} lines is not one of the {lines} that there are")];
    }
    // By chat and user.
    let mut shown: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut opened: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut broken = Vec::new();
    for (transcript, line) in evidence.in_order() {
        let user = transcript.user.as_str();
        let (chat, told) = match line {
            Line::Message(message) if message.from != user => {
                raise(&mut shown, (&message.chat, user), message.seq);
                continue;
            }
            Line::Reading { chat, seq } => {
                raise(&mut opened, (chat, user), *seq);
                continue;
            }
            Line::Receipt { chat, watermarks } => (chat.as_str(), std::slice::from_ref(watermarks)),
            Line::Receipts { chat, members, .. } => (chat.as_str(), members.as_slice()),
            _ => continue,
        };
        for watermarks in told {
            let Watermarks { user: of, delivered, read } = watermarks;
            let up_to = |of_all: &BTreeMap<_, u64>| of_all.get(&(chat, of.as_str())).copied().unwrap_or_default();
            let (shown, opened) = (up_to(&shown), up_to(&opened));
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

fn raise<'a>(all: &mut BTreeMap<(&'a str, &'a str), u64>, of: (&'a str, &'a str), to: u64) {
    let seq = all.entry(of).or_default();
    *seq = to.max(*seq);
}
