//! Deciding a batch of commands, without waiting for anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use chasqui_domain::{ChatId, Command, Offset, Source, Target, chat::decide::refuse_poison, decide, partition};
use chasqui_log::{Partitions, Record};
use chasqui_store::{ChatUpdate, LogPartition, Snapshot};
use chasqui_wire::{command, snapshot};

use crate::{
    Error,
    cache::Cached,
    error::Halt,
    outputs::{self, Outputs},
};

/// The marker in front of every record in Avro's single-object encoding, and how long it is with the fingerprint.
const MARKER: [u8; 2] = [0xC3, 0x01];
const FINGERPRINT_END: usize = 10;

/// What is to be done with a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    Decide(Command),
    /// It is on the skip list.
    Refuse(Command),
    /// It is on the skip list, and can't be read, so that nobody is there to be told.
    PassOver,
}

impl Task {
    /// The chat whose state is needed.
    pub(crate) fn chat(&self) -> Option<ChatId> {
        match self {
            Self::Decide(command) => Some(command.chat),
            Self::Refuse(_) | Self::PassOver => None,
        }
    }

    /// The message whose state is needed.
    pub(crate) fn message(&self) -> Option<(ChatId, Target)> {
        match self {
            Self::Decide(command) => command.action.target().map(|target| (command.chat, target)),
            Self::Refuse(_) | Self::PassOver => None,
        }
    }
}

/// What stays the same for a whole ownership.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) of: LogPartition,
    pub(crate) partitions: Partitions,
}

impl Place {
    /// Reads a record of `commands`.
    ///
    /// # Errors
    /// When it is of a later build, or poison that is not on the skip list yet.
    pub(crate) fn task(&self, record: &Record, skipped: &BTreeSet<Offset>) -> Result<Task, Halt> {
        let skip = skipped.contains(&record.offset);
        let poison = |why: String| {
            if skip { Ok(Task::PassOver) } else { Err(Halt::Poison { offset: record.offset, why }) }
        };
        let command = match catch_unwind(AssertUnwindSafe(|| command::decode(&record.value))) {
            Ok(Ok(command)) => command,
            Ok(Err(error @ chasqui_wire::Error::Schema { .. })) => return Err(error.into()),
            Ok(Err(chasqui_wire::Error::Fingerprint { .. })) if !skip && has_fingerprint(&record.value) => {
                return Err(Error::Schema { offset: record.offset }.into());
            }
            Ok(Err(error)) => return poison(error.to_string()),
            Err(panic) => return poison(why(&*panic)),
        };
        if skip {
            return Ok(Task::Refuse(command));
        }
        // A chat has one writer. If a gateway puts a command where it doesn't belong, this is not it.
        if partition::of_chat(&command.chat, self.partitions.chats) != self.of.partition {
            return poison("its chat belongs to another partition".to_owned());
        }
        Ok(Task::Decide(command))
    }

    /// Does what is to be done with a command, and raises its chat's state.
    ///
    /// # Errors
    /// When the command must not be decided here, or can't be; the states are then not to be used any more.
    pub(crate) fn run(
        &self,
        record: &Record,
        task: &Task,
        chats: &mut BTreeMap<ChatId, Cached>,
    ) -> Result<Outputs, Halt> {
        match task {
            Task::PassOver => Ok(Outputs::default()),
            Task::Refuse(command) => Ok(self.refuse(record, command)),
            Task::Decide(command) => {
                let cached = chats.entry(command.chat).or_insert_with(|| Cached::empty(command.chat));
                // A panic may have left the state half changed. It is dropped with the whole ownership.
                catch_unwind(AssertUnwindSafe(|| self.decide(record, command, cached)))
                    .unwrap_or_else(|panic| Err(Halt::Poison { offset: record.offset, why: why(&*panic) }))
            }
        }
    }

    fn decide(&self, record: &Record, command: &Command, cached: &mut Cached) -> Result<Outputs, Halt> {
        fail::fail_point!("sequencer::decide");
        let message = command.action.target().and_then(|target| cached.messages.get(&target.version)?.as_ref());
        let decision = decide(&cached.chat, message, command, record.time)
            .map_err(|rules| Error::Rules { offset: record.offset, rules })?;
        let poison = |why| Halt::Poison { offset: record.offset, why };
        let outputs = outputs::of(&decision, command.chat, self.source(record), &record.headers, self.partitions)
            .map_err(poison)?;
        for event in &decision.events {
            cached.apply(event).map_err(|error| poison(error.to_string()))?;
        }
        Ok(outputs)
    }

    /// A refusal must not fail. Whatever is in its way is left out, and in the end the refusal itself.
    fn refuse(&self, record: &Record, command: &Command) -> Outputs {
        catch_unwind(AssertUnwindSafe(|| {
            let (decision, source) = (refuse_poison(command), self.source(record));
            let written = |headers| outputs::of(&decision, command.chat, source, headers, self.partitions);
            written(&record.headers).or_else(|_| written(&[])).unwrap_or_default()
        }))
        .unwrap_or_default()
    }

    fn source(&self, record: &Record) -> Source {
        Source { log: self.of.log, partition: self.of.partition, offset: record.offset, index: 0 }
    }
}

/// What is new of what is shown of the chats whose version rose.
pub(crate) fn updates(chats: &BTreeMap<ChatId, Cached>, rose: &BTreeSet<ChatId>) -> Result<Vec<ChatUpdate>, Error> {
    let touched = rose.iter().filter_map(|id| chats.get(id));
    touched.map(Cached::update).collect()
}

/// The snapshots that are due.
pub(crate) fn snapshots(chats: &BTreeMap<ChatId, Cached>, every: u64) -> Result<Vec<Snapshot>, Error> {
    let due = chats.values().filter(|cached| cached.wants_snapshot(every));
    due.map(|Cached { chat, .. }| Ok(Snapshot { chat: chat.id, version: chat.version, bytes: snapshot::encode(chat)? }))
        .collect()
}

fn has_fingerprint(bytes: &[u8]) -> bool {
    bytes.starts_with(&MARKER) && bytes.len() >= FINGERPRINT_END
}

fn why(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic").to_owned()
}

#[cfg(test)]
mod tests;
