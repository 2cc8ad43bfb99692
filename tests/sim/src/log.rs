//! The log as one process sees it: far away, over a connection that may fail.
//!
//! What a process appends goes through a lane of its own, in order, and goes on when the process is killed: it may arrive
//! late, while a successor is at work. When something is not written, what waits behind it isn't either. The parts of a
//! batch that go to different partitions arrive one after the other, as from a producer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use chasqui_domain::{LogId, Offset};
use chasqui_log::{
    Append, Appended, Bounds, Error, Log, MemoryLog, Partitions, Pending, Reader, Record, Topic, TopicPartition,
};
use futures::{
    FutureExt, StreamExt,
    channel::{mpsc, oneshot},
};

use crate::{
    process::Process,
    scheduler::WORLD,
    trace::Trace,
    weather::{Call, Fate, Kind, Trouble, UnderWay, Weather},
    witness::Witness,
};

/// A reader gives at most so many records at a time.
const RECORDS_AT_ONCE_MAX: usize = 8;

/// The log as a process sees it.
pub(crate) struct RemoteLog {
    inner: Arc<MemoryLog>,
    process: Process,
    weather: Weather,
    lane: mpsc::UnboundedSender<Sending>,
}

struct Sending {
    batch: Vec<Append>,
    call: Call,
    /// When it takes effect, unless it waits for what is before it.
    due: Duration,
    under_way: UnderWay,
    answer: oneshot::Sender<Result<Vec<Appended>, Error>>,
}

fn away() -> Error {
    Error::Unavailable { why: "simulated".to_owned() }
}

impl RemoteLog {
    /// A connection of `process`.
    #[must_use]
    pub(crate) fn new(
        inner: Arc<MemoryLog>,
        process: Process,
        weather: Weather,
        trace: Trace,
        witness: Witness,
    ) -> Arc<Self> {
        let (lane, sendings) = mpsc::unbounded();
        let deliver = deliver(inner.clone(), process.clone(), sendings, trace, witness);
        process.scheduler().spawn(WORLD, deliver);
        Arc::new(Self { inner, process, weather, lane })
    }

    fn call(&self) -> Call {
        self.weather.call(&self.process, Kind::Log)
    }

    async fn ask<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let call = self.call();
        self.process.scheduler().sleep(call.before).await;
        let answer = answer.await;
        self.process.scheduler().sleep(call.after).await;
        if call.fate == Fate::Done { answer } else { Err(away()) }
    }

    fn holds(&self, batch: &[Append]) -> bool {
        let is_held = |topic: Topic, trouble| {
            batch.iter().any(|append| append.to.topic == topic) && self.weather.has(&self.process, trouble)
        };
        is_held(Topic::Heartbeats, Trouble::HeartbeatsHeld) || is_held(Topic::Presence, Trouble::PresenceHeld)
    }
}

/// Brings what a process sends to the log, one batch after the other.
async fn deliver(
    log: Arc<MemoryLog>,
    process: Process,
    mut sendings: mpsc::UnboundedReceiver<Sending>,
    trace: Trace,
    witness: Witness,
) {
    let scheduler = process.scheduler().clone();
    while let Some(Sending { batch, call, due, under_way: _under_way, answer }) = sendings.next().await {
        if call.fate != Fate::Done {
            witness.failed(&batch);
        }
        scheduler.sleep(due.saturating_sub(scheduler.now())).await;
        let mut answer = Some(answer);
        let mut reply = |result| answer.take().map(|answer| answer.send(result));
        if matches!(call.fate, Fate::NotDone | Fate::Partly) {
            while let Ok(Sending { batch, answer, .. }) = sendings.try_recv() {
                witness.failed(&batch);
                // Whoever no longer waits needs no answer.
                let _ = answer.send(Err(away()));
            }
        }
        match call.fate {
            Fate::NotDone => drop(reply(Err(away()))),
            Fate::Late(by) => {
                reply(Err(away()));
                scheduler.sleep((due + by).saturating_sub(scheduler.now())).await;
            }
            // The connection of a killed process may be cut with what was on its way.
            Fate::Done | Fate::DoneUnanswered | Fate::Partly if !process.is_alive() => {
                if process.roll(|dice| dice.in_a_thousand(300)) {
                    trace.note(|| format!("the log loses what {} had sent before it was killed", process.name()));
                    return;
                }
            }
            Fate::Done | Fate::DoneUnanswered | Fate::Partly => {}
        }
        if call.fate == Fate::NotDone {
            continue;
        }
        let appended = append(&log, &process, batch, call.fate == Fate::Partly, &trace, &witness).await;
        reply(if call.fate == Fate::Done { appended } else { Err(away()) });
    }
}

/// Appends the parts of a batch in any order; of some of them nothing or only a beginning when it is done `partly`.
async fn append(
    log: &MemoryLog,
    process: &Process,
    batch: Vec<Append>,
    partly: bool,
    trace: &Trace,
    witness: &Witness,
) -> Result<Vec<Appended>, Error> {
    let mut parts: BTreeMap<TopicPartition, Vec<(usize, Append)>> = BTreeMap::new();
    let count = batch.len();
    for (at, append) in batch.into_iter().enumerate() {
        parts.entry(append.to.clone()).or_default().push((at, append));
    }
    let mut parts: Vec<_> = parts.into_values().collect();
    let mut places = vec![None; count];
    while !parts.is_empty() {
        let mut part = parts.swap_remove(process.roll(|dice| dice.below(parts.len())));
        if partly {
            part.truncate(process.roll(|dice| dice.below(part.len() + 1)));
        }
        let (at, appends): (Vec<_>, Vec<_>) = part.into_iter().unzip();
        let late = if process.is_alive() { "" } else { " late" };
        appends.iter().for_each(|append| witness.appended(append));
        let noted = if trace.is_on() { appends.clone() } else { Vec::new() };
        let appended = log.append(appends).await?;
        for (append, place) in noted.iter().zip(&appended) {
            trace.note(|| format!("{}{late} → {}@{}: {}", process.name(), append.to, place.offset, told(append)));
        }
        for (at, place) in at.into_iter().zip(appended) {
            places[at] = Some(place);
        }
        if !parts.is_empty() && process.roll(|dice| dice.in_a_thousand(200)) {
            let pause = process.roll(|dice| dice.ms(0..5));
            process.scheduler().sleep(pause).await;
        }
    }
    // Without an answer nobody asks for the places of what is missing.
    Ok(places
        .into_iter()
        .map(|place| place.unwrap_or(Appended { offset: Offset(0), time: Default::default() }))
        .collect())
}

/// A record, as people read it.
fn told(append: &Append) -> String {
    use chasqui_wire::presence::Presence;
    use chasqui_wire::{command, event, gateway_record::GatewayRecord, heartbeat::Heartbeat, inbox::InboxRecord};
    let value = &append.value;
    let told = match append.to.topic {
        Topic::Commands => command::decode(value).map(|it| format!("{} on {}: {:?}", it.sender, it.device, it.action)),
        Topic::Events => event::decode(value).map(|(it, _)| format!("version {} {:?}", it.version, it.kind)),
        Topic::Inbox => InboxRecord::decode(value)
            .map(|it| format!("of {} for {:?}: {:?}", it.source.offset, it.recipients, it.entry)),
        Topic::Presence if value.is_empty() => Ok("a term begins".to_owned()),
        Topic::Presence => Presence::decode(value).map(|it| {
            format!("{:?} {} {} {}/{} #{}", it.kind, it.user, it.gateway, it.incarnation, it.session, it.attempt)
        }),
        Topic::Heartbeats => Heartbeat::decode(value).map(|it| format!("{}/{}", it.gateway, it.incarnation)),
        Topic::Gateway(_) => GatewayRecord::decode(value).map(|it| match it {
            GatewayRecord::Push { offset, recipients, .. } => format!("push of {offset} to {recipients:?}"),
            other => format!("{other:?}"),
        }),
        Topic::Revocations => Ok(format!("{} bytes", value.len())),
    };
    told.unwrap_or_else(|error| error.to_string())
}

#[async_trait]
impl Log for RemoteLog {
    fn id(&self) -> LogId {
        self.inner.id()
    }

    fn partitions(&self) -> Partitions {
        self.inner.partitions()
    }

    async fn enqueue(&self, batch: Vec<Append>) -> Result<Pending, Error> {
        self.partitions().check_batch(&batch)?;
        let call = self.call();
        if self.holds(&batch) {
            self.process.scheduler().sleep_boxed(Duration::from_secs(2)).await;
            return Err(away());
        }
        let (answer, answered) = oneshot::channel();
        let due = self.process.scheduler().now() + call.before;
        if self.lane.unbounded_send(Sending { batch, call, due, under_way: self.weather.under_way(), answer }).is_err()
        {
            return Err(Error::Closed);
        }
        self.process.writes();
        let scheduler = self.process.scheduler().clone();
        Ok(async move {
            let result = answered.await.unwrap_or_else(|_| Err(away()));
            scheduler.sleep(call.after).await;
            result
        }
        .boxed())
    }

    async fn reader(&self, at: &TopicPartition, from: Offset) -> Result<Box<dyn Reader>, Error> {
        let inner = self.ask(self.inner.reader(at, from)).await?;
        let (process, weather) = (self.process.clone(), self.weather.clone());
        Ok(Box::new(RemoteReader { inner, process, weather, fetched: Vec::new(), ready_at: None }))
    }

    async fn bounds(&self, at: &TopicPartition) -> Result<Bounds, Error> {
        self.ask(self.inner.bounds(at)).await
    }

    async fn release(&self, at: &TopicPartition, below: Offset) -> Result<(), Error> {
        self.ask(self.inner.release(at, below)).await
    }
}

struct RemoteReader {
    inner: Box<dyn Reader>,
    process: Process,
    weather: Weather,
    /// In reverse order.
    fetched: Vec<Record>,
    /// When the call that is under way is answered.
    ready_at: Option<(Duration, Fate)>,
}

#[async_trait]
impl Reader for RemoteReader {
    async fn next(&mut self, bytes_max: usize) -> Result<Vec<Record>, Error> {
        if self.fetched.is_empty() {
            self.fetched = self.inner.next(bytes_max).await?;
            self.fetched.reverse();
        }
        // Kept, so that whoever cancels and asks again doesn't begin to wait anew.
        let scheduler = self.process.scheduler();
        let (at, fate) = *self.ready_at.get_or_insert_with(|| {
            let call = self.weather.call(&self.process, Kind::Log);
            (scheduler.now() + call.before + call.after, call.fate)
        });
        let left = at.saturating_sub(scheduler.now());
        if !left.is_zero() {
            scheduler.sleep(left).await;
        }
        self.ready_at = None;
        if fate != Fate::Done {
            return Err(away());
        }
        let count = self.process.roll(|dice| dice.below(RECORDS_AT_ONCE_MAX)) + 1;
        let rest = self.fetched.len().saturating_sub(count);
        let mut records = self.fetched.split_off(rest);
        records.reverse();
        Ok(records)
    }
}
