//! What a device saw of a chat, found again among the things of that.

use super::{
    Changed, InGroup,
    fold::{GroupFold, Thing, What},
};
use crate::{Line, Message, Transcript};

/// What a line tells of the end of what was asked of a group, or to be done to a message: the chat, the id, and whether
/// it was refused.
pub(crate) fn outcome(line: &Line) -> Option<(&str, u64, bool)> {
    match line {
        Line::Group(InGroup::Sent { chat, id, .. } | InGroup::Done { chat, id, .. }) => Some((chat, *id, false)),
        Line::Group(InGroup::Failed { chat, id: Some(id), retry: false, .. })
        | Line::Failed { chat: Some(chat), id: Some(id), retry: false, .. } => Some((chat, *id, true)),
        _ => None,
    }
}

/// Something that a device saw.
#[derive(Debug)]
pub(crate) enum Seen<'a> {
    /// A thing of the chat, by its index.
    At(usize),
    /// What is not there.
    Nowhere(&'a InGroup),
    /// The client was killed: the next may be what came before.
    Killed,
}

/// What a device saw of a chat, in order.
pub(crate) fn seen<'a>(fold: &GroupFold<'_>, transcript: &'a Transcript) -> Vec<Seen<'a>> {
    let mut all = Vec::new();
    for line in &transcript.lines {
        let line = match line {
            Line::Ended { killed: true } => {
                all.push(Seen::Killed);
                continue;
            }
            // Of messages of direct chats that are not there other promises tell.
            Line::Message(message) if message.chat == fold.chat => {
                all.extend(fold.message(message).map(Seen::At));
                continue;
            }
            Line::Sent { chat, id, seq, time, repeated: false } if chat == fold.chat => {
                all.extend(fold.sent(transcript, *id, (*seq, *time)).map(Seen::At));
                continue;
            }
            Line::Group(line) => line,
            _ => continue,
        };
        let found = match line {
            InGroup::Message(message) if message.chat == fold.chat => fold.message(message),
            InGroup::Changed(changed) if changed.chat == fold.chat => fold.changed(changed),
            InGroup::Sent { chat, id, seq, time, repeated: false } if chat == fold.chat => {
                fold.sent(transcript, *id, (*seq, *time))
            }
            InGroup::Done { chat, id, time, repeated: false } if chat == fold.chat => {
                let is = |thing: &Thing<'_>| {
                    let is_told = thing.seq().is_none() && thing.to.contains(transcript.user.as_str());
                    is_told && thing.time == *time && thing.is_of(transcript, *id)
                };
                fold.things.iter().position(is)
            }
            _ => continue,
        };
        all.push(found.map_or(Seen::Nowhere(line), Seen::At));
    }
    all
}

impl Thing<'_> {
    fn is_of(&self, transcript: &Transcript, id: u64) -> bool {
        (self.by, self.device, self.id) == (&*transcript.user, &*transcript.device, id)
    }
}

impl GroupFold<'_> {
    /// Where a message is, if it is as it is shown.
    pub(crate) fn message(&self, message: &Message) -> Option<usize> {
        let Message { chat: _, seq, from, device, id, text: _, time, became: _ } = message;
        self.things.iter().position(|thing| {
            thing.seq() == Some(*seq)
                && (thing.by, thing.device, thing.id, thing.time) == (&**from, &**device, *id, *time)
        })
    }

    /// Where a message is that a device is told to have sent.
    fn sent(&self, transcript: &Transcript, id: u64, (seq, time): (u64, u64)) -> Option<usize> {
        let is = |thing: &Thing<'_>| thing.seq() == Some(seq) && thing.time == time && thing.is_of(transcript, id);
        self.things.iter().position(is)
    }

    /// Where a change is, if it is as it is shown.
    pub(crate) fn changed(&self, changed: &Changed) -> Option<usize> {
        let Changed { chat: _, time, after, by, device, id, change, says: _ } = changed;
        self.things.iter().position(|thing| {
            thing.what == What::Change { after: *after, change }
                && (thing.by, thing.device, thing.id, thing.time) == (&**by, &**device, *id, *time)
        })
    }
}
