//! Which chat is to be opened: a group is looked for, or made, before there is anything to show.

use std::{
    io::{self, Write},
    time::Duration,
};

use anyhow::{Context, bail};
use chasqui_client::{Asked, Group, To, Update, rest};
use chasqui_domain::{ChatId, Counter, UserId};
use chasqui_wire::frames::{ChatItem, ChatsQuery, Failed};
use tokio::time::{sleep, timeout};

use super::{
    answers::counted,
    limits::{ASK_AGAIN, ASKS_MAX, CHAT_PAGES_MAX, FAILURES_KEPT_MAX, GROUPS_LISTED_MAX, PAGE_CHATS},
    session::{Happened, Session},
    text::clean_line,
};

/// Which chat somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    With(UserId),
    /// By its id, or by its title.
    Group(String),
    New(Group),
}

/// A chat to show.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) to: To,
    /// The title of a group that was made just now.
    pub(super) new: Option<String>,
}

/// Opens a chat; waits for the server for as long as it gives signs, and `wait` behind the last. A group of a known id opens
/// without it.
pub(super) async fn open(session: &mut Session, wanted: Wanted, wait: Duration) -> anyhow::Result<Opened> {
    let mut opening = Opening { session, wait, links: Vec::new(), failures: Vec::new() };
    let opened = match wanted {
        Wanted::With(peer) => Ok(Opened { to: peer.into(), new: None }),
        Wanted::Group(name) => opening.group(&name).await,
        Wanted::New(group) => opening.create(group).await,
    };
    let Opening { links, failures, .. } = opening;
    session.tell_again(links.into_iter().chain(failures));
    opened
}

struct Opening<'a> {
    session: &'a mut Session,
    wait: Duration,
    /// What the connection is like by now.
    links: Vec<Update>,
    failures: Vec<Update>,
}

impl Opening<'_> {
    async fn group(&mut self, name: &str) -> anyhow::Result<Opened> {
        let id = ChatId::parse(name).ok().filter(ChatId::is_group);
        if let Some((chat, counter, group)) = id.and_then(|id| self.unmade(|chat, _| chat == id)) {
            return self.made(chat, counter, group.title).await;
        }
        if !self.is_connected(id.is_some()).await? {
            let Some(id) = id else {
                bail!("the server can't be reached, which knows groups by their titles: give the id of the group")
            };
            return Ok(Opened { to: id.into(), new: None });
        }
        let found = match id {
            Some(id) => {
                let asked = patiently(|| self.session.rest().chat(id)).await;
                // What can be written without a server can be written before it answers.
                if asked.as_ref().is_err_and(rest::Error::is_retryable) {
                    Some(id)
                } else {
                    asked.context("the group can't be looked for")?.map(|item| item.chat)
                }
            }
            None => None,
        };
        let to = match found {
            Some(id) => id.into(),
            None => named(&self.groups().await.context("the groups can't be looked through")?, name)?.into(),
        };
        Ok(Opened { to, new: None })
    }

    /// Makes a group; goes on with the same one where it was asked for before and has no outcome yet.
    async fn create(&mut self, group: Group) -> anyhow::Result<Opened> {
        if let Some((chat, counter, group)) = self.unmade(|_, asked| *asked == group) {
            return self.made(chat, counter, group.title).await;
        }
        let (client, title) = (self.session.client(), group.title.clone());
        let counter = client.create(group).await.context("the group is not made")?;
        let chat = ChatId::group(self.session.user(), client.device(), counter);
        self.made(chat, counter, title).await
    }

    /// A group that was asked for and has no outcome yet.
    fn unmade(&self, is_it: impl Fn(ChatId, &Group) -> bool) -> Option<(ChatId, Counter, Group)> {
        let client = self.session.client();
        client.unsent().iter().find_map(|asked| {
            let Asked::Create(frame) = asked else { return None };
            let (members, title, picture) = (frame.members.clone(), frame.title.clone(), frame.picture.clone());
            let (chat, group) = (asked.chat(self.session.user(), client.device()), Group { members, title, picture });
            is_it(chat, &group).then_some((chat, frame.id, group))
        })
    }

    /// Waits until the group is made: what would be written before is not taken.
    async fn made(&mut self, chat: ChatId, id: Counter, title: String) -> anyhow::Result<Opened> {
        let is_it = |failed: &Failed| {
            failed.id == Some(id) && (failed.chat == Some(chat) || (failed.chat, &failed.to) == (None, &None))
        };
        loop {
            let Some(update) = self.next().await? else {
                bail!(
                    "the group has no outcome yet. It is asked for again by the next chat of this user; open it then with \
                     --group {chat}"
                )
            };
            match update {
                Update::Done { done, .. } if done.chat == chat => {
                    return Ok(Opened { to: chat.into(), new: Some(title) });
                }
                Update::Failed(failed) if is_it(&failed) => {
                    bail!("the group is not made: {}: {}", failed.code.as_str(), clean_line(&failed.message))
                }
                other => {
                    if matches!(other, Update::Disconnected { .. }) {
                        say_away();
                    }
                    self.keep(other);
                }
            }
        }
    }

    /// Waits for the server. Where `may_be_away`, it is not waited for when it is.
    async fn is_connected(&mut self, may_be_away: bool) -> anyhow::Result<bool> {
        loop {
            let Some(update) = self.next().await? else { return Ok(false) };
            let (is_here, is_away) =
                (matches!(update, Update::Connected { .. }), matches!(update, Update::Disconnected { .. }));
            if is_away && !may_be_away {
                say_away();
            }
            self.keep(update);
            if is_here || (is_away && may_be_away) {
                return Ok(is_here);
            }
        }
    }

    /// The next update; none when none comes for too long.
    async fn next(&mut self) -> anyhow::Result<Option<Update>> {
        match timeout(self.wait, self.session.next()).await {
            Ok(Happened::Update(update)) => Ok(Some(*update)),
            Ok(Happened::Over(why)) => bail!(why),
            Err(_) => Ok(None),
        }
    }

    /// Keeps what the chat must know of, too.
    fn keep(&mut self, update: Update) {
        match update {
            Update::Connected { .. } | Update::Disconnected { .. } => self.links = vec![update],
            Update::CaughtUp => self.links.push(update),
            Update::Failed(_) if self.failures.len() < FAILURES_KEPT_MAX => self.failures.push(update),
            _ => {}
        }
    }

    async fn groups(&self) -> Result<Vec<ChatItem>, rest::Error> {
        let (mut groups, mut after) = (Vec::new(), None);
        for _ in 0..CHAT_PAGES_MAX {
            let query = ChatsQuery { limit: Some(PAGE_CHATS), after };
            let page = patiently(|| self.session.rest().chats(&query)).await?;
            groups.extend(page.chats.into_iter().filter(|item| item.group.is_some()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(groups)
    }
}

/// There is no screen yet that would show it.
fn say_away() {
    // When standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "no connection; trying again");
}

/// The one group that is called so: exactly, or else but for capitals.
fn named(groups: &[ChatItem], name: &str) -> anyhow::Result<ChatId> {
    let name = clean_line(name.trim());
    let called = |is_it: &dyn Fn(&str) -> bool| -> Vec<&ChatItem> {
        groups.iter().filter(|item| title(item).is_some_and(|title| is_it(&title))).collect()
    };
    let mut found = called(&|title| title == name);
    if found.is_empty() {
        found = called(&|title| title.to_lowercase() == name.to_lowercase());
    }
    match found[..] {
        [item] => Ok(item.chat),
        [] if groups.is_empty() => {
            bail!("you are in no group; make one with --new-group TITLE --with USER…")
        }
        [] => bail!("you are in no group that is called {name:?}; you are in:{}", listed(groups.iter())),
        _ => bail!("several groups are called {name:?}, give the id of one:{}", listed(found.into_iter())),
    }
}

fn title(item: &ChatItem) -> Option<String> {
    item.group.as_ref()?.title.as_deref().map(clean_line)
}

fn listed<'a>(items: impl ExactSizeIterator<Item = &'a ChatItem>) -> String {
    let more = items.len().saturating_sub(GROUPS_LISTED_MAX);
    let line = |item: &ChatItem| {
        let members = item.group.as_ref().map_or(0, |group| group.members_count);
        let title = title(item).unwrap_or_else(|| "(no title)".to_owned());
        format!("\n  {}  {title}, {}", item.chat, counted(members))
    };
    let mut lines: String = items.take(GROUPS_LISTED_MAX).map(line).collect();
    if more > 0 {
        lines.push_str(&format!("\n  … and {more} more"));
    }
    lines
}

/// Asks again where that may help.
pub(super) async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, rest::Error>
where
    F: Future<Output = Result<T, rest::Error>>,
{
    let mut asked = 1;
    loop {
        match ask().await {
            Err(error) if error.is_retryable() && asked < ASKS_MAX => {
                asked += 1;
                sleep(ASK_AGAIN).await;
            }
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests;
