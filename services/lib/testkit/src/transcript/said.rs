//! What a message says, in one text, so that the oracle compares all of it.

use std::fmt;

use bytes::Bytes;
use chasqui_client::Draft;
use chasqui_domain::{Seq, UserId};
use chasqui_wire::frames::{Edit, Message};
use serde_json::Value;

/// All that a sender wrote. A plain text is shown as itself; anything beside it is shown behind it.
pub(super) struct Said<'a> {
    text: Option<&'a String>,
    body: Option<&'a Bytes>,
    reply_to: Option<Seq>,
    mentions: &'a [UserId],
    meta: Option<&'a Value>,
}

impl<'a> Said<'a> {
    pub(super) fn of_draft(draft: &'a Draft) -> Self {
        let Draft { text, body, reply_to, mentions, meta, .. } = draft;
        Self { text: text.as_ref(), body: body.as_ref(), reply_to: *reply_to, mentions, meta: meta.as_ref() }
    }

    pub(super) fn of_edit(edit: &'a Edit) -> Self {
        let Edit { text, body, reply_to, mentions, meta, .. } = edit;
        Self { text: text.as_ref(), body: body.as_ref(), reply_to: *reply_to, mentions, meta: meta.as_ref() }
    }

    pub(super) fn of_message(message: &'a Message) -> Self {
        let Message { text, body, reply_to, mentions, meta, .. } = message;
        Self { text: text.as_ref(), body: body.as_ref(), reply_to: *reply_to, mentions, meta: meta.as_ref() }
    }
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, body, reply_to, mentions, meta } = self;
        f.write_str(text.map_or("", String::as_str))?;
        if let Some(body) = body {
            write!(f, " with the body {body:?}")?;
        }
        if let Some(seq) = reply_to {
            write!(f, " as a reply to {seq}")?;
        }
        if !mentions.is_empty() {
            write!(f, " with mentions {mentions:?}")?;
        }
        if let Some(meta) = meta {
            write!(f, " beside {meta}")?;
        }
        Ok(())
    }
}
