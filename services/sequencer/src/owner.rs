//! An ownership of a partition: from the committed offset on, until the first error.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chasqui_domain::{ChatId, Offset, Version};
use chasqui_log::{Reader, Record, Topic};
use chasqui_store::Snapshot;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use crate::{
    Error, Sequencer,
    batch::{self, Place, Task},
    cache::{Cache, Cached},
    error::Halt,
    load,
    outputs::Outputs,
    touched::Touched,
};

/// How many chats are loaded at a time. Their rows have bodies, so their sizes are far from even.
const LOAD_CHATS: usize = 16;

/// Gives up the ownership as if the log had failed, when a test wants it so.
macro_rules! failpoint {
    ($name:literal) => {
        fail::fail_point!($name, |_| Err(Halt::Failed(Error::Log(chasqui_log::Error::Unavailable {
            why: concat!("failpoint ", $name).to_owned(),
        }))))
    };
}

pub(crate) struct Owner<'a> {
    sequencer: &'a Sequencer,
    place: Place,
    reader: Box<dyn Reader>,
    /// What was read and has to wait for the next batch.
    read: VecDeque<Record>,
    skipped: BTreeSet<Offset>,
    /// Everything below is decided, stored and published.
    decided: Offset,
    /// Everything below is committed.
    committed: Offset,
    /// How many batches lie in between.
    uncommitted: usize,
    cache: Cache,
}

impl<'a> Owner<'a> {
    /// Takes the partition over.
    pub(crate) async fn own(sequencer: &'a Sequencer) -> Result<Self, Halt> {
        let (log, store, of) = (&sequencer.deps.log, &sequencer.deps.store, sequencer.of());
        let at = Topic::Commands.partition(sequencer.partition);
        let committed = store.committed(of).await?;
        let bounds = log.bounds(&at).await?;
        let committed = match committed {
            Some(committed) if committed > bounds.end => {
                return Err(Error::LogBehind { committed, end: bounds.end }.into());
            }
            Some(committed) => committed,
            // Nothing is released before something is committed, so a start above 0 is a trace of former work, too.
            None if bounds.start > Offset(0) || store.has_events(of).await? => return Err(Error::OffsetLost.into()),
            None => {
                store.commit(of, bounds.start, Vec::new()).await?;
                bounds.start
            }
        };
        let mut skipped = store.skipped(of).await?;
        let owner = Self {
            sequencer,
            place: Place { of, partitions: log.partitions() },
            reader: log.reader_ahead(&at, committed).await?,
            read: VecDeque::new(),
            skipped: skipped.split_off(&committed),
            decided: committed,
            committed,
            uncommitted: 0,
            cache: Cache::new(sequencer.options.cache_bytes_max),
        };
        tracing::info!(partition = of.partition.0, from = committed.0, "the sequencer owns its partition");
        owner.report(committed == bounds.end);
        Ok(owner)
    }

    /// Reads a batch, decides it, and makes it last. The order of these steps is what the whole design rests on:
    /// rows, then events and inbox records, then the offset with the snapshots. The offset may wait for further batches: who
    /// begins before it decides them again, and the same.
    pub(crate) async fn step(&mut self) -> Result<(), Halt> {
        let records = self.next_batch().await?;
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            return Ok(());
        };
        let (first, next) = (first.offset, last.offset.next());
        failpoint!("sequencer::after_read");
        let tasks =
            records.iter().map(|record| self.place.task(record, &self.skipped)).collect::<Result<Vec<_>, _>>()?;
        let mut chats = self.load(&tasks, first).await?;
        let outputs = self.decide(&records, &tasks, &mut chats)?;
        let rose: BTreeSet<ChatId> = outputs.rows.iter().map(|row| row.chat).collect();
        let updates = batch::updates(&chats, &rose)?;
        let snapshots = batch::snapshots(&chats, self.sequencer.options.snapshot_every)?;

        if !outputs.rows.is_empty() {
            self.sequencer.deps.store.write_events(self.place.of, outputs.rows, updates).await?;
        }
        failpoint!("sequencer::after_rows");
        if !outputs.appends.is_empty() {
            self.sequencer.deps.log.append_ahead(outputs.appends).await?;
        }
        failpoint!("sequencer::after_publish");
        self.decided = next;
        self.uncommitted += 1;
        if !snapshots.is_empty() || self.must_commit() {
            let made: Vec<_> = snapshots.iter().map(|snapshot| (snapshot.chat, snapshot.version)).collect();
            self.commit(snapshots).await?;
            for (chat, version) in made {
                if let Some(cached) = chats.get_mut(&chat) {
                    cached.snapshot = version;
                }
            }
        }

        for cached in chats.into_values() {
            self.cache.put(Cached { touched: Touched::default(), ..cached });
        }
        self.skipped = self.skipped.split_off(&next);
        Ok(())
    }

    /// Whether the batches so far may not wait for others.
    fn must_commit(&self) -> bool {
        fail::fail_point!("sequencer::commits_each", |_| true);
        self.uncommitted >= self.sequencer.options.commit_batches_max
    }

    async fn next_batch(&mut self) -> Result<Vec<Record>, Halt> {
        let options = &self.sequencer.options;
        if self.read.is_empty() {
            let ready = self.reader.next(options.batch_bytes_max).now_or_never();
            if ready.is_none() && self.uncommitted > 0 {
                self.commit(Vec::new()).await?;
            }
            let read = match ready {
                Some(read) => read?,
                None => self.reader.next(options.batch_bytes_max).await?,
            };
            self.read = read.into();
        }
        let count = self.read.len().min(options.batch_commands_max.max(1));
        Ok(self.read.drain(..count).collect())
    }

    /// The states, as of `before`, of the chats that are asked something.
    async fn load(&mut self, tasks: &[Task], before: Offset) -> Result<BTreeMap<ChatId, Cached>, Halt> {
        let wanted: BTreeSet<ChatId> = tasks.iter().filter_map(Task::chat).collect();
        let mut chats = BTreeMap::new();
        let mut missing = Vec::new();
        for chat in wanted {
            match self.cache.take(&chat) {
                Some(cached) => drop(chats.insert(chat, cached)),
                None => missing.push(chat),
            }
        }
        let store = &self.sequencer.deps.store;
        let mut has_snapshot = false;
        for some in missing.chunks(LOAD_CHATS) {
            let logs = store.load_chats(some, self.place.of.log, before).await?;
            for (&chat, log) in some.iter().zip(logs) {
                has_snapshot |= log.snapshot.is_some();
                chats.insert(chat, load::fold(chat, &log)?);
            }
        }
        self.load_messages(tasks, before, &mut chats).await?;
        // A snapshot says nothing of the command that it is as of. One beyond `before` can only be there if somebody
        // else committed, which the offset shows, since it is written before the snapshots.
        if has_snapshot && store.committed(self.place.of).await? != Some(self.committed) {
            return Err(Error::Overtaken.into());
        }
        Ok(chats)
    }

    /// The states, as of `before`, of the messages that something is to be done to.
    async fn load_messages(
        &self,
        tasks: &[Task],
        before: Offset,
        chats: &mut BTreeMap<ChatId, Cached>,
    ) -> Result<(), Halt> {
        let mut wanted: BTreeMap<ChatId, BTreeSet<Version>> = BTreeMap::new();
        for (chat, target) in tasks.iter().filter_map(Task::message) {
            wanted.entry(chat).or_default().insert(target.version);
        }
        let (store, at) = (&*self.sequencer.deps.store, (self.place.of.log, before));
        for (chat, wanted) in wanted {
            let Some(cached) = chats.get_mut(&chat) else { continue };
            let loads = cached.missing(&wanted).into_iter();
            let loads = loads.map(async |version| Ok((version, load::message(store, chat, version, at).await?)));
            let loaded: Vec<_> =
                stream::iter(loads).buffered(LOAD_CHATS).try_collect::<Vec<_>>().await.map_err(|error: Error| error)?;
            cached.messages.extend(loaded);
        }
        Ok(())
    }

    fn decide(
        &self,
        records: &[Record],
        tasks: &[Task],
        chats: &mut BTreeMap<ChatId, Cached>,
    ) -> Result<Outputs, Halt> {
        let mut outputs = Outputs::default();
        for (record, task) in records.iter().zip(tasks) {
            outputs.extend(self.place.run(record, task, chats)?);
        }
        Ok(outputs)
    }

    async fn commit(&mut self, snapshots: Vec<Snapshot>) -> Result<(), Halt> {
        self.sequencer.deps.store.commit(self.place.of, self.decided, snapshots).await?;
        (self.committed, self.uncommitted) = (self.decided, 0);
        failpoint!("sequencer::after_commit");
        self.report(true);
        Ok(())
    }

    /// `well`: nothing is known that it would have to wait for.
    fn report(&self, well: bool) {
        self.sequencer.progress.send_modify(|progress| {
            progress.caught_up_to = Some(self.committed);
            if well {
                progress.waiting = None;
            }
        });
    }
}
