//! What a client asks of a chat on its way into the log.

use std::sync::Arc;

use bytes::Bytes;
use chasqui_auth::WriteTo;
use chasqui_domain::{
    Action, Change, ChatId, ContentType, Counter, Create, Epoch, EventKind, Reaction, Sealed, Send, Seq, Target,
    UserId, Version,
};
use chasqui_log::Pending;
use chasqui_seal::{Context, DataKey};
use chasqui_wire::{
    Code,
    body::Body,
    event,
    frames::{
        ChangeAsked, CreateFrame, Edit, Failed, PICTURE_BYTES_MAX, REACTION_BYTES_MAX, SendFrame, ServerFrame,
        TITLE_BYTES_MAX,
    },
};
use futures::future::try_join_all;

use crate::{
    keys, limits,
    registry::Handle,
    rest::{Refused, found::Found, history::History},
    shared::Shared,
    uplink,
    why::Why,
};

/// What a body holds when the client doesn't say.
const TEXT: &str = "text/plain";

/// Something that a session asks of a chat, and that has an outcome.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) chat: ChatId,
    /// The other user of a direct chat.
    pub(crate) to: Option<UserId>,
    pub(crate) id: Counter,
}

impl Letter {
    /// Tells the sender that there will be no outcome.
    pub(crate) fn failed(self, why: impl Into<Why>) -> ServerFrame {
        failed(Some(self.chat), self.to, Some(self.id), why)
    }
}

/// What is asked.
#[derive(Debug, PartialEq)]
pub(crate) enum Content {
    /// A message.
    Message(ContentType, Body),
    /// A group.
    Group { members: Vec<UserId>, title: String, picture: Option<String> },
    /// What a message is to say.
    Edit(Seq, ContentType, Body),
    /// Any other change.
    Change(ChangeAsked),
}

/// A failure that is in no inbox.
pub(crate) fn failed(
    chat: Option<ChatId>,
    to: Option<UserId>,
    id: Option<Counter>,
    why: impl Into<Why>,
) -> ServerFrame {
    let Why { code, retry_in_ms } = why.into();
    let message = code.meaning().to_owned();
    ServerFrame::Failed(Box::new(Failed {
        cursor: None,
        chat,
        to,
        id,
        code,
        retry: code.retry(),
        retry_in_ms,
        message,
        epoch: None,
    }))
}

/// What a message says, as the client writes it.
struct Said {
    text: Option<String>,
    content_type: Option<ContentType>,
    body: Option<Bytes>,
    reply_to: Option<Seq>,
    mentions: Vec<UserId>,
    meta: Option<serde_json::Value>,
}

/// Checks what a client wants to send.
///
/// # Errors
/// [`Code::BadFrame`] when there is not exactly one of text and body; [`Code::BodyTooLarge`].
pub(crate) fn check_message(frame: SendFrame, body_bytes_max: usize) -> Result<Content, Code> {
    let SendFrame { text, content_type, body, reply_to, mentions, meta, .. } = frame;
    let said = Said { text, content_type, body, reply_to, mentions, meta };
    said.check(body_bytes_max).map(|(content_type, body)| Content::Message(content_type, body))
}

impl Said {
    fn check(self, body_bytes_max: usize) -> Result<(ContentType, Body), Code> {
        let content_type = match (self.content_type, &self.text, &self.body) {
            (Some(content_type), Some(_), None) | (Some(content_type), None, Some(_)) => content_type,
            (None, Some(_), None) => plain_text()?,
            _ => return Err(Code::BadFrame),
        };
        let meta = self.meta.map(|meta| meta.to_string());
        let mentions: usize = self.mentions.iter().map(|it| it.as_str().len() + limits::MENTION_OVERHEAD_BYTES).sum();
        let bytes = self.text.as_ref().map_or(0, String::len)
            + self.body.as_ref().map_or(0, Bytes::len)
            + meta.as_ref().map_or(0, String::len)
            + mentions;
        if bytes > body_bytes_max {
            return Err(Code::BodyTooLarge);
        }
        let Self { text, body: data, reply_to, mentions, .. } = self;
        Ok((content_type, Body { text, data, reply_to, mentions, meta }))
    }
}

/// Checks a group that a client wants.
///
/// # Errors
/// As [`check_change`].
pub(crate) fn check_group(frame: CreateFrame, members_max: usize) -> Result<Content, Code> {
    let CreateFrame { id: _, members, title, picture } = frame;
    check_users(&members, members_max)?;
    check_profile(Some(&title), picture.as_deref())?;
    Ok(Content::Group { members, title, picture })
}

/// Checks a change that a client wants.
///
/// # Errors
/// [`Code::TooManyMembers`]; [`Code::BodyTooLarge`] when the title, the picture, the reaction or the new message is;
/// [`Code::BadFrame`] when the title or the reaction has no characters, or the new message is none.
pub(crate) fn check_change(change: ChangeAsked, members_max: usize, body_bytes_max: usize) -> Result<Content, Code> {
    match &change {
        ChangeAsked::Add { users } => check_users(users, members_max)?,
        ChangeAsked::Describe { title, picture } => check_profile(title.as_deref(), picture.as_deref())?,
        ChangeAsked::React { reaction, .. } => check_text(reaction.as_deref(), REACTION_BYTES_MAX)?,
        ChangeAsked::Edit(_)
        | ChangeAsked::Remove { .. }
        | ChangeAsked::Leave {}
        | ChangeAsked::Role { .. }
        | ChangeAsked::Delete { .. }
        | ChangeAsked::Pin { .. }
        | ChangeAsked::Unpin { .. } => {}
    }
    let ChangeAsked::Edit(edit) = change else { return Ok(Content::Change(change)) };
    let Edit { seq, text, content_type, body, reply_to, mentions, meta } = *edit;
    let (content_type, body) = Said { text, content_type, body, reply_to, mentions, meta }.check(body_bytes_max)?;
    Ok(Content::Edit(seq, content_type, body))
}

/// A record holds no more.
fn check_users(users: &[UserId], members_max: usize) -> Result<(), Code> {
    if users.len() > members_max { Err(Code::TooManyMembers) } else { Ok(()) }
}

fn check_profile(title: Option<&str>, picture: Option<&str>) -> Result<(), Code> {
    if picture.is_some_and(|picture| picture.len() > PICTURE_BYTES_MAX) {
        return Err(Code::BodyTooLarge);
    }
    check_text(title, TITLE_BYTES_MAX)
}

/// What people are to see of it is something.
fn check_text(text: Option<&str>, bytes_max: usize) -> Result<(), Code> {
    match text {
        Some(text) if text.len() > bytes_max => Err(Code::BodyTooLarge),
        Some(text) if text.trim().is_empty() => Err(Code::BadFrame),
        _ => Ok(()),
    }
}

fn plain_text() -> Result<ContentType, Code> {
    ContentType::new(TEXT).map_err(|_| Code::ServerError)
}

/// Judges and seals what is asked and gives it its place in the log's queue.
///
/// # Errors
/// What the sender is told.
pub(crate) async fn submit(
    shared: Arc<Shared>,
    handle: Arc<Handle>,
    letter: Letter,
    write_to: WriteTo,
    content: Content,
) -> (Letter, Result<Pending, Why>) {
    let submitter = Submitter { shared: &shared, handle: &handle, letter: &letter, write_to: &write_to };
    let enqueued = async {
        let action = submitter.action(content).await?;
        let append = shared.uplink.command(letter.chat, &handle.user, &handle.device, action).map_err(wire)?;
        shared.uplink.enqueue(vec![append]).await.map_err(|error| refused(&error).into())
    };
    let enqueued = enqueued.await;
    (letter, enqueued)
}

struct Submitter<'a> {
    shared: &'a Shared,
    handle: &'a Handle,
    letter: &'a Letter,
    write_to: &'a WriteTo,
}

/// The message that something is to be done to.
struct About {
    message: Target,
    /// What is said about it is sealed under the same.
    epoch: Epoch,
}

impl Submitter<'_> {
    async fn action(&self, content: Content) -> Result<Action, Why> {
        let counter = self.letter.id;
        Ok(match content {
            Content::Message(content_type, body) => {
                let allowed = self.may_write_to(self.letter.to.as_slice()).await?;
                // Chats stay in their first epoch until there is deletion.
                let key = self.key(Epoch::FIRST, self.letter.to.is_some()).await?;
                let body = self.seal(&key, Epoch::FIRST, content_type, &body)?;
                Action::Send(Send { peer: self.letter.to.clone(), counter, allowed, body })
            }
            Content::Group { members, title, picture } => {
                let allowed = self.may_write_to(&members).await?;
                // Whoever makes a group makes its keys; a group without one is none that anybody may write to.
                self.key(Epoch::FIRST, true).await?;
                let key = self.key(Epoch::PROFILE, true).await?;
                let seal = |text| self.seal_text(&key, Epoch::PROFILE, text);
                let (title, picture) = (seal(title)?, picture.map(seal).transpose()?);
                Action::Create(Create { counter, members, allowed, title, picture })
            }
            Content::Edit(seq, content_type, body) => {
                let about = self.about(seq).await?;
                let allowed = self.may_write_to(self.letter.to.as_slice()).await?;
                let key = self.key(about.epoch, false).await?;
                let body = self.seal(&key, about.epoch, content_type, &body)?;
                Action::Change { counter, allowed, change: Change::Edit { message: about.message, body } }
            }
            Content::Change(change) => {
                let (allowed, change) = self.change(change).await?;
                Action::Change { counter, allowed, change }
            }
        })
    }

    /// What is asked, and whether the policy allows it.
    async fn change(&self, change: ChangeAsked) -> Result<(bool, Change), Why> {
        Ok(match change {
            ChangeAsked::Add { users } => (self.may_write_to(&users).await?, Change::Add { users }),
            ChangeAsked::Remove { user } => (true, Change::Remove { user }),
            ChangeAsked::Leave {} => (true, Change::Leave),
            ChangeAsked::Role { user, role } => (true, Change::SetRole { user, role }),
            ChangeAsked::Describe { title, picture } => {
                let key = self.key(Epoch::PROFILE, false).await?;
                let seal =
                    |text: Option<String>| text.map(|text| self.seal_text(&key, Epoch::PROFILE, text)).transpose();
                (true, Change::Describe { title: seal(title)?, picture: seal(picture)? })
            }
            ChangeAsked::Delete { seq } => (true, Change::Delete { message: self.about(seq).await?.message }),
            ChangeAsked::React { seq, reaction } => {
                let about = self.about(seq).await?;
                let allowed = self.may_write_to(self.letter.to.as_slice()).await?;
                let reaction = match reaction {
                    Some(reaction) => Some(self.reaction(&about, reaction).await?),
                    None => None,
                };
                (allowed, Change::React { message: about.message, reaction })
            }
            ChangeAsked::Pin { seq } => {
                let about = self.about(seq).await?;
                (self.may_write_to(self.letter.to.as_slice()).await?, Change::Pin { message: about.message })
            }
            ChangeAsked::Unpin { seq } => {
                let about = self.about(seq).await?;
                (self.may_write_to(self.letter.to.as_slice()).await?, Change::Unpin { message: about.message })
            }
            // It has content that was checked apart.
            ChangeAsked::Edit(_) => return Err(Code::BadFrame.into()),
        })
    }

    /// The message that something is to be done to. Where the user sees none, the sequencer gets to say so: it may have done before
    /// what is asked once more.
    async fn about(&self, seq: Seq) -> Result<About, Why> {
        let nothing = About { message: Target { seq, version: Version(0) }, epoch: Epoch::FIRST };
        let found = match Found::one(&*self.shared.store, &self.handle.user, self.letter.chat).await {
            Ok(found) => found,
            Err(Refused(Code::NotAMember)) => return Ok(nothing),
            Err(Refused(code)) => return Err(code.into()),
        };
        let row = History::of(&*self.shared.store, &found).message(seq).await.map_err(|Refused(code)| code)?;
        let Some(row) = row else { return Ok(nothing) };
        let (event, _) = event::decode_row(&row.envelope, row.body.as_ref()).map_err(wire)?;
        let EventKind::Message { body, .. } = &event.kind else { return Ok(nothing) };
        let message = Target { seq, version: event.version };
        Ok(About { message, epoch: body.epoch })
    }

    async fn reaction(&self, about: &About, reaction: String) -> Result<Reaction, Why> {
        let key = self.key(about.epoch, false).await?;
        let tag = key.reaction_tag(&self.letter.chat, about.message.seq, &reaction);
        Ok(Reaction { tag, kind: self.seal_text(&key, about.epoch, reaction)? })
    }

    /// Whether the policy lets the sender write to all of these. Nobody's answer is not a yes, and a no would be for ever: without
    /// one nothing is appended.
    async fn may_write_to(&self, users: &[UserId]) -> Result<bool, Why> {
        for some in users.chunks(limits::VERDICTS_AT_ONCE) {
            let mut asked = Vec::with_capacity(some.len());
            for user in some {
                asked.push(self.shared.policy.may_write(&self.handle.user, self.write_to, user));
            }
            let verdicts = try_join_all(asked).await.map_err(|error| {
                tracing::warn!(%error, source = std::error::Error::source(&error), "a message can't be judged");
                Code::Unavailable
            })?;
            if verdicts.contains(&false) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A key of the chat. Whoever makes the first key of a chat opens it; of a group that has none nobody is a member.
    async fn key(&self, epoch: Epoch, may_create: bool) -> Result<Arc<DataKey>, Why> {
        let (keys, chat) = (&self.shared.keys, self.letter.chat);
        if may_create {
            // A group has two keys, and counts once.
            let is_counted = epoch != Epoch::PROFILE;
            let opens = || if is_counted { self.shared.quotas.chats.take(&self.handle.user) } else { Ok(()) };
            return keys.for_sealing(chat, epoch, opens).await.map_err(|error| no_key(&error));
        }
        keys.for_opening(chat, epoch).await.map_err(|error| match &*error {
            keys::Error::Absent => Code::NotAMember.into(),
            error => no_key(error),
        })
    }

    fn seal_text(&self, key: &DataKey, epoch: Epoch, text: String) -> Result<Sealed, Why> {
        self.seal(key, epoch, plain_text()?, &Body { text: Some(text), ..Body::default() })
    }

    fn seal(&self, key: &DataKey, epoch: Epoch, content_type: ContentType, body: &Body) -> Result<Sealed, Why> {
        let context = Context { chat: &self.letter.chat, sender: &self.handle.user, epoch };
        let bytes = key.seal(&body.encode().map_err(wire)?, &context, self.shared.runtime.random());
        Ok(Sealed { epoch, content_type, bytes })
    }
}

fn wire(error: chasqui_wire::Error) -> Code {
    tracing::error!(%error, "a message can't be written");
    Code::ServerError
}

/// Waits until a message is durable; gives what the sender is told when it is not.
pub(crate) async fn confirm(shared: Arc<Shared>, letter: Letter, pending: Pending) -> Option<(Letter, Code)> {
    let began = shared.runtime.monotonic();
    match pending.await {
        Ok(_) => {
            shared.metrics.appended(shared.runtime.monotonic() - began);
            fail::fail_point!("gateway::after_append");
            None
        }
        Err(error) => Some((letter, refused(&error))),
    }
}

fn no_key(error: &keys::Error) -> Why {
    let code = match error {
        keys::Error::TooManyChats(too_much) => return Why::too_much(Code::TooManyChats, *too_much),
        keys::Error::Store(error) => uplink::code_of_store(error),
        keys::Error::Absent | keys::Error::Seal(_) => Code::ServerError,
    };
    tracing::warn!(%error, "no data key to seal with");
    code.into()
}

fn refused(error: &chasqui_log::Error) -> Code {
    tracing::warn!(%error, "a message can't be appended");
    uplink::code_of(error)
}

#[cfg(test)]
mod tests {
    use chasqui_seal::SEALED_OVERHEAD_BYTES;
    use serde_json::json;

    use super::*;

    fn frame(fields: serde_json::Value) -> SendFrame {
        let mut all = json!({"id": "1", "to": "bob"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn message(fields: serde_json::Value, body_bytes_max: usize) -> Result<(ContentType, Body), Code> {
        match check_message(frame(fields), body_bytes_max)? {
            Content::Message(content_type, body) => Ok((content_type, body)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_group_has_a_title_and_no_more_than_fits() {
        let check = |fields: serde_json::Value| {
            let mut all = json!({"id": "1", "members": ["bob", "eve"], "title": "t"});
            all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            check_group(serde_json::from_value(all).unwrap(), 2).map(drop)
        };
        let long = |bytes| "x".repeat(bytes);
        assert_eq!(check(json!({"title": long(256), "picture": long(1024)})), Ok(()));
        for title in ["", " \n"] {
            assert_eq!(check(json!({"title": title})), Err(Code::BadFrame));
        }
        assert_eq!(check(json!({"title": long(64 * 1024)})), Err(Code::BodyTooLarge));
        assert_eq!(check(json!({"picture": long(1025)})), Err(Code::BodyTooLarge));
        assert_eq!(check(json!({"members": ["a", "b", "c"]})), Err(Code::TooManyMembers));
        let described = ChangeAsked::Describe { title: None, picture: Some(String::new()) };
        assert!(check_change(described, 2, 9).is_ok(), "a picture can be taken away");
    }

    #[test]
    fn a_message_has_a_text_or_a_body_of_a_type() {
        assert_eq!(message(json!({"text": "hi"}), 9).unwrap().0.as_str(), "text/plain");
        let (content_type, body) = message(json!({"body": "aGk=", "content_type": "a/b"}), 9).unwrap();
        assert_eq!((content_type.as_str(), body.data), ("a/b", Some(Bytes::from_static(b"hi"))));
        for wrong in [json!({}), json!({"body": "aGk="}), json!({"text": "a", "body": "aGk=", "content_type": "a/b"})] {
            assert_eq!(message(wrong, 9), Err(Code::BadFrame));
        }
    }

    #[test]
    fn all_that_the_client_wrote_counts() {
        let all = json!({"text": "12345", "meta": {"a": 1}, "mentions": ["bob"]});
        assert!(message(all.clone(), 5 + 7 + 5).is_ok());
        assert_eq!(message(all, 5 + 7 + 4), Err(Code::BodyTooLarge));
    }

    #[test]
    fn what_passes_here_passes_the_stamped_limit() {
        for (mentions, text) in [(0, 1000), (100, 0), (60, 500)] {
            let mention = "b".repeat(128);
            let fields = json!({
                "text": "x".repeat(text), "meta": "m", "reply_to": u64::MAX >> 1, "mentions": vec![mention; mentions],
            });
            let content = text + 3 + mentions * 130;
            let (_, body) = message(fields, content).unwrap();
            let sealed = body.encode().unwrap().len() + SEALED_OVERHEAD_BYTES;
            assert!(sealed <= limits::stamped_body_bytes_max(content), "{sealed} {content}");
        }
    }
}
