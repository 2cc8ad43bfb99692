//! A client's message on its way into the log.

use std::sync::Arc;

use chasqui_auth::WriteTo;
use chasqui_domain::{Action, ChatId, ContentType, Counter, Epoch, Sealed, Send, UserId};
use chasqui_log::Pending;
use chasqui_seal::Context;
use chasqui_wire::{
    Code,
    body::Body,
    frames::{Failed, SendFrame, ServerFrame},
};

use crate::{keys, limits, registry::Handle, shared::Shared, uplink, why::Why};

/// What a body holds when the client doesn't say.
const TEXT: &str = "text/plain";

/// A message of a session.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) chat: ChatId,
    pub(crate) to: UserId,
    pub(crate) id: Counter,
}

impl Letter {
    /// Tells the sender that there will be no outcome.
    pub(crate) fn failed(self, why: impl Into<Why>) -> ServerFrame {
        failed(Some(self.chat), Some(self.to), Some(self.id), why)
    }
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

/// Checks what a client wants to send.
///
/// # Errors
/// [`Code::BadFrame`] when there is not exactly one of text and body; [`Code::BodyTooLarge`].
pub(crate) fn check(frame: SendFrame, body_bytes_max: usize) -> Result<(ContentType, Body), Code> {
    let content_type = match (frame.content_type, &frame.text, &frame.body) {
        (Some(content_type), Some(_), None) | (Some(content_type), None, Some(_)) => content_type,
        (None, Some(_), None) => ContentType::new(TEXT).map_err(|_| Code::ServerError)?,
        _ => return Err(Code::BadFrame),
    };
    let meta = frame.meta.map(|meta| meta.to_string());
    let mentions: usize = frame.mentions.iter().map(|it| it.as_str().len() + limits::MENTION_OVERHEAD_BYTES).sum();
    let bytes = frame.text.as_ref().map_or(0, String::len)
        + frame.body.as_ref().map_or(0, |body| body.len())
        + meta.as_ref().map_or(0, String::len)
        + mentions;
    if bytes > body_bytes_max {
        return Err(Code::BodyTooLarge);
    }
    let body = Body { text: frame.text, data: frame.body, reply_to: frame.reply_to, mentions: frame.mentions, meta };
    Ok((content_type, body))
}

/// Judges and seals a message and gives it its place in the log's queue.
///
/// # Errors
/// What the sender is told.
pub(crate) async fn submit(
    shared: Arc<Shared>,
    handle: Arc<Handle>,
    letter: Letter,
    write_to: WriteTo,
    content_type: ContentType,
    body: Body,
) -> (Letter, Result<Pending, Why>) {
    let enqueued = async {
        let wire = |error: chasqui_wire::Error| {
            tracing::error!(%error, "a message can't be written");
            Code::ServerError
        };
        // Nobody's answer is not a yes, and a no would be for ever: without one nothing is appended.
        let allowed = shared.policy.may_write(&handle.user, &write_to, &letter.to).await.map_err(|error| {
            tracing::warn!(%error, source = std::error::Error::source(&error), "a message can't be judged");
            Code::Unavailable
        })?;
        // Chats stay in their first epoch until there is deletion.
        let epoch = Epoch::FIRST;
        // Whoever makes the first key of a chat opens it.
        let opens = || shared.quotas.chats.take(&handle.user);
        let key = shared.keys.for_sealing(letter.chat, epoch, opens).await.map_err(|error| no_key(&error))?;
        let context = Context { chat: &letter.chat, sender: &handle.user, epoch };
        let bytes = key.seal(&body.encode().map_err(wire)?, &context, shared.runtime.random());
        let send =
            Send { peer: letter.to.clone(), counter: letter.id, allowed, body: Sealed { epoch, content_type, bytes } };
        let append =
            shared.uplink.command(letter.chat, &handle.user, &handle.device, Action::Send(send)).map_err(wire)?;
        shared.uplink.enqueue(vec![append]).await.map_err(|error| refused(&error).into())
    };
    let enqueued = enqueued.await;
    (letter, enqueued)
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
    use bytes::Bytes;
    use chasqui_seal::SEALED_OVERHEAD_BYTES;
    use serde_json::json;

    use super::*;

    fn frame(fields: serde_json::Value) -> SendFrame {
        let mut all = json!({"id": "1", "to": "bob"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn a_message_has_a_text_or_a_body_of_a_type() {
        assert_eq!(check(frame(json!({"text": "hi"})), 9).unwrap().0.as_str(), "text/plain");
        let (content_type, body) = check(frame(json!({"body": "aGk=", "content_type": "a/b"})), 9).unwrap();
        assert_eq!((content_type.as_str(), body.data), ("a/b", Some(Bytes::from_static(b"hi"))));
        for wrong in [json!({}), json!({"body": "aGk="}), json!({"text": "a", "body": "aGk=", "content_type": "a/b"})] {
            assert_eq!(check(frame(wrong), 9), Err(Code::BadFrame));
        }
    }

    #[test]
    fn all_that_the_client_wrote_counts() {
        let all = json!({"text": "12345", "meta": {"a": 1}, "mentions": ["bob"]});
        assert!(check(frame(all.clone()), 5 + 7 + 5).is_ok());
        assert_eq!(check(frame(all), 5 + 7 + 4), Err(Code::BodyTooLarge));
    }

    #[test]
    fn what_passes_here_passes_the_stamped_limit() {
        for (mentions, text) in [(0, 1000), (100, 0), (60, 500)] {
            let mention = "b".repeat(128);
            let fields = json!({
                "text": "x".repeat(text), "meta": "m", "reply_to": u64::MAX >> 1, "mentions": vec![mention; mentions],
            });
            let content = text + 3 + mentions * 130;
            let (_, body) = check(frame(fields), content).unwrap();
            let sealed = body.encode().unwrap().len() + SEALED_OVERHEAD_BYTES;
            assert!(sealed <= limits::stamped_body_bytes_max(content), "{sealed} {content}");
        }
    }
}
