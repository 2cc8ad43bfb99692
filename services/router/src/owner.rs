//! An ownership of a partition: from the checkpoint on, until the first error.

mod leases;

use std::{collections::VecDeque, future::ready, time::Duration};

use chasqui_domain::{Offset, Partition, Term};
use chasqui_log::{Append, Reader, Record, Topic};
use chasqui_store::{Checkpoint, LogPartition};
use chasqui_wire::checkpoint::RouterState;
use futures::FutureExt;

use crate::{
    Error, Router, SESSION_TTL,
    begin::{Follower, begins_term, take_over},
    devices::Devices,
    gateways::Gateways,
    gathered::Gathered,
    placing::{Arrived, Placed, Routes},
    presence::{Owed, Table},
};

/// How many records about sessions are appended at a time; after a long absence there may be one for every session.
const APPENDS_MAX: usize = 1024;

/// Gives up the ownership as if the log had failed, when a test wants it so.
macro_rules! failpoint {
    ($name:literal) => {
        fail::fail_point!($name, |_| Err(Error::Log(chasqui_log::Error::Unavailable {
            why: concat!("failpoint ", $name).to_owned(),
        })))
    };
}

enum Event {
    Heartbeats(Vec<Record>),
    Presence(Vec<Record>),
    Inbox(Vec<Record>),
    Nothing,
    Gathered,
    Tick,
}

pub(crate) struct Owner<'a> {
    router: &'a Router,
    of: LogPartition,
    /// What tells this ownership from others.
    term: Term,
    inbox: Box<dyn Reader>,
    presence: Follower,
    heartbeats: Follower,
    table: Table,
    placed: Placed,
    /// What authors in groups are to be told. No checkpoint says that the records it came from are done before it is told, but for
    /// what has to wait for another window: that is in the checkpoint.
    gathered: Gathered,
    /// What was read and is not placed yet.
    arrived: VecDeque<Arrived>,
    /// All inbox records below are placed and pushed.
    next: Offset,
    /// All presence records below are answered.
    answered: Offset,
    /// Until when sessions may live that are not known here, and from which offset of `presence` on they were missed: a
    /// successor must know as well.
    missed: Option<(Duration, Offset)>,
    /// How many batches no checkpoint has yet.
    unsaved: usize,
    /// Whether the last checkpoint says all that there is to say.
    is_saved: bool,
    tick_at: Duration,
}

impl<'a> Owner<'a> {
    /// Takes the partition over.
    pub(crate) async fn own(router: &'a Router) -> Result<Self, Error> {
        let (log, of) = (router.deps.log.as_ref(), router.of());
        let inbox_at = Topic::Inbox.partition(of.partition);
        let presence_at = Topic::Presence.partition(of.partition);
        let checkpoint = take_over(router, &inbox_at, &presence_at).await?;
        let state = RouterState::decode(&checkpoint.state)?;
        let heartbeats_at = Topic::Heartbeats.partition(Partition(0));
        // Old heartbeats say nothing. All leases begin now.
        let heard = log.bounds(&heartbeats_at).await?.end;
        let bounds = log.bounds(&presence_at).await?;
        let now = router.deps.runtime.monotonic();
        let mut gateways = Gateways::new(router.options.lease, state.suspended, now);
        // What was said last of a session that lives may be gone. By then every one has said it again.
        let missed = (bounds.start > state.presence_from).then(|| (now + SESSION_TTL, state.presence_from));
        if missed.is_some() {
            gateways.suspect_all(checkpoint.inbox);
        }
        let mut owner = Self {
            router,
            of,
            term: checkpoint.term,
            inbox: log.reader_ahead(&inbox_at, checkpoint.inbox).await?,
            presence: Follower::of_presence(log, &presence_at, bounds.start.max(state.presence_from)).await?,
            heartbeats: Follower::of_heartbeats(log, &heartbeats_at, heard).await?,
            table: Table::new(gateways),
            placed: Placed(state.placed),
            gathered: Gathered::new(state.counts, now),
            arrived: VecDeque::new(),
            next: checkpoint.inbox,
            answered: checkpoint.presence,
            missed,
            unsaved: 0,
            is_saved: true,
            tick_at: now,
        };
        owner.read_table(bounds.end).await?;
        tracing::info!(partition = of.partition.0, from = owner.next.0, "the router owns its partition");
        owner.report(owner.next == log.bounds(&inbox_at).await?.end);
        Ok(owner)
    }

    /// Reads the session table to its end before anything is placed: a session that a former owner has answered must
    /// get what comes from then on.
    async fn read_table(&mut self, end: Offset) -> Result<(), Error> {
        let mut owed = Owed::new(self.of.log);
        while self.presence.next < end {
            let records = self.presence.next(self.router.options.read_bytes_max).await?;
            self.is_newest(&records)?;
            let now = self.now();
            for record in records {
                let is_new = record.offset >= self.answered;
                self.table.presence(&record, now, is_new.then_some(&mut owed));
            }
        }
        let forgotten = self.table.expire(self.now(), self.presence.last(), &mut owed.devices);
        self.tell_forgotten(forgotten).await?;
        self.settle(owed).await
    }

    /// Waits for something and does what it asks for.
    pub(crate) async fn step(&mut self) -> Result<(), Error> {
        let bytes_max = self.router.options.read_bytes_max;
        if self.now() >= self.tick_at {
            self.tick().await?;
        }
        let sleep = self.router.deps.runtime.sleep(self.tick_at.saturating_sub(self.now()));
        let due = self.gathered.due();
        if due.is_some_and(|due| due <= self.now()) {
            return self.tell_gathered().await;
        }
        let gathered = self.router.deps.runtime.sleep(due.unwrap_or_default().saturating_sub(self.now()));
        let event = tokio::select! {
            biased;
            records = self.heartbeats.next(bytes_max) => Event::Heartbeats(records?),
            records = self.presence.next(bytes_max) => Event::Presence(records?),
            records = self.inbox.next(bytes_max) => Event::Inbox(records?),
            () = ready(()), if self.unsaved > 0 && due.is_none() => Event::Nothing,
            () = gathered, if due.is_some() => Event::Gathered,
            () = sleep => Event::Tick,
        };
        match event {
            Event::Heartbeats(records) => self.hear(&records).await?,
            Event::Presence(records) => self.attend(&records).await?,
            Event::Inbox(records) => return self.place(records).await,
            Event::Nothing => return self.checkpoint().await,
            Event::Gathered | Event::Tick => return Ok(()),
        }
        // However much is said of sessions, entries come in between.
        let ready = self.inbox.next(bytes_max).now_or_never().transpose()?;
        self.place(ready.unwrap_or_default()).await
    }

    /// Gives way to whoever has taken over since. That is for whoever keeps a former owner at work: gateways and the store
    /// would take nothing of this one any more.
    fn is_newest(&self, records: &[Record]) -> Result<(), Error> {
        let is_later = |record: &Record| begins_term(record) && record.offset.0 > self.term.0;
        if records.iter().any(is_later) { Err(Error::Overtaken) } else { Ok(()) }
    }

    async fn attend(&mut self, records: &[Record]) -> Result<(), Error> {
        self.is_newest(records)?;
        let (now, mut owed) = (self.now(), Owed::new(self.of.log));
        for record in records {
            self.table.presence(record, now, Some(&mut owed));
        }
        self.settle(owed).await
    }

    /// Rows below `next` are stored, and what comes from there on is pushed: that is what an answer says. Whoever waits
    /// for one doesn't wait for the rows of devices, but the records count as answered only behind them.
    async fn settle(&mut self, owed: Owed) -> Result<(), Error> {
        self.append(self.table.answers(owed.waiting, self.term, self.of.partition, self.next)?).await?;
        failpoint!("router::after_answers");
        self.write_devices(owed.devices).await?;
        if self.answered < self.presence.next {
            self.answered = self.presence.next;
            self.is_saved = false;
        }
        Ok(())
    }

    async fn append(&self, all: Vec<Append>) -> Result<(), Error> {
        let mut all = all.into_iter();
        loop {
            let some: Vec<Append> = all.by_ref().take(APPENDS_MAX).collect();
            if some.is_empty() {
                return Ok(());
            }
            self.router.deps.log.append_ahead(some).await?;
        }
    }

    async fn write_devices(&self, devices: Devices) -> Result<(), Error> {
        for rows in devices.into_rows().chunks(self.router.options.batch_rows_max.max(1)) {
            self.router.deps.store.write_devices(self.of, rows.to_vec()).await?;
        }
        Ok(())
    }

    async fn place(&mut self, records: Vec<Record>) -> Result<(), Error> {
        for record in records {
            self.arrived.push_back(Arrived::read(record, self.of.log)?);
        }
        while !self.arrived.is_empty() {
            self.judge().await?;
            let (rows_max, mut rows) = (self.router.options.batch_rows_max, 0);
            let fit = self.arrived.iter().take_while(|arrived| {
                rows += arrived.inbox.recipients.len();
                rows <= rows_max
            });
            let count = fit.count().max(1);
            let batch: Vec<Arrived> = self.arrived.drain(..count).collect();
            self.place_batch(&batch).await?;
        }
        Ok(())
    }

    /// Row, then push, then checkpoint, which may wait for further batches: who begins before it writes the same rows again, and
    /// pushes what sessions drop.
    async fn place_batch(&mut self, arrived: &[Arrived]) -> Result<(), Error> {
        let Some(last) = arrived.last() else { return Ok(()) };
        let deps = &self.router.deps;
        let mut placed = std::mem::take(&mut self.placed);
        let batch = self.routes().place(arrived, &mut placed);
        self.placed = placed;
        let batch = batch?;
        if !batch.rows.is_empty() {
            deps.store.write_inbox(batch.rows).await?;
        }
        failpoint!("router::after_rows");
        if !batch.pushes.is_empty() {
            deps.log.append_ahead(batch.pushes).await?;
        }
        failpoint!("router::after_push");
        let now = self.now();
        batch.counts.into_iter().for_each(|counts| self.gathered.add(counts, now));
        self.next = last.record.offset.next();
        self.is_saved = false;
        self.unsaved += 1;
        if self.must_save() { self.checkpoint().await } else { Ok(()) }
    }

    /// Whether the batches so far may not wait for others, but for what was gathered.
    fn must_save(&self) -> bool {
        fail::fail_point!("router::saves_each", |_| true);
        self.unsaved >= self.router.options.checkpoint_batches_max && self.gathered.due().is_none()
    }

    /// Tells authors in groups what was gathered, behind which a checkpoint may follow.
    async fn tell_gathered(&mut self) -> Result<(), Error> {
        let now = self.now();
        let told = self.gathered.take(now);
        self.append(self.routes().tell(told)?).await?;
        self.checkpoint().await
    }

    fn routes(&self) -> Routes<'_> {
        let Table { sessions, gateways, .. } = &self.table;
        let partitions = self.router.deps.log.partitions();
        Routes { of: self.of, term: self.term, partitions, sessions, gateways }
    }

    async fn checkpoint(&mut self) -> Result<(), Error> {
        self.save().await?;
        failpoint!("router::after_checkpoint");
        self.report(true);
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), Error> {
        let mut devices = Devices::new(self.of.log);
        let forgotten = self.table.expire(self.now(), self.presence.last(), &mut devices);
        self.tell_forgotten(forgotten).await?;
        self.write_devices(devices).await?;
        self.table.forget_gateways(self.now());
        self.judge().await?;
        if !self.is_saved && self.gathered.due().is_none() {
            self.checkpoint().await?;
        }
        self.tick_at = self.now() + self.router.options.tick;
        Ok(())
    }

    async fn save(&mut self) -> Result<(), Error> {
        if self.missed.is_some_and(|(until, _)| until <= self.now()) {
            self.missed = None;
            self.table.gateways.suspect_none();
        }
        let oldest = self.table.sessions.oldest().unwrap_or(self.presence.next).min(self.answered);
        let state = RouterState {
            placed: self.placed.0.clone(),
            suspended: self.table.gateways.suspended(),
            counts: self.gathered.waiting(),
            presence_from: self.missed.map_or(oldest, |(_, from)| oldest.min(from)),
        };
        let (term, inbox, presence) = (self.term, self.next, self.answered);
        let checkpoint = Checkpoint { term, inbox, presence, state: state.encode()? };
        self.router.deps.store.save_checkpoint(self.of, checkpoint).await?;
        (self.unsaved, self.is_saved) = (0, true);
        Ok(())
    }

    fn now(&self) -> Duration {
        self.router.deps.runtime.monotonic()
    }

    /// For when a checkpoint has all below `next`, since what is done may be released. `well`: nothing is known that it would
    /// have to wait for.
    fn report(&self, well: bool) {
        self.router.progress.send_modify(|progress| {
            progress.caught_up_to = Some(self.next);
            if well {
                progress.waiting = None;
            }
        });
    }
}
