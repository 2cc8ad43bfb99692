//! Entries as frames. An entry is encoded once: other users' copies differ in the cursor alone.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use chasqui_domain::{
    ChatId, Counter, Day, DeviceId, Entry, Event, EventKind, Position, Refusal, Sealed, Seq, TimeMs, UserId,
};
use chasqui_seal::Context;
use chasqui_wire::{
    Code,
    body::Body,
    cursor::{self, Cursor},
    frames::{self, Failed, Message, Receipt, Sent, ServerFrame},
};

use crate::{
    keys::{Error, Keys},
    queue::Delivery,
};

/// Opens a message's body. None when nothing can open it: its key is gone, or it is damaged.
///
/// # Errors
/// When the key can't be read, or not with this master key: that is for somebody to mend, and nothing to be shown as
/// an empty message meanwhile.
pub(crate) async fn open(
    keys: &Keys,
    chat: ChatId,
    sender: &UserId,
    body: &Sealed,
) -> Result<Option<Body>, Arc<Error>> {
    let key = match keys.for_opening(chat, body.epoch).await {
        Ok(key) => key,
        Err(error) if matches!(*error, Error::Absent) => {
            tracing::error!(%chat, epoch = body.epoch.0, %error, "a body can't be opened");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let context = Context { chat: &chat, sender, epoch: body.epoch };
    let opened = key.open(&body.bytes, &context).map_err(|error| error.to_string());
    match opened.and_then(|bytes| Body::decode(&bytes).map_err(|error| error.to_string())) {
        Ok(body) => Ok(Some(body)),
        Err(error) => {
            tracing::error!(%chat, epoch = body.epoch.0, error, "a body can't be opened");
            Ok(None)
        }
    }
}

/// Opens what an entry holds; see [`open`].
pub(crate) async fn open_entry(keys: &Keys, entry: &Entry) -> Result<Option<Body>, Arc<Error>> {
    match entry {
        Entry::Message { event: Event { chat, kind: EventKind::Message { sender, body, .. }, .. } } => {
            open(keys, *chat, sender, body).await
        }
        _ => Ok(None),
    }
}

/// A message as it is shown, without a cursor; none when the event is no message. Without a body it shows that there
/// is one and not what it says.
pub(crate) fn message(event: Event, body: Option<Body>) -> Option<Message> {
    let EventKind::Message { seq, sender, device, counter, body: sealed } = event.kind else { return None };
    let body = body.unwrap_or_default();
    Some(Message {
        cursor: None,
        chat: event.chat,
        seq,
        time: event.time,
        from: sender,
        device,
        id: counter,
        content_type: sealed.content_type,
        text: body.text,
        body: body.data,
        reply_to: body.reply_to,
        mentions: body.mentions,
        meta: body.meta.and_then(|meta| serde_json::from_str(&meta).ok()),
    })
}

/// An entry that is being written to sessions.
pub(crate) struct Rendered {
    position: Position,
    day: Day,
    kept: bool,
    shape: Shape,
    /// The shared frame as it was made last, and whose cursor is in it.
    made: Option<(UserId, String, Utf8Bytes)>,
}

enum Shape {
    /// The same for all, but for the device that sent it, which gets the other one.
    Shared(ServerFrame, Option<Outcome>),
    /// For one device.
    One(Outcome),
}

/// What one device gets.
struct Outcome {
    /// The user of the device, where the entry may reach others.
    sender: Option<UserId>,
    device: DeviceId,
    chat: ChatId,
    counter: Option<Counter>,
    what: What,
}

enum What {
    Sent { seq: Seq, time: TimeMs, repeated: bool },
    Refused(Refusal),
}

impl Rendered {
    /// Takes an entry, where and when it was placed, and what [`open_entry`] gave.
    pub(crate) fn new(position: Position, day: Day, entry: Entry, body: Option<Body>) -> Self {
        let kept = entry.is_kept();
        Self { position, day, kept, shape: Shape::of(entry, body), made: None }
    }

    /// The entry for a session.
    pub(crate) fn delivery(&mut self, user: &UserId, device: &DeviceId) -> Delivery {
        let (frame, settles) = match self.outcome_for(user, device) {
            Some(outcome) => {
                let settles = outcome.counter.map(|counter| (outcome.chat, counter));
                (text(&outcome.frame(self.cursor(user))), settles)
            }
            None => (self.shared(user), None),
        };
        // That one's own watermarks rose is news for other devices, and no hurry: the app that raised them knows.
        let may_wait = matches!(&self.shape, Shape::Shared(ServerFrame::Receipt(receipt), _) if receipt.user == *user);
        Delivery { offset: self.position.offset, day: self.day, kept: self.kept, frame, may_wait, settles }
    }

    fn outcome_for(&self, user: &UserId, device: &DeviceId) -> Option<&Outcome> {
        let (Shape::One(outcome) | Shape::Shared(_, Some(outcome))) = &self.shape else { return None };
        let is_its = outcome.device == *device && outcome.sender.as_ref().is_none_or(|sender| sender == user);
        is_its.then_some(outcome)
    }

    fn cursor(&self, user: &UserId) -> String {
        let position = Position { offset: self.position.offset.next(), ..self.position };
        cursor::encode(user, &Cursor { position, day: self.day })
    }

    fn shared(&mut self, user: &UserId) -> Option<Utf8Bytes> {
        if let Some((of, _, frame)) = &self.made
            && of == user
        {
            return Some(frame.clone());
        }
        let cursor = self.cursor(user);
        let Shape::Shared(frame, _) = &mut self.shape else { return None };
        let made = match &self.made {
            // The cursor is the first field, so the first match is the cursor.
            Some((_, other, made)) => Some(Utf8Bytes::from(made.as_str().replacen(other.as_str(), &cursor, 1))),
            None => {
                match frame {
                    ServerFrame::Message(message) => message.cursor = Some(cursor.clone()),
                    ServerFrame::Receipt(receipt) => receipt.cursor = Some(cursor.clone()),
                    _ => {}
                }
                text(frame)
            }
        }?;
        self.made = Some((user.clone(), cursor, made.clone()));
        Some(made)
    }
}

impl Shape {
    fn of(entry: Entry, body: Option<Body>) -> Self {
        match entry {
            Entry::Message { event } => {
                let (chat, time) = (event.chat, event.time);
                // The domain has no other event in this entry, and the decoder takes no other.
                let Some(message) = message(event, body) else {
                    return Self::Shared(ServerFrame::Error(Code::ServerError.into()), None);
                };
                let outcome = Outcome {
                    sender: Some(message.from.clone()),
                    device: message.device.clone(),
                    chat,
                    counter: Some(message.id),
                    what: What::Sent { seq: message.seq, time, repeated: false },
                };
                Self::Shared(ServerFrame::Message(Box::new(message)), Some(outcome))
            }
            Entry::Repeated { chat, device, counter, seq, time } => Self::One(Outcome {
                sender: None,
                device,
                chat,
                counter: Some(counter),
                what: What::Sent { seq, time, repeated: true },
            }),
            Entry::Refused { chat, device, counter, refusal } => {
                Self::One(Outcome { sender: None, device, chat, counter, what: What::Refused(refusal) })
            }
            Entry::Receipt { chat, time, member, delivered, read, .. } => {
                let receipt = Receipt { cursor: None, chat, user: member, delivered, read, time };
                Self::Shared(ServerFrame::Receipt(receipt), None)
            }
        }
    }
}

impl Outcome {
    fn frame(&self, cursor: String) -> ServerFrame {
        match (&self.what, self.counter) {
            (What::Sent { seq, time, repeated }, Some(id)) => {
                ServerFrame::Sent(Sent { cursor, chat: self.chat, id, seq: *seq, time: *time, repeated: *repeated })
            }
            (What::Sent { .. }, None) => ServerFrame::Error(Code::ServerError.into()),
            (What::Refused(refusal), id) => {
                let code = Code::from(*refusal);
                let epoch = match refusal {
                    Refusal::StaleEpoch { current } => Some(*current),
                    _ => None,
                };
                ServerFrame::Failed(Box::new(Failed {
                    cursor: Some(cursor),
                    chat: Some(self.chat),
                    to: None,
                    id,
                    code,
                    retry: code.retry(),
                    retry_in_ms: None,
                    message: code.meaning().to_owned(),
                    epoch,
                }))
            }
        }
    }
}

/// Writes a frame. One that can't be written is a bug, and not worth a session.
pub(crate) fn text(frame: &ServerFrame) -> Option<Utf8Bytes> {
    frames::to_text(frame)
        .inspect_err(|error| tracing::error!(%error, "a frame can't be written"))
        .ok()
        .map(Utf8Bytes::from)
}

#[cfg(test)]
mod tests;
