//! What a file's names stand for: users and groups, and what devices have asked for.

use std::collections::BTreeMap;

use anyhow::Context;
use chasqui_client::{Asked, To};
use chasqui_domain::{ChatId, Counter, TimeMs, UserId};
use chasqui_wire::frames::{Done, Failed};

use crate::format::Device;

/// What a group's name begins with.
pub(crate) const GROUP: char = '#';

/// What devices have asked for, by device, chat and id. A group that is asked for has no chat yet.
type Ids = BTreeMap<(Device, Option<ChatId>, Counter), String>;

#[derive(Default)]
pub(crate) struct Names {
    asked: Ids,
    groups: BTreeMap<String, ChatId>,
    /// When the messages were sent.
    times: BTreeMap<String, TimeMs>,
}

impl Names {
    /// The chat of a user with another, or a group.
    pub(crate) fn chat(&self, user: &str, with: &str) -> anyhow::Result<ChatId> {
        if with.starts_with(GROUP) {
            return self.group(with);
        }
        Ok(ChatId::direct(&UserId::new(user)?, &UserId::new(with)?))
    }

    pub(crate) fn group(&self, name: &str) -> anyhow::Result<ChatId> {
        self.groups.get(name).copied().with_context(|| format!("{name} is no group yet"))
    }

    /// Whom something is for.
    pub(crate) fn to(&self, to: &str) -> anyhow::Result<To> {
        if to.starts_with(GROUP) { Ok(To::Group(self.group(to)?)) } else { Ok(To::User(UserId::new(to)?)) }
    }

    /// What the file calls a group.
    pub(crate) fn of_group(&self, chat: ChatId) -> Option<&String> {
        self.groups.iter().find(|(_, known)| **known == chat).map(|(name, _)| name)
    }

    /// A device has asked for something that the file calls so.
    pub(crate) fn asks(&mut self, device: &Device, chat: Option<ChatId>, id: Counter, name: &str) {
        self.asked.insert((device.clone(), chat, id), name.to_owned());
    }

    /// An id that no client gives, for what it refuses by itself.
    pub(crate) fn unused(&self) -> Counter {
        Counter(u64::MAX - self.asked.len() as u64)
    }

    /// What a device has asked of a chat.
    pub(crate) fn of(&self, device: &Device, chat: ChatId, id: Counter) -> Option<&String> {
        self.asked.get(&(device.clone(), Some(chat), id))
    }

    /// What is done. Groups are counted apart from what is asked in them.
    pub(crate) fn of_done(&self, device: &Device, asked: Option<&Asked>, done: &Done) -> Option<&String> {
        let is_group = matches!(asked, Some(Asked::Create(_)));
        self.asked.get(&(device.clone(), (!is_group).then_some(done.chat), done.id))
    }

    /// What was refused. A group that isn't made is known by its id alone.
    pub(crate) fn of_failed(&self, device: &Device, failed: &Failed) -> Option<&String> {
        let id = failed.id?;
        let of = |chat| self.asked.get(&(device.clone(), chat, id));
        failed.chat.and_then(|chat| of(Some(chat))).or_else(|| of(None))
    }

    /// A device has learnt which chat a group is, or that something else is done.
    pub(crate) fn is_done(&mut self, name: &str, chat: ChatId) {
        if name.starts_with(GROUP) {
            self.groups.insert(name.to_owned(), chat);
        }
    }

    pub(crate) fn is_sent(&mut self, name: &str, at: TimeMs) {
        self.times.insert(name.to_owned(), at);
    }

    /// When a message was sent.
    pub(crate) fn time(&self, of: &str) -> anyhow::Result<TimeMs> {
        self.times.get(of).copied().context("a message without a time")
    }
}
