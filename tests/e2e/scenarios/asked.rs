//! What users of a scenario ask over HTTP, and whether they are answered as they must.

use std::time::Duration;

use anyhow::{anyhow, bail, ensure};
use bytes::Bytes;
use chasqui_client::rest::Error;
use chasqui_domain::{ChatId, Seq, UserId};
use chasqui_tests::{wait::within, witness::ask};
use chasqui_wire::frames::{
    ChatItem, ChatsQuery, DevicesQuery, MembersQuery, MessageReceipt, MessagesQuery, Problem, ReadUpTo, UserReaction,
};
use reqwest::{Method, RequestBuilder};
use tokio::time::sleep;

use crate::{
    format::{
        ChatSeen, Chats, DeviceSeen, Has, HasSeen, History, MarksSeen, OthersSeen, Reactions, Receipts,
        UserReactionSeen,
    },
    names::Names,
    seen::{compare_message, role_name},
    world::World,
};

/// Between questions that are asked until the answer is as it must be: users may not ask much faster.
const PACE: Duration = Duration::from_millis(20);

impl World {
    pub(crate) async fn chats(&self, asked: &Chats, names: &Names) -> anyhow::Result<()> {
        let Chats { user, limit, chats, fails } = asked;
        let answer = self.all_pages(user, *limit).await?;
        let Some(items) = self.answer_or(fails.as_deref(), answer)? else { return Ok(()) };
        let mut seen: Vec<ChatSeen> = items.into_iter().map(|item| shown(item, names)).collect();
        let mut wanted = chats.clone().unwrap_or_default();
        // Their ids have no order that a person sees.
        seen.sort_by(|one, other| one.with.cmp(&other.with));
        wanted.sort_by(|one, other| one.with.cmp(&other.with));
        for (seen, wanted) in seen.iter_mut().zip(&wanted) {
            seen.forget_unless(wanted);
        }
        ensure!(seen == wanted, "{user} sees {seen:?}");
        Ok(())
    }

    /// The whole list: pages of so many chats each, which go on where the one before ended.
    async fn all_pages(&self, user: &str, limit: Option<u32>) -> anyhow::Result<Result<Vec<ChatItem>, Error>> {
        let (rest, mut all) = (self.rest(user)?, Vec::<ChatItem>::new());
        let mut after = None;
        loop {
            let page = match within("an answer", rest.chats(&ChatsQuery { limit, after })).await? {
                Ok(page) => page,
                Err(error) => return Ok(Err(error)),
            };
            let is_short = limit.is_some_and(|limit| page.chats.len() < limit as usize);
            ensure!(page.next.is_none() || !is_short, "a page that isn't the last has {} chats", page.chats.len());
            ensure!(limit.is_none_or(|limit| page.chats.len() <= limit as usize), "a page has {}", page.chats.len());
            ensure!(after.is_none() || !page.chats.is_empty(), "there is a page behind the last");
            all.extend(page.chats);
            let last = all.last().map(|item| item.chat);
            ensure!(page.next.is_none() || page.next == last, "a page ends with {last:?}, and next is {:?}", page.next);
            after = page.next;
            if after.is_none() {
                ensure!(all.is_sorted_by(|one, next| one.chat < next.chat), "the chats are in no order: {all:?}");
                return Ok(Ok(all));
            }
        }
    }

    pub(crate) async fn history(&self, asked: &History, names: &Names) -> anyhow::Result<()> {
        let History { user, with, before, after, since_of, until_of, limit, messages, next, fails } = asked;
        let time_of = |of: &Option<String>| of.as_ref().map(|of| names.time(of)).transpose();
        let query = MessagesQuery {
            before: before.map(Seq),
            after: after.map(Seq),
            since: time_of(since_of)?,
            until: time_of(until_of)?,
            limit: *limit,
        };
        let answer = within("an answer", self.rest(user)?.messages(names.chat(user, with)?, &query)).await?;
        let Some(page) = self.answer_or(fails.as_deref(), answer)? else { return Ok(()) };
        let wanted = messages.as_deref().unwrap_or_default();
        let seqs: Vec<u64> = page.messages.iter().map(|message| message.seq.0).collect();
        ensure!(wanted.iter().map(|message| message.seq).eq(seqs.iter().copied()), "{user} sees {seqs:?}");
        for (wanted, message) in wanted.iter().zip(&page.messages) {
            compare_message(wanted, message)?;
        }
        ensure!(*next == page.next.map(|seq| seq.0), "the next page is {:?}", page.next);
        Ok(())
    }

    /// Opens a chat over HTTP.
    pub(crate) async fn put_read(&self, user: &str, chat: ChatId, seq: u64, fails: Option<&str>) -> anyhow::Result<()> {
        let path = format!("/v1/chats/{chat}/read");
        let answer = answered(self.question(Method::PUT, user, &path)?.json(&ReadUpTo { seq: Seq(seq) })).await?;
        self.answer_or(fails, answer).map(drop)
    }

    pub(crate) async fn receipts(&self, asked: &Receipts, names: &Names) -> anyhow::Result<()> {
        let Receipts { user, with, members, others, fails } = asked;
        let answer = within("an answer", self.rest(user)?.watermarks(names.chat(user, with)?)).await?;
        let Some(receipts) = self.answer_or(fails.as_deref(), answer)? else { return Ok(()) };
        let seen = receipts.members.into_iter().map(|member| MarksSeen {
            user: member.user.to_string(),
            delivered: member.delivered.0,
            read: member.read.0,
        });
        same(user, seen, members)?;
        let seen = receipts.others.map(|it| OthersSeen { count: it.count, delivered: it.delivered.0, read: it.read.0 });
        ensure!(seen == *others, "{user} sees {seen:?} of the others");
        Ok(())
    }

    /// Who has a message.
    pub(crate) async fn has(&self, asked: &Has, names: &Names) -> anyhow::Result<()> {
        let Has { user, with, seq, members, fails } = asked;
        let answer = self.all_who_have(user, names.chat(user, with)?, Seq(*seq)).await?;
        let Some(all) = self.answer_or(fails.as_deref(), answer)? else { return Ok(()) };
        let seen = all.into_iter().map(|member| HasSeen {
            user: member.user.to_string(),
            delivered: member.delivered,
            read: member.read,
        });
        same(user, seen, members)
    }

    /// All pages of them.
    async fn all_who_have(
        &self,
        user: &str,
        chat: ChatId,
        seq: Seq,
    ) -> anyhow::Result<Result<Vec<MessageReceipt>, Error>> {
        let (rest, mut all, mut after) = (self.rest(user)?, Vec::new(), None::<UserId>);
        loop {
            let query = MembersQuery { limit: None, after };
            match within("an answer", rest.receipts(chat, seq, &query)).await? {
                Ok(page) => (all, after) = ([all, page.members].concat(), page.next),
                Err(error) => return Ok(Err(error)),
            }
            if after.is_none() {
                return Ok(Ok(all));
            }
        }
    }

    /// Who reacts to a message.
    pub(crate) async fn reactions(&self, asked: &Reactions, names: &Names) -> anyhow::Result<()> {
        let Reactions { user, with, seq, limit, users, fails } = asked;
        let answer = self.all_reactions(user, names.chat(user, with)?, Seq(*seq), *limit).await?;
        let Some(all) = self.answer_or(fails.as_deref(), answer)? else { return Ok(()) };
        let seen: Vec<_> = all
            .into_iter()
            .map(|it| UserReactionSeen { user: it.user.to_string(), reaction: it.reaction.unwrap_or_default() })
            .collect();
        ensure!(Some(&seen) == users.as_ref(), "{user} sees {seen:?}");
        Ok(())
    }

    /// All pages of them.
    async fn all_reactions(
        &self,
        user: &str,
        chat: ChatId,
        seq: Seq,
        limit: Option<u32>,
    ) -> anyhow::Result<Result<Vec<UserReaction>, Error>> {
        let (rest, mut all, mut after) = (self.rest(user)?, Vec::new(), None::<UserId>);
        loop {
            match within("an answer", rest.reactions(chat, seq, &MembersQuery { limit, after })).await? {
                Ok(page) => {
                    let is_full = limit.is_none_or(|limit| page.users.len() == limit as usize);
                    ensure!(page.next.is_none() || is_full, "a page that isn't the last has {}", page.users.len());
                    (all, after) = ([all, page.users].concat(), page.next);
                }
                Err(error) => return Ok(Err(error)),
            }
            if after.is_none() {
                return Ok(Ok(all));
            }
        }
    }

    /// Waits until a user's devices are these: what is told of them comes behind what happens to them.
    pub(crate) async fn devices(&self, user: &str, wanted: &[DeviceSeen]) -> anyhow::Result<()> {
        let (rest, mut wanted, mut seen) = (self.rest(user)?, wanted.to_vec(), Vec::new());
        wanted.sort();
        let listed = within("the devices are these", async {
            while seen != wanted {
                let page = rest.devices(&DevicesQuery::default()).await?;
                let item = |name: String, connected| DeviceSeen { name, connected };
                seen = page.devices.into_iter().map(|it| item(it.device.to_string(), it.connected)).collect();
                seen.sort();
                sleep(PACE).await;
            }
            anyhow::Ok(())
        });
        let listed = listed.await.and_then(|listed| listed);
        self.witness.is_content()?;
        listed.map_err(|error| anyhow!("{error:#}; {user} sees {seen:?}"))
    }

    /// The answer; none when it fails as it must.
    pub(crate) fn answer_or<T>(&self, fails: Option<&str>, answer: Result<T, Error>) -> anyhow::Result<Option<T>> {
        self.witness.is_content()?;
        match (fails, answer) {
            (None, answer) => Ok(Some(answer?)),
            (Some(code), Err(Error::Refused { problem })) if problem.code.as_str() == code => Ok(None),
            (Some(_), Err(error)) => Err(error.into()),
            (Some(code), Ok(_)) => bail!("it is answered, and not refused with {code}"),
        }
    }
}

/// A chat of the list, in the terms of a file.
fn shown(item: ChatItem, names: &Names) -> ChatSeen {
    let group = item.group.as_deref();
    ChatSeen {
        with: item.with.map(|with| with.to_string()).or_else(|| names.of_group(item.chat).cloned()).unwrap_or_default(),
        last_seq: item.last_seq.0,
        unread: item.unread,
        last_text: item.last_message.and_then(|message| message.text),
        title: group.and_then(|group| group.title.clone()),
        picture: group.and_then(|group| group.picture.clone()),
        members_count: group.map(|group| group.members_count),
        role: group.map(|group| role_name(group.role).to_owned()),
        pinned: item.pinned.iter().map(|seq| seq.0).collect(),
    }
}

impl ChatSeen {
    /// What a file doesn't say isn't compared.
    fn forget_unless(&mut self, wanted: &Self) {
        self.last_text.take_if(|_| wanted.last_text.is_none());
        self.title.take_if(|_| wanted.title.is_none());
        self.picture.take_if(|_| wanted.picture.is_none());
        self.members_count.take_if(|_| wanted.members_count.is_none());
        self.role.take_if(|_| wanted.role.is_none());
    }
}

/// What the client library doesn't ask, in its terms.
async fn answered(request: RequestBuilder) -> anyhow::Result<Result<Bytes, Error>> {
    let (status, body) = ask(request).await?;
    if status.is_success() {
        return Ok(Ok(body));
    }
    let problem: Problem = serde_json::from_slice(&body)?;
    Ok(Err(Error::Refused { problem: Box::new(problem) }))
}

/// Whether the members are those, in any order.
fn same<T: Ord + Clone + std::fmt::Debug>(
    user: &str,
    seen: impl Iterator<Item = T>,
    wanted: &Option<Vec<T>>,
) -> anyhow::Result<()> {
    let (mut seen, mut wanted): (Vec<T>, Vec<T>) = (seen.collect(), wanted.clone().unwrap_or_default());
    seen.sort();
    wanted.sort();
    ensure!(seen == wanted, "{user} sees {seen:?}");
    Ok(())
}
