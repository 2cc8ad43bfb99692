//! Deciding messages.

use super::{Asked, check_counter};
use crate::{
    command::Send,
    event::{Decision, Effect, Entry, EventKind, Refusal},
    ids::{ChatId, Version},
};

impl Asked<'_> {
    pub(super) fn send(&self, send: &Send) -> Result<Decision, Refusal> {
        let (chat, sender) = (self.chat, &self.command.sender);
        match &send.peer {
            Some(peer) if sender != peer && ChatId::direct(sender, peer) == chat.id => {}
            None if chat.id.is_group() && chat.member(sender).is_some() => {}
            None if chat.id.is_group() => return Err(Refusal::NotAMember),
            _ => return Err(Refusal::WrongChat),
        }
        check_counter(send.counter)?;
        if !send.allowed {
            return Err(Refusal::NotAllowed);
        }
        if send.body.bytes.len() > self.command.rules.body_bytes_max as usize {
            return Err(Refusal::BodyTooLarge);
        }
        if send.body.epoch != chat.epoch {
            return Err(Refusal::StaleEpoch { current: chat.epoch });
        }
        Ok(self.write(send))
    }

    fn write(&self, send: &Send) -> Decision {
        let (chat, sender) = (self.chat, &self.command.sender);
        let mut events = Vec::with_capacity(2);
        let mut recipients = self.members();
        // The first message of two users opens their chat.
        if let Some(peer) = send.peer.as_ref().filter(|_| chat.version == Version(0)) {
            recipients = vec![sender.clone(), peer.clone()];
            recipients.sort();
            events.push(self.event(1, EventKind::Opened { members: recipients.clone() }));
        }
        let message = EventKind::Message {
            seq: chat.last_seq.next(),
            sender: sender.clone(),
            device: self.command.device.clone(),
            counter: send.counter,
            body: send.body.clone(),
        };
        let message = self.event(events.len() + 1, message);
        events.push(message.clone());
        Decision { events, effects: vec![Effect::Place { recipients, entry: Entry::Message { event: message } }] }
    }
}
