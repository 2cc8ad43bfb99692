//! What a decision is written as: rows, events, and inbox records. Nothing in them depends on how commands fall into
//! batches, on clocks, or on who writes them.

use std::collections::BTreeMap;

use bytes::Bytes;
use chasqui_domain::{
    ChatId, Decision, Effect, Entry, Event, EventKind, GroupCounts, Partition, Source, UserId, partition,
};
use chasqui_log::{Append, Header, Partitions, Topic};
use chasqui_store::{EventRow, Stream};
use chasqui_wire::{event, inbox::InboxRecord};

/// The outputs of commands, in order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Outputs {
    pub(crate) rows: Vec<EventRow>,
    pub(crate) appends: Vec<Append>,
}

impl Outputs {
    pub(crate) fn extend(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.appends.extend(other.appends);
    }
}

/// Writes a decision down.
///
/// # Errors
/// Says why it can't be written; the command must then be refused.
pub(crate) fn of(
    decision: &Decision,
    chat: ChatId,
    source: Source,
    headers: &[Header],
    partitions: Partitions,
) -> Result<Outputs, String> {
    let mut outputs = Outputs::default();
    let to = Encoding { key: Bytes::copy_from_slice(chat.as_bytes()), headers, partitions };
    for (event, index) in decision.events.iter().zip(0..) {
        to.event(&mut outputs, event, source.with_index(index)).map_err(|error| error.to_string())?;
    }
    for (effect, index) in decision.effects.iter().zip(0..) {
        let Effect::Place { recipients, entry } = effect;
        to.place(&mut outputs, recipients, entry, source.with_index(index)).map_err(|error| error.to_string())?;
    }
    // The log would refuse the whole batch again and again; a command that is too large is one that can't be decided.
    partitions.check_batch(&outputs.appends).map_err(|error| error.to_string())?;
    Ok(outputs)
}

struct Encoding<'a> {
    key: Bytes,
    headers: &'a [Header],
    partitions: Partitions,
}

impl Encoding<'_> {
    fn event(&self, outputs: &mut Outputs, event: &Event, source: Source) -> Result<(), chasqui_wire::Error> {
        let (envelope, body) = event::encode_envelope(event, &source)?;
        let target = event.kind.target();
        let stream = match &event.kind {
            EventKind::Delivered { .. } | EventKind::Read { .. } => Stream::Receipts,
            EventKind::Opened { .. } | EventKind::Message { .. } => Stream::Content,
            EventKind::Changed { .. } if target.is_some() => Stream::Actions,
            EventKind::Created { .. } | EventKind::Changed { .. } => Stream::Changes,
        };
        let value = event::encode(event, &source)?;
        let (chat, version) = (event.chat, event.version);
        if let Some(target) = target {
            let (stream, envelope) = (Stream::About(target.seq), envelope.clone());
            outputs.rows.push(EventRow { chat, stream, version, source, envelope, body: None });
        }
        outputs.rows.push(EventRow { chat, stream, version, source, envelope, body });
        outputs.appends.push(self.append(Topic::Events, source.partition, value));
        Ok(())
    }

    /// One record for each inbox partition, not one for each recipient.
    fn place(
        &self,
        outputs: &mut Outputs,
        recipients: &[UserId],
        entry: &Entry,
        source: Source,
    ) -> Result<(), chasqui_wire::Error> {
        let mut by_partition: BTreeMap<Partition, Vec<UserId>> = BTreeMap::new();
        for user in recipients {
            by_partition.entry(partition::of_user(user, self.partitions.users)).or_default().push(user.clone());
        }
        for (partition, recipients) in by_partition {
            let entry = told_to(entry, &recipients);
            let value = InboxRecord { source, recipients, entry }.encode()?;
            outputs.appends.push(self.append(Topic::Inbox, partition, value));
        }
        Ok(())
    }

    fn append(&self, topic: Topic, partition: Partition, value: Bytes) -> Append {
        Append { to: topic.partition(partition), key: self.key.clone(), value, headers: self.headers.to_vec() }
    }
}

/// The entry as it is for some of its recipients: each author gets counts of their own, and needs no others'.
fn told_to(entry: &Entry, recipients: &[UserId]) -> Entry {
    match entry {
        Entry::Counts(GroupCounts { chat, version, authors }) => {
            let authors = authors.iter().filter(|counts| recipients.binary_search(&counts.author).is_ok());
            Entry::Counts(GroupCounts { chat: *chat, version: *version, authors: authors.cloned().collect() })
        }
        entry => entry.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use chasqui_domain::{DeviceId, LogId, Offset, Refusal};

    use super::*;

    #[test]
    fn effects_are_numbered_and_each_inbox_partition_gets_one_record_of_each() {
        let users = NonZeroU32::new(3).unwrap();
        let all: Vec<UserId> = (0..40).map(|number| UserId::new(format!("user-{number}")).unwrap()).collect();
        let chat = ChatId::direct(&all[0], &all[1]);
        let device = DeviceId::new("phone").unwrap();
        let entry = Entry::Refused { chat, device, counter: None, refusal: Refusal::SeqAhead };
        let effect = Effect::Place { recipients: all.clone(), entry };
        let decision = Decision { events: Vec::new(), effects: vec![effect.clone(), effect] };
        let source = Source { log: LogId([1; 16]), partition: Partition(0), offset: Offset(9), index: 0 };
        let partitions = Partitions { chats: NonZeroU32::MIN, users };
        let outputs = of(&decision, chat, source, &[], partitions).unwrap();
        let mut seen = Vec::new();
        for append in &outputs.appends {
            let record = InboxRecord::decode(&append.value).unwrap();
            let own = all.iter().filter(|user| partition::of_user(user, users) == append.to.partition);
            assert_eq!(record.recipients, own.cloned().collect::<Vec<_>>());
            seen.push((record.source.index, append.to.partition.0));
        }
        assert_eq!(seen, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
    }
}
