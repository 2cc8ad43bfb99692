//! Decides and applies every recorded command, in the order of its partition.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use bytes::Bytes;
use chasqui_domain::{
    Chat, ChatId, Decision, Effect, Entry, Event, Source, UserId, chat::decide::refuse_poison, decide, partition,
};
use chasqui_log::{Record, Topic};
use chasqui_store::LogPartition;
use chasqui_wire::{command, entry};

use crate::recorded::Recorded;

/// What the commands give.
#[derive(Default)]
pub(crate) struct Fold {
    pub(crate) chats: BTreeMap<ChatId, Chat>,
    /// The events of each chat, and the commands that caused them.
    pub(crate) events: BTreeMap<ChatId, Vec<(Event, Source)>>,
    /// What each user's inbox keeps of each chat.
    pub(crate) inboxes: BTreeMap<UserId, BTreeMap<ChatId, Vec<Bytes>>>,
    pub(crate) commands: u64,
}

impl Fold {
    pub(crate) async fn of(recorded: &Recorded) -> anyhow::Result<Self> {
        let mut fold = Self::default();
        for partition in recorded.partitions_of_chats() {
            let of = LogPartition { log: recorded.log.id(), partition };
            let skipped = recorded.store.skipped(of).await?;
            for record in recorded.records(&Topic::Commands, partition).await? {
                let source = Source { log: of.log, partition, offset: record.offset, index: 0 };
                let at = || format!("command {} of partition {partition}", record.offset);
                fold.take(recorded, &record, source, skipped.contains(&record.offset)).with_context(at)?;
            }
        }
        Ok(fold)
    }

    fn take(&mut self, recorded: &Recorded, record: &Record, source: Source, is_skipped: bool) -> anyhow::Result<()> {
        self.commands += 1;
        let command = match command::decode(&record.value) {
            Ok(command) => command,
            Err(_) if is_skipped => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let count = recorded.log.partitions().chats;
        ensure!(partition::of_chat(&command.chat, count) == source.partition, "{} doesn't belong here", command.chat);
        let chat = self.chats.entry(command.chat).or_insert_with(|| Chat::new(command.chat));
        let decision = if is_skipped { refuse_poison(&command) } else { decide(chat, None, &command, record.time)? };
        let Decision { events, effects } = decision;
        for (event, index) in events.into_iter().zip(0..) {
            chat.apply(&event)?;
            chat.validate()?;
            self.events.entry(event.chat).or_default().push((event, source.with_index(index)));
        }
        effects.iter().try_for_each(|effect| self.place(command.chat, effect))
    }

    fn place(&mut self, chat: ChatId, effect: &Effect) -> anyhow::Result<()> {
        let Effect::Place { recipients, entry } = effect;
        if entry.is_kept() {
            ensure!(chat_of(entry) == chat, "an entry of another chat");
            let bytes = entry::encode(entry)?;
            for user in recipients {
                let inbox = self.inboxes.entry(user.clone()).or_default();
                inbox.entry(chat).or_default().push(bytes.clone());
            }
        }
        Ok(())
    }

    /// All users of all chats.
    pub(crate) fn users(&self) -> BTreeSet<&UserId> {
        self.chats.values().flat_map(|chat| &chat.members).map(|member| &member.user).collect()
    }
}

pub(crate) fn chat_of(entry: &Entry) -> ChatId {
    match entry {
        Entry::Message { event } | Entry::Changed { event } => event.chat,
        Entry::Counts(counts) => counts.chat,
        Entry::Repeated { chat, .. }
        | Entry::Done { chat, .. }
        | Entry::Refused { chat, .. }
        | Entry::Receipt { chat, .. } => *chat,
    }
}
