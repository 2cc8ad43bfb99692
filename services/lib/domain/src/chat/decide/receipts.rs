//! Deciding receipts.

use super::Asked;
use crate::{
    chat::counts::Crowd,
    event::{Decision, Effect, Entry, EventKind, Refusal},
    ids::Seq,
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Watermark {
    Delivered,
    Read,
}

impl Asked<'_> {
    /// In a direct chat both are told whose watermarks rose. In a group that one is, and the authors of the messages
    /// concerned learn how many have them.
    pub(super) fn receipt(&self, seq: Seq, watermark: Watermark) -> Result<Decision, Refusal> {
        let chat = self.chat;
        let member = chat.member(&self.command.sender).ok_or(Refusal::NotAMember)?;
        if seq > chat.last_seq {
            return Err(Refusal::SeqAhead);
        }
        let (user, delivered) = (member.user.clone(), member.delivered.max(seq));
        let read = match watermark {
            Watermark::Delivered => member.read,
            Watermark::Read => member.read.max(seq),
        };
        if (delivered, read) == (member.delivered, member.read) {
            return Ok(Decision::default());
        }
        let kind = match watermark {
            Watermark::Delivered => EventKind::Delivered { member: user.clone(), seq },
            Watermark::Read => EventKind::Read { member: user.clone(), seq },
        };
        let event = self.event(1, kind);
        let entry = Entry::Receipt {
            chat: chat.id,
            version: event.version,
            time: event.time,
            member: user.clone(),
            delivered,
            read,
        };
        if !chat.id.is_group() {
            let told = Effect::Place { recipients: self.members(), entry };
            return Ok(Decision { events: vec![event], effects: vec![told] });
        }
        let above = if read > member.read { member.read } else { member.delivered };
        let mut crowd = Crowd::of(chat);
        crowd.raise(&user, delivered, read);
        let counts = crowd.told(event.version, &user, above, seq);
        let effects = [Effect::Place { recipients: vec![user], entry }].into_iter().chain(counts).collect();
        Ok(Decision { events: vec![event], effects })
    }
}
