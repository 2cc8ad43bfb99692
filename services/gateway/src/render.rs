//! Entries as frames. An entry is encoded once: other users' copies differ in the cursor alone.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use chasqui_domain::{
    AuthorCounts, Change, ChatId, ContentType, Counter, Day, DeviceId, Entry, Event, EventKind, Position, Profile,
    ProfilePart, Reaction, Refusal, Sealed, Seq, TimeMs, UserId,
};
use chasqui_seal::Context;
use chasqui_wire::{
    Code,
    body::Body,
    cursor::{self, Cursor},
    frames::{
        self, ChangeMade, Changed, Counts, Done, Edit, Failed, Message, MessageCount, OthersReceipt, Receipt, Sent,
        ServerFrame,
    },
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

/// What was sealed in an entry. What couldn't be opened is missing.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    body: Option<Body>,
    title: Option<String>,
    picture: Option<String>,
}

/// Opens what an entry holds; see [`open`].
pub(crate) async fn open_entry(keys: &Keys, entry: &Entry) -> Result<Opened, Arc<Error>> {
    match entry {
        Entry::Message { event: Event { chat, kind: EventKind::Message { sender, body, .. }, .. } } => {
            Ok(Opened { body: open(keys, *chat, sender, body).await?, ..Opened::default() })
        }
        Entry::Changed { event } => open_change(keys, event).await,
        _ => Ok(Opened::default()),
    }
}

/// Opens what a change of a chat says of its title and its picture, of a message or of how one is reacted to; see [`open`].
pub(crate) async fn open_change(keys: &Keys, event: &Event) -> Result<Opened, Arc<Error>> {
    let (by, title, picture) = match &event.kind {
        EventKind::Created { by, title, picture, .. } => (by, Some(title), picture.as_ref()),
        EventKind::Changed { by, change: Change::Describe { title, picture }, .. } => {
            (by, title.as_ref(), picture.as_ref())
        }
        EventKind::Changed { by, change: Change::Edit { body, .. }, .. }
        | EventKind::Changed {
            by, change: Change::React { reaction: Some(Reaction { kind: body, .. }), .. }, ..
        } => {
            return Ok(Opened { body: open(keys, event.chat, by, body).await?, ..Opened::default() });
        }
        _ => return Ok(Opened::default()),
    };
    let title = open_part(keys, event.chat, by, title).await?;
    let picture = open_part(keys, event.chat, by, picture).await?;
    Ok(Opened { body: None, title, picture })
}

/// What a group is called and looks like; see [`open`].
pub(crate) async fn open_profile(
    keys: &Keys,
    chat: ChatId,
    profile: &Profile,
) -> Result<(Option<String>, Option<String>), Arc<Error>> {
    let open = async |part: Option<&ProfilePart>| match part {
        Some(part) => open_part(keys, chat, &part.by, Some(&part.body)).await,
        None => Ok(None),
    };
    let picture = open(profile.picture.as_ref()).await?;
    Ok((open(profile.title.as_ref()).await?, picture.filter(|picture| !picture.is_empty())))
}

async fn open_part(
    keys: &Keys,
    chat: ChatId,
    by: &UserId,
    part: Option<&Sealed>,
) -> Result<Option<String>, Arc<Error>> {
    let Some(part) = part else { return Ok(None) };
    Ok(open(keys, chat, by, part).await?.and_then(|body| body.text))
}

/// A change of a chat as it is shown, without a cursor; none when the event is none.
pub(crate) fn changed(event: Event, opened: Opened) -> Option<Changed> {
    let Event { chat, time, kind, .. } = event;
    let Opened { title, picture, body } = opened;
    let (by, device, id, after, change) = match kind {
        EventKind::Created { by, device, counter, members: users, .. } => {
            (by, device, counter, Seq(0), ChangeMade::Created { users, title, picture })
        }
        EventKind::Changed { by, device, counter, after, change } => {
            let change = match change {
                Change::Add { users } => ChangeMade::Add { users },
                Change::Remove { user } => ChangeMade::Remove { user },
                Change::Leave => ChangeMade::Leave {},
                Change::SetRole { user, role } => ChangeMade::Role { user, role },
                Change::Describe { .. } => ChangeMade::Describe { title, picture },
                Change::Edit { message, body: sealed } => {
                    ChangeMade::Edit(Box::new(edit(message.seq, sealed.content_type, body.unwrap_or_default())))
                }
                Change::Delete { message } => ChangeMade::Delete { seq: message.seq },
                Change::React { message, .. } => {
                    ChangeMade::React { seq: message.seq, reaction: body.and_then(|body| body.text) }
                }
                Change::Pin { message } => ChangeMade::Pin { seq: message.seq },
                Change::Unpin { message } => ChangeMade::Unpin { seq: message.seq },
            };
            (by, device, counter, after, change)
        }
        _ => return None,
    };
    Some(Changed { cursor: None, chat, time, after, by, device, id, change })
}

fn edit(seq: Seq, content_type: ContentType, body: Body) -> Edit {
    Edit {
        seq,
        text: body.text,
        content_type: Some(content_type),
        body: body.data,
        reply_to: body.reply_to,
        mentions: body.mentions,
        meta: meta(body.meta.as_deref()),
    }
}

/// What the app put beside a message.
fn meta(text: Option<&str>) -> Option<serde_json::Value> {
    text.and_then(|text| serde_json::from_str(text).ok())
}

/// What an author is told of the others in a group.
pub(crate) fn counts(chat: ChatId, counts: &AuthorCounts) -> ServerFrame {
    let count =
        |it: &chasqui_domain::MessageCount| MessageCount { seq: it.seq, delivered: it.delivered, read: it.read };
    ServerFrame::Counts(Counts {
        chat,
        others: OthersReceipt { count: counts.others, delivered: counts.delivered, read: counts.read },
        messages: counts.messages.iter().map(count).collect(),
    })
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
        meta: meta(body.meta.as_deref()),
        edited: None,
        deleted: None,
        reactions: Vec::new(),
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
    /// For nobody: it has no place in an inbox.
    Nothing,
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
    Done { time: TimeMs, repeated: bool },
    Refused(Refusal),
}

impl Rendered {
    /// Takes an entry, where and when it was placed, and what [`open_entry`] gave.
    pub(crate) fn new(position: Position, day: Day, entry: Entry, opened: Opened) -> Self {
        let kept = entry.is_kept();
        Self { position, day, kept, shape: Shape::of(entry, opened), made: None }
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
                    ServerFrame::Changed(changed) => changed.cursor = Some(cursor.clone()),
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
    fn of(entry: Entry, opened: Opened) -> Self {
        match entry {
            Entry::Message { event } => {
                let (chat, time) = (event.chat, event.time);
                // The domain has no other event in this entry, and the decoder takes no other.
                let Some(message) = message(event, opened.body) else {
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
            Entry::Changed { event } => {
                // Likewise.
                let Some(changed) = changed(event, opened) else {
                    return Self::Shared(ServerFrame::Error(Code::ServerError.into()), None);
                };
                let outcome = Outcome {
                    sender: Some(changed.by.clone()),
                    device: changed.device.clone(),
                    chat: changed.chat,
                    counter: Some(changed.id),
                    what: What::Done { time: changed.time, repeated: false },
                };
                Self::Shared(ServerFrame::Changed(Box::new(changed)), Some(outcome))
            }
            Entry::Done { chat, device, counter, time } => Self::One(Outcome {
                sender: None,
                device,
                chat,
                counter: Some(counter),
                what: What::Done { time, repeated: true },
            }),
            Entry::Counts(_) => Self::Nothing,
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
            (What::Done { time, repeated }, Some(id)) => {
                ServerFrame::Done(Done { cursor, chat: self.chat, id, time: *time, repeated: *repeated })
            }
            (What::Sent { .. } | What::Done { .. }, None) => ServerFrame::Error(Code::ServerError.into()),
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
