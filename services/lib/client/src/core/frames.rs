//! What the server's frames do.

use std::time::Duration;

use chasqui_domain::{ChatId, Seq, UserId};
use chasqui_wire::{
    Code,
    frames::{
        ChangeAsked, ChangeMade, Changed, ChatReceipts, Counts, Delayed, Done, Failed, Failure, Message, Receipt,
        Renewed, Sent, ServerFrame, Welcome,
    },
};

use super::{Core, Link, Mark, Said, outbox::Which};
use crate::{
    asked::{Asked, Count},
    update::{End, To, Update},
};

impl Core {
    /// Takes a frame.
    pub(crate) fn frame(&mut self, frame: ServerFrame, now: Duration) {
        self.heard(now);
        // The session has gone on behind it.
        self.said = None;
        match (frame, self.link) {
            (ServerFrame::Error(failure), _) => self.error(failure, now),
            (ServerFrame::Welcome(welcome), Link::Greeting { .. }) => self.welcome(*welcome, now),
            // What comes out of turn is of no session.
            (_, Link::Down | Link::Greeting { .. }) | (ServerFrame::Welcome(_), _) => {}
            (ServerFrame::Message(message), _) => self.message(message, now),
            (ServerFrame::Sent(sent), _) => self.sent(sent, now),
            (ServerFrame::Changed(changed), _) => self.changed(changed, now),
            (ServerFrame::Done(done), _) => self.done(done, now),
            (ServerFrame::Failed(failed), _) => self.failed(failed, now),
            (ServerFrame::Counts(counts), _) => self.counts(counts, now),
            (ServerFrame::Receipt(receipt), _) => self.receipt(receipt, now),
            (ServerFrame::Receipts(receipts), _) => {
                receipts.chats.into_iter().for_each(|receipts| self.receipts(receipts, now));
            }
            (ServerFrame::CaughtUp(caught_up), _) => {
                self.failures = 0;
                self.questions.begin(self.state.marks.iter().map(|(chat, _)| chat));
                self.tell(Update::CaughtUp);
                self.keep(Some(caught_up.cursor), None, now);
            }
            (ServerFrame::Renewed(renewed), _) => self.renewed(renewed, now),
            (ServerFrame::Delayed(Delayed { chat, id }), _) => self.tell(Update::Delayed { chat, id }),
        }
    }

    fn error(&mut self, failure: Failure, now: Duration) {
        let code = failure.code;
        let is_up = matches!(self.link, Link::Up { .. });
        // When it is the end of the session all the same, the app is asked for a token once more.
        if is_up && matches!(code, Code::Unauthorized | Code::TokenExpired) && self.tokens.not_renewed() {
            self.tell(Update::NotRenewed(code));
            return;
        }
        if is_up && matches!(code, Code::Unavailable | Code::ServerError) {
            self.tokens.not_judged(now, &mut self.dice);
            self.questions.not_answered(now, &mut self.dice);
        }
        // Trying again would end the same way; a device that was replaced would fight with itself. The close, which says
        // as much, may get lost.
        let is_final = match code {
            Code::Replaced | Code::Banned => true,
            Code::Unauthorized => !self.tokens.refused(),
            Code::BadFrame => !is_up,
            _ => false,
        };
        if is_final {
            self.end(End::Refused(code));
        }
        self.said = Some(Said::new(code, failure.retry_in_ms));
    }

    fn renewed(&mut self, renewed: Renewed, now: Duration) {
        let (time, at) = self.welcomed;
        let time = Duration::from_millis(time.0).saturating_add(now.saturating_sub(at));
        let left = Duration::from_millis(renewed.expires.0).saturating_sub(time);
        if self.tokens.renewed(now, left) {
            self.tell(Update::Renewed { left });
        }
    }

    fn welcome(&mut self, welcome: Welcome, now: Duration) {
        let Welcome { user, device, session: _, resumed, not_resumed, time, expires, .. } = welcome;
        let Welcome { unacked_max, outstanding_max, body_bytes_max, idle_ms, .. } = welcome;
        // Before anything of the session is kept: nobody must speak as somebody else.
        let is_other = |expected: &UserId| *expected != user;
        let expected = self.user.clone().filter(is_other).or_else(|| self.state.user.clone().filter(is_other));
        if let Some(expected) = expected {
            self.end(End::OtherUser { expected, given: user });
            return;
        }
        let usize_of = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let idle = Duration::from_millis(u64::from(idle_ms).max(1));
        self.link = Link::Up { under_way_max: usize_of(outstanding_max), idle };
        self.pinged_at = now;
        self.told_down = false;
        self.welcomed = (time, now);
        self.tokens.taken(now, Duration::from_millis(expires.0.saturating_sub(time.0)));
        if self.state.user.is_none() {
            self.state.user = Some(user.clone());
            self.save_soon(now);
        }
        if !resumed {
            self.seen = None;
            if self.state.cursor.take().is_some() {
                self.save_soon(now);
            }
        }
        self.acks.session(usize_of(unacked_max), &self.state.marks, resumed);
        let unread = self.state.marks.iter().filter(|(_, mark)| mark.read > Seq(0));
        self.reads_due = unread.map(|(chat, _)| chat).collect();
        self.questions.begin(std::iter::empty());
        self.tell(Update::Connected { user, device, resumed, not_resumed });
        self.body_bytes_max = Some(usize_of(body_bytes_max));
        self.refuse_too_large(usize_of(body_bytes_max), now);
    }

    /// Refuses what was taken before the limit was known.
    fn refuse_too_large(&mut self, bytes_max: usize, now: Duration) {
        while let Some(asked) = self.state.outbox.too_large(bytes_max) {
            let code = Code::BodyTooLarge;
            self.save_soon(now);
            let chat = self.state.user.as_ref().map(|me| asked.chat(me, &self.state.device));
            let to = match asked.to() {
                Some(To::User(user)) => Some(user),
                _ => None,
            };
            self.tell(Update::Failed(Box::new(Failed {
                cursor: None,
                chat,
                to,
                id: Some(asked.id()),
                code,
                retry: code.retry(),
                retry_in_ms: None,
                message: code.meaning().to_owned(),
                epoch: None,
            })));
        }
    }

    fn message(&mut self, message: Box<Message>, now: Duration) {
        let is_of_others = self.state.user.as_ref() != Some(&message.from);
        let delivered = is_of_others.then_some((message.chat, message.seq));
        let cursor = message.cursor.clone();
        self.tell(Update::Message(message));
        self.keep(cursor, delivered, now);
    }

    fn sent(&mut self, sent: Sent, now: Duration) {
        let Some(me) = &self.state.user else { return };
        let which = Which { me, device: &self.state.device, chat: Some(sent.chat), to: None, id: sent.id };
        let settled = self.state.outbox.settle(which);
        let cursor = Some(sent.cursor.clone());
        let is_known = settled.is_some();
        if is_known {
            self.state.marks.raise(sent.chat, Mark { sent: sent.seq, ..Mark::default() });
            self.save_soon(now);
        }
        // The answer to a message that was sent again only adds to an answer before it.
        if is_known || !sent.repeated {
            self.tell(Update::Sent { to: settled.and_then(|asked| asked.to()), sent });
        }
        self.keep(cursor, None, now);
    }

    fn changed(&mut self, changed: Box<Changed>, now: Duration) {
        let is_gone = match &changed.change {
            ChangeMade::Remove { user } => self.state.user.as_ref() == Some(user),
            ChangeMade::Leave {} => self.state.user.as_ref() == Some(&changed.by),
            _ => false,
        };
        if is_gone {
            self.state.marks.over(changed.chat);
            self.save_soon(now);
        }
        let cursor = changed.cursor.clone();
        self.tell(Update::Changed(changed));
        self.keep(cursor, None, now);
    }

    fn done(&mut self, done: Done, now: Duration) {
        let Some(me) = &self.state.user else { return };
        let which = Which { me, device: &self.state.device, chat: Some(done.chat), to: None, id: done.id };
        let asked = self.state.outbox.settle(which);
        let cursor = Some(done.cursor.clone());
        if let Some(asked) = &asked {
            if let Asked::Create(frame) = asked {
                // An answer to it that comes again must not be taken for one to what is asked in the group.
                self.state.outbox.count_from(Count::Group(done.chat), frame.id);
            }
            let leaves = |change: &ChangeAsked| match change {
                ChangeAsked::Leave {} => true,
                // To remove oneself is to leave.
                ChangeAsked::Remove { user } => user == me,
                _ => false,
            };
            if matches!(asked, Asked::Change(frame) if leaves(&frame.change)) {
                self.state.marks.over(done.chat);
            }
            self.save_soon(now);
        }
        // The answer to what was asked again only adds to an answer before it.
        if asked.is_some() || !done.repeated {
            self.tell(Update::Done { asked: asked.map(Box::new), done });
        }
        self.keep(cursor, None, now);
    }

    fn counts(&mut self, counts: Counts, now: Duration) {
        let (chat, read) = (counts.chat, counts.others.read);
        self.tell(Update::Counts(counts));
        self.acks.keep_read(chat, read);
        self.keep(None, None, now);
    }

    fn failed(&mut self, failed: Box<Failed>, now: Duration) {
        let Some(me) = &self.state.user else { return };
        let cursor = failed.cursor.clone();
        let from = now + Duration::from_millis(u64::from(failed.retry_in_ms.unwrap_or_default()));
        if let Some(id) = failed.id {
            let device = &self.state.device;
            let which = Which { me, device, chat: failed.chat, to: failed.to.as_ref(), id };
            if !failed.retry {
                self.state.outbox.settle(which);
                self.save_soon(now);
                self.tell(Update::Failed(failed));
            } else if self.state.outbox.retry(which, from, &mut self.dice) {
                self.tell(Update::Retrying(failed));
            }
            // A failure to be tried again of a message that is not known has had another outcome since.
        } else {
            if let Some(chat) = failed.chat.filter(|_| !failed.retry) {
                self.state.marks.refused(chat);
                self.save_soon(now);
            }
            self.tell(Update::Failed(failed));
        }
        self.keep(cursor, None, now);
    }

    fn receipt(&mut self, receipt: Receipt, now: Duration) {
        let is_mine = self.state.user.as_ref() == Some(&receipt.user);
        if is_mine {
            self.state.marks.confirm(receipt.chat, receipt.delivered, receipt.read);
            self.save_soon(now);
        }
        let (cursor, chat, read) = (receipt.cursor.clone(), receipt.chat, receipt.read);
        self.tell(Update::Receipt(receipt));
        if !is_mine {
            self.acks.keep_read(chat, read);
        }
        self.keep(cursor, None, now);
    }

    fn receipts(&mut self, receipts: ChatReceipts, now: Duration) {
        self.questions.answered(receipts.chat);
        let is_me = |user| self.state.user.as_ref() == Some(user);
        let mine = receipts.members.iter().find(|member| is_me(&member.user));
        let others_read = match &receipts.others {
            Some(others) => Some(others.read),
            None => receipts.members.iter().filter(|member| !is_me(&member.user)).map(|member| member.read).min(),
        };
        if let Some(mine) = mine {
            self.state.marks.confirm(receipts.chat, mine.delivered, mine.read);
        }
        self.save_soon(now);
        let chat = receipts.chat;
        self.tell(Update::Receipts(receipts));
        if let Some(read) = others_read {
            self.acks.keep_read(chat, read);
        }
    }

    fn keep(&mut self, cursor: Option<String>, delivered: Option<(ChatId, Seq)>, now: Duration) {
        if cursor.is_some() {
            self.seen.clone_from(&cursor);
        }
        self.acks.keep(cursor, delivered);
        // What the app is not told of is handled with what came before it.
        self.taken(self.acks.last_taken(), now);
    }
}
