//! What a session does besides reading and writing its socket: handles frames, and has at most one of each kind of
//! work under way.

use std::{
    collections::BTreeMap,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::extract::ws::Utf8Bytes;
use chasqui_auth::Identity;
use chasqui_domain::{ChatId, Counter, Seq, UserId};
use chasqui_log::Pending;
use chasqui_wire::{
    Code,
    frames::{self, Ack, ChangeFrame, ClientFrame, Failure, Renewed, SendFrame, ServerFrame},
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use serde::Deserialize;

use crate::{
    identity::{self, Grant},
    limits,
    measure::UNREADABLE,
    pages,
    pages::PageRead,
    quota::Frames,
    receipts::{Receipts, Watermarks},
    registry::Handle,
    rest::receipts_of,
    session::Session,
    shared::Shared,
    submit::{self, Content, Letter},
    why::Why,
};

/// A frame of the client that takes a while. The next is read when it is done, so they keep their order.
enum Handled {
    Asked(Letter, Result<Pending, Why>),
    Answered(ServerFrame),
    Renewed(Result<Identity, Code>),
}

type Work<T> = Option<BoxFuture<'static, T>>;

/// A session and its work.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) handle: Arc<Handle>,
    pub(crate) session: Session,
    /// What the newest token allows.
    pub(crate) grant: Grant,
    /// What the client may send.
    pub(crate) frames: Frames,
    handling: Work<Handled>,
    /// Messages that have their place in the log and are not yet durable; bounded by the outstanding ones.
    appends: FuturesUnordered<BoxFuture<'static, Option<(Letter, Code)>>>,
    receipts: Receipts,
    /// Gives back what was not appended.
    raising: Work<Option<BTreeMap<ChatId, Watermarks>>>,
    raise_at: Duration,
    announcing: Work<bool>,
    reading: Work<PageRead>,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, handle: Arc<Handle>, session: Session, grant: Grant) -> Self {
        let frames = shared.quotas.frames(&shared.runtime);
        Self {
            shared,
            handle,
            session,
            grant,
            frames,
            handling: None,
            appends: FuturesUnordered::new(),
            receipts: Receipts::default(),
            raising: None,
            raise_at: Duration::ZERO,
            announcing: None,
            reading: None,
        }
    }

    /// Whether the next frame may be read.
    pub(crate) fn takes_frames(&self) -> bool {
        self.handling.is_none() && self.session.takes_frames() && self.receipts.has_room()
    }

    /// The client has the welcome: only behind it are there frames and answers to pings.
    pub(crate) fn answered(&self) {
        self.shared.registry.answered(&self.handle);
    }

    /// Handles a frame.
    ///
    /// # Errors
    /// Why the session must end.
    pub(crate) fn frame(&mut self, text: &Utf8Bytes, now: Duration) -> Result<(), Code> {
        let frame = frames::parse_client(text);
        self.shared.metrics.frame_in(frame.as_ref().map_or(UNREADABLE, ClientFrame::name));
        match frame {
            Ok(ClientFrame::Send(frame)) => return self.send(*frame, now),
            Ok(ClientFrame::Create(frame)) => {
                let chat = ChatId::group(self.session.user(), self.session.device(), frame.id);
                let letter = Letter { chat, to: None, id: frame.id };
                let members_max = self.shared.options.group_members_max;
                return self.ask(letter, now, || submit::check_group(*frame, members_max));
            }
            Ok(ClientFrame::Change(frame)) => {
                let ChangeFrame { id, to, chat, change } = *frame;
                let Some(letter) = self.letter(to, chat, id) else { return Ok(()) };
                let (members_max, body_bytes_max) =
                    (self.shared.options.group_members_max, self.shared.options.body_bytes_max);
                return self.ask(letter, now, || submit::check_change(change, members_max, body_bytes_max));
            }
            Ok(ClientFrame::Ack(ack)) => self.ack(ack),
            Ok(ClientFrame::Read(read)) => {
                self.receipts.raise(read.chat, Watermarks { delivered: Seq(0), read: read.seq });
            }
            Ok(ClientFrame::Receipts(query)) if query.chats.len() <= limits::RECEIPTS_CHATS_MAX => {
                let (shared, user) = (self.shared.clone(), self.session.user().clone());
                self.handling =
                    Some(async move { Handled::Answered(receipts_of(&shared, &user, &query.chats).await) }.boxed());
            }
            Ok(ClientFrame::Receipts(_)) => self.bad(format!("at most {} chats", limits::RECEIPTS_CHATS_MAX)),
            Ok(ClientFrame::Renew(renew)) => {
                let shared = self.shared.clone();
                self.handling =
                    Some(async move { Handled::Renewed(identity::verify(&shared, &renew.token.0).await) }.boxed());
            }
            Ok(ClientFrame::Hello(_)) => self.bad("hello was said before".to_owned()),
            Err(error) => match unreadable(text) {
                Some((chat, to, id)) => self.session.say(&submit::failed(chat, to, Some(id), Code::BadFrame)),
                None => self.bad(error.to_string()),
            },
        }
        Ok(())
    }

    /// Answers something that is no frame.
    pub(crate) fn bad(&mut self, message: String) {
        self.session.say(&ServerFrame::Error(Failure { message, ..Failure::from(Code::BadFrame) }));
    }

    fn send(&mut self, frame: SendFrame, now: Duration) -> Result<(), Code> {
        let Some(letter) = self.letter(frame.to.clone(), frame.chat, frame.id) else { return Ok(()) };
        let body_bytes_max = self.shared.options.body_bytes_max;
        self.ask(letter, now, || submit::check_message(frame, body_bytes_max))
    }

    /// What is asked of the chat with a user, or of a group; none when that isn't told, which the client learns.
    fn letter(&mut self, to: Option<UserId>, chat: Option<ChatId>, id: Counter) -> Option<Letter> {
        match (&to, chat) {
            (Some(peer), None) => Some(Letter { chat: ChatId::direct(self.session.user(), peer), to, id }),
            (None, Some(chat)) if chat.is_group() => Some(Letter { chat, to, id }),
            // It takes a user to know who is at the other end of a direct chat.
            _ => {
                self.session.say(&submit::failed(chat, to, Some(id), Code::BadFrame));
                None
            }
        }
    }

    /// Begins with something that has an outcome.
    fn ask(
        &mut self,
        letter: Letter,
        now: Duration,
        check: impl FnOnce() -> Result<Content, Code>,
    ) -> Result<(), Code> {
        let begun = self.begin_asking(&letter, now, check);
        let Err(why) = begun else { return Ok(()) };
        if why.is_for_a_while() && !self.session.can_hold(letter.chat, letter.id, now) {
            return Err(Code::TooManyFrames);
        }
        self.lost(letter, why, now);
        Ok(())
    }

    /// Only what can be sent waits for an outcome.
    fn begin_asking(
        &mut self,
        letter: &Letter,
        now: Duration,
        check: impl FnOnce() -> Result<Content, Code>,
    ) -> Result<(), Why> {
        let Letter { chat, id, .. } = *letter;
        self.session.in_order(chat, id, now)?;
        let sends = &self.shared.quotas.sends;
        sends.take(self.session.user()).map_err(|too_much| Why::too_much(Code::RateLimited, too_much))?;
        let content = check()?;
        self.session.sending(chat, id, now)?;
        let (shared, handle) = (self.shared.clone(), self.handle.clone());
        let submit = submit::submit(shared, handle, letter.clone(), self.grant.write_to.clone(), content);
        self.handling = Some(submit.map(|(letter, pending)| Handled::Asked(letter, pending)).boxed());
        Ok(())
    }

    fn ack(&mut self, ack: Ack) {
        if self.session.acked(&ack.cursor).is_err() {
            self.bad("this is not a cursor that this session was given".to_owned());
            return;
        }
        for (chat, delivered) in ack.delivered {
            self.receipts.raise(chat, Watermarks { delivered, read: Seq(0) });
        }
    }

    /// Goes on by a new token, or by the old one to its end.
    fn renewed(&mut self, renewed: Result<Identity, Code>) {
        let renewed = match renewed {
            // Another user's session is another session.
            Ok(identity) if identity.user != *self.session.user() => Err(Code::Unauthorized),
            other => other,
        };
        match renewed {
            Ok(identity) => {
                self.session.say(&ServerFrame::Renewed(Renewed { expires: identity.expires }));
                self.grant = Grant::new(&self.shared, identity);
            }
            Err(code) => self.session.say(&ServerFrame::Error(code.into())),
        }
    }

    fn lost(&mut self, letter: Letter, why: impl Into<Why>, now: Duration) {
        let why = why.into();
        self.session.not_sent(letter.chat, letter.id, why, now);
        self.session.say(&letter.failed(why));
    }

    /// Goes on with the frame in hand; whether there is none now.
    pub(crate) fn poll_handling(&mut self, cx: &mut Context<'_>, now: Duration) -> bool {
        match poll_work(&mut self.handling, cx) {
            Some(Handled::Asked(letter, Ok(pending))) => {
                self.session.sent(letter.chat, letter.id);
                self.appends.push(submit::confirm(self.shared.clone(), letter, pending).boxed());
            }
            Some(Handled::Asked(letter, Err(why))) => self.lost(letter, why, now),
            Some(Handled::Answered(frame)) => self.session.say(&frame),
            Some(Handled::Renewed(renewed)) => self.renewed(renewed),
            None => {}
        }
        self.handling.is_none()
    }

    /// Begins and goes on with all other work; whether something came of it.
    ///
    /// # Errors
    /// Why the session must end.
    pub(crate) fn poll_work(&mut self, cx: &mut Context<'_>, now: Duration) -> Result<bool, Code> {
        let mut is_busy = false;
        while let Poll::Ready(Some(confirmed)) = self.appends.poll_next_unpin(cx) {
            if let Some((letter, code)) = confirmed {
                self.lost(letter, code, now);
                is_busy = true;
            }
        }
        self.begin(now);
        if let Some(left) = poll_work(&mut self.raising, cx) {
            if let Some(left) = left {
                self.receipts.put_back(left);
                self.raise_at = now + limits::RETRY;
            }
            is_busy = true;
        }
        if let Some(is_announced) = poll_work(&mut self.announcing, cx) {
            if !is_announced {
                self.session.not_announced(now);
            }
            is_busy = true;
        }
        if let Some(page) = poll_work(&mut self.reading, cx) {
            let (rows, is_last) = page?;
            self.session.page_read(rows, is_last);
            is_busy = true;
        }
        Ok(is_busy)
    }

    fn begin(&mut self, now: Duration) {
        if self.raising.is_none() && !self.receipts.is_empty() && self.raise_at <= now {
            self.raising = Some(raise(self.shared.clone(), self.handle.clone(), self.receipts.take()).boxed());
        }
        if self.announcing.is_none()
            && let Some((kind, attempt)) = self.session.announcement()
        {
            let (shared, handle) = (self.shared.clone(), self.handle.clone());
            let announce = async move {
                let announced = shared.uplink.announce(&handle, shared.incarnation, kind, attempt).await;
                announced.inspect_err(|error| tracing::warn!(%error, "the router can't be told of a session")).is_ok()
            };
            self.announcing = Some(announce.boxed());
        }
        if self.reading.is_none()
            && let Some(offsets) = self.session.page_wanted()
        {
            self.reading = Some(pages::read(self.shared.clone(), self.handle.clone(), offsets).boxed());
        }
    }

    /// When there is something to do next.
    pub(crate) fn deadline(&self) -> Duration {
        let deadline = self.session.deadline();
        let waits = self.raising.is_none() && !self.receipts.is_empty();
        if waits { deadline.min(self.raise_at) } else { deadline }
    }
}

fn poll_work<T>(work: &mut Work<T>, cx: &mut Context<'_>) -> Option<T> {
    match work.as_mut()?.poll_unpin(cx) {
        Poll::Ready(output) => {
            *work = None;
            Some(output)
        }
        Poll::Pending => None,
    }
}

/// Appends watermarks, and gives them back when that fails.
async fn raise(
    shared: Arc<Shared>,
    handle: Arc<Handle>,
    watermarks: BTreeMap<ChatId, Watermarks>,
) -> Option<BTreeMap<ChatId, Watermarks>> {
    let actions = watermarks.iter().flat_map(|(chat, to)| to.actions().map(|action| (*chat, action)));
    let command = |(chat, action)| shared.uplink.command(chat, &handle.user, &handle.device, action);
    // A number that the record can't hold is one that no frame can hold either.
    let batch: Vec<_> = actions.map(command).filter_map(Result::ok).collect();
    match shared.uplink.log.append(batch).await {
        Ok(_) => None,
        Err(error) => {
            tracing::warn!(%error, "receipts can't be appended");
            Some(watermarks)
        }
    }
}

/// What was asked that can't be read: the client must learn that it will have no outcome.
fn unreadable(text: &str) -> Option<(Option<ChatId>, Option<UserId>, Counter)> {
    #[derive(Deserialize)]
    struct Loose {
        r#type: String,
        id: String,
        chat: Option<serde_json::Value>,
        to: Option<serde_json::Value>,
    }
    let has_outcome = |loose: &Loose| matches!(&*loose.r#type, "send" | "create" | "change");
    let loose: Loose = serde_json::from_str(text).ok().filter(has_outcome)?;
    let chat = loose.chat.and_then(|chat| ChatId::parse(chat.as_str()?).ok());
    let to = loose.to.and_then(|to| UserId::new(to.as_str()?).ok());
    // Ids end where the records' numbers do; a larger one couldn't be written back.
    let id = loose.id.parse().ok().filter(|id| i64::try_from(*id).is_ok())?;
    Some((chat, to, Counter(id)))
}
