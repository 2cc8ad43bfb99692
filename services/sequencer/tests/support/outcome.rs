//! What a sequencer has made, and how two of these compare.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chasqui_domain::{ChatId, Offset, Partition, Seq, Version};
use chasqui_log::{Header, Log, Record, Topic, TopicPartition};
use chasqui_store::{ChatRow, EventQuery, EventRow, MemberRow, MessageRow, Store, Stream};
use chasqui_wire::{event, inbox::InboxRecord};

use chasqui_testkit::workload::{OF, chats};

pub type Written = (Bytes, Bytes, Vec<Header>);

/// Everything that lasts, without the copies that a repetition leaves in topics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub rows: Vec<EventRow>,
    /// Of each chat its members, and how the first of them finds it.
    pub shown: Vec<(Vec<MemberRow>, Option<ChatRow>)>,
    /// What has become of messages, and what is found by the first of them.
    pub messages: Vec<(Vec<MessageRow>, Vec<EventRow>)>,
    pub skipped: BTreeSet<Offset>,
    pub events: BTreeMap<(ChatId, Version), Written>,
    /// By inbox partition: the sources in the order in which a router takes them, with what it takes.
    pub inbox: BTreeMap<Partition, BTreeMap<(Offset, u32), Written>>,
}

impl Outcome {
    pub async fn of(log: &dyn Log, store: &dyn Store) -> Self {
        let mut rows = Vec::new();
        for chat in chats() {
            for stream in Stream::ALL {
                let versions = Version(0)..Version(u64::MAX);
                let query = EventQuery { chat, stream, versions, descending: false, rows_max: usize::MAX };
                rows.extend(store.events(&query).await.unwrap());
            }
        }
        let mut shown = Vec::new();
        for chat in chats() {
            let members = store.members(chat, None, usize::MAX).await.unwrap();
            let row = match members.first() {
                Some(first) => store.chats(&[chat], &first.user).await.unwrap().remove(0),
                None => None,
            };
            shown.push((members, row));
        }
        let mut messages = Vec::new();
        for chat in chats() {
            let (stream, versions) = (Stream::About(Seq(1)), Version(0)..Version(u64::MAX));
            let query = EventQuery { chat, stream, versions, descending: false, rows_max: usize::MAX };
            let about = store.events(&query).await.unwrap();
            messages.push((store.messages(chat, Seq(0)..Seq(u64::MAX)).await.unwrap(), about));
        }
        let mut outcome = Self { rows, shown, messages, skipped: store.skipped(OF).await.unwrap(), ..Self::default() };
        for record in records(log, &Topic::Events.partition(OF.partition)).await {
            let (event, _) = event::decode(&record.value).unwrap();
            let written = written(&record);
            let first = outcome.events.entry((event.chat, event.version)).or_insert_with(|| written.clone());
            assert_eq!(*first, written, "a copy of an event has other bytes");
        }
        for partition in (0..log.partitions().users.get()).map(Partition) {
            let placed = taken(&records(log, &Topic::Inbox.partition(partition)).await);
            outcome.inbox.insert(partition, placed);
        }
        outcome
    }

    /// What must be there once all commands below `committed` are done; and rows stand before they are published.
    pub fn check_order(&self, committed: Offset, whole: &Self) {
        let rows: BTreeMap<_, _> = self.rows.iter().map(|row| ((row.chat, row.version), row)).collect();
        for place in self.events.keys() {
            assert!(rows.contains_key(place), "an event was published before its row was there");
        }
        for row in whole.rows.iter().filter(|row| row.source.offset < committed) {
            let place = (row.chat, row.version);
            assert!(rows.contains_key(&place) && self.events.contains_key(&place), "committed before it was done");
        }
        for (partition, whole) in &whole.inbox {
            for source in whole.keys().filter(|(offset, _)| *offset < committed) {
                assert!(self.inbox[partition].contains_key(source), "committed before it was placed");
            }
        }
    }
}

/// What a router takes: what lies above the highest source so far. The rest must be copies.
fn taken(records: &[Record]) -> BTreeMap<(Offset, u32), Written> {
    let mut taken: BTreeMap<_, Written> = BTreeMap::new();
    for record in records {
        let source = InboxRecord::decode(&record.value).unwrap().source;
        let (at, written) = ((source.offset, source.index), written(record));
        match taken.last_key_value() {
            Some((&highest, _)) if at <= highest => {
                assert_eq!(taken.get(&at), Some(&written), "a repetition has other bytes, or comes out of order");
            }
            _ => drop(taken.insert(at, written)),
        }
    }
    taken
}

fn written(record: &Record) -> Written {
    (record.key.clone(), record.value.clone(), record.headers.clone())
}

pub async fn records(log: &dyn Log, at: &TopicPartition) -> Vec<Record> {
    let bounds = log.bounds(at).await.unwrap();
    let mut reader = log.reader(at, bounds.start).await.unwrap();
    let mut records = Vec::new();
    while records.len() < (bounds.end.0 - bounds.start.0) as usize {
        records.extend(reader.next(1 << 20).await.unwrap());
    }
    records
}
