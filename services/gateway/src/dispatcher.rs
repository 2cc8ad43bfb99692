//! Reads the gateway's own topic and hands each record to its sessions.
//!
//! An entry is decoded, opened and encoded once, whoever gets it. Bodies are opened some at a time, since a data key
//! may have to be read; what is handed out keeps the topic's order.

use std::{collections::BTreeMap, sync::Arc};

use chasqui_domain::{Entry, GroupCounts, Incarnation, LogId, Offset, Partition, Position, SessionId, Term, UserId};
use chasqui_log::{Reader, Record};
use chasqui_wire::{entry, gateway_record::GatewayRecord};
use futures::{StreamExt, stream};

use crate::{
    Error, limits,
    queue::Item,
    render::{self, Opened, Rendered},
    shared::Shared,
};

/// What a record comes to.
enum Step {
    Nothing,
    Answer {
        session: SessionId,
        user: UserId,
        attempt: u32,
        up_to: Offset,
    },
    /// The router has forgotten a session.
    Forgotten {
        session: SessionId,
        user: UserId,
    },
    /// Sessions of a partition, or all, may have missed something.
    Gaps(Option<Partition>),
    Push(Box<Push>),
    /// Authors are told how many of a group have their messages.
    Counts(GroupCounts),
    /// These users' sessions miss something now.
    Missed(Vec<UserId>),
    Superseded(Incarnation),
}

struct Push {
    offset: Offset,
    recipients: Vec<UserId>,
    entry: Entry,
    opened: Opened,
}

/// The newest term of each partition that was heard of. A former owner of a partition may still be at work, and be ahead of
/// its successor: a session that had its answer from the one must not be pushed anything by the other, or what lies between
/// the two would look as if the session had seen it.
#[derive(Default)]
struct Terms(BTreeMap<Partition, Term>);

impl Terms {
    /// Whether what a router says counts.
    fn admit(&mut self, partition: Partition, term: Term) -> bool {
        let newest = self.0.entry(partition).or_insert(term);
        *newest = term.max(*newest);
        *newest == term
    }
}

/// Reads the gateway's topic from its own start on.
pub(crate) async fn reader(shared: &Shared) -> Result<Box<dyn Reader>, Error> {
    Ok(shared.uplink.log.reader(&shared.uplink.topic(), Offset(shared.incarnation.0)).await?)
}

async fn run(shared: &Shared, mut reader: Box<dyn Reader>) -> Error {
    let mut terms = Terms::default();
    loop {
        let records = match read(shared, reader.as_mut()).await {
            Ok(records) => records,
            Err(error) => return error.into(),
        };
        let Some(last) = records.last().map(|record| record.offset) else { continue };
        let opened = stream::iter(records).map(|record| prepare(shared, record)).buffered(limits::OPENING_MAX);
        let mut steps = std::pin::pin!(opened);
        while let Some((of, step)) = steps.next().await {
            let counts = of.is_none_or(|(partition, term)| terms.admit(partition, term));
            if counts && let Err(error) = perform(shared, step) {
                return error;
            }
        }
        shared.set_dispatched(last.next());
    }
}

/// The records that follow. Waits for a log that is away.
async fn read(shared: &Shared, reader: &mut dyn Reader) -> Result<Vec<Record>, chasqui_log::Error> {
    let mut pause = limits::RETRY;
    loop {
        match reader.next(limits::TOPIC_READ_BYTES).await {
            Ok(records) => return Ok(records),
            Err(chasqui_log::Error::Trimmed { start }) => {
                tracing::warn!(start = start.0, "the gateway's topic has jumped: all sessions are repaired");
                shared.registry.mark_gaps(None);
            }
            Err(error) if error.is_retryable() => {
                tracing::warn!(%error, "the gateway's topic can't be read");
                shared.runtime.sleep(pause).await;
                pause = (pause * 2).min(limits::RETRY_MAX);
            }
            Err(error) => return Err(error),
        }
    }
}

/// What a record comes to, if the router that says it counts.
async fn prepare(shared: &Shared, record: Record) -> (Option<(Partition, Term)>, Step) {
    let own = |incarnation: Incarnation| incarnation == shared.incarnation;
    match GatewayRecord::decode(&record.value) {
        Ok(GatewayRecord::Start) if record.offset.0 > shared.incarnation.0 => {
            (None, Step::Superseded(Incarnation(record.offset.0)))
        }
        Ok(GatewayRecord::Superseded { incarnation }) if incarnation > shared.incarnation => {
            (None, Step::Superseded(incarnation))
        }
        Ok(GatewayRecord::Answer { term, incarnation, session, user, attempt, up_to }) if own(incarnation) => {
            let partition = shared.uplink.partition_of(&user);
            (Some((partition, term)), Step::Answer { session, user, attempt, up_to })
        }
        Ok(GatewayRecord::Repair { term, incarnation, partition, .. }) if own(incarnation) => {
            (Some((partition, term)), Step::Gaps(Some(partition)))
        }
        Ok(GatewayRecord::Forgotten { term, incarnation, session, user }) if own(incarnation) => {
            let partition = shared.uplink.partition_of(&user);
            (Some((partition, term)), Step::Forgotten { session, user })
        }
        Ok(GatewayRecord::Push { term, incarnation, partition, offset, recipients, entry }) if own(incarnation) => {
            // A session that comes later is answered later, and reads this from its row.
            let is_wanted = shared.registry.any(&recipients);
            let step = if is_wanted { open(shared, offset, recipients, &entry).await } else { Step::Nothing };
            (Some((partition, term)), step)
        }
        Ok(GatewayRecord::Counts { term, incarnation, partition, counts }) if own(incarnation) => {
            (Some((partition, term)), Step::Counts(counts))
        }
        Ok(_) => (None, Step::Nothing),
        Err(error) => {
            tracing::error!(offset = record.offset.0, %error, "a record of the gateway's topic can't be read");
            (None, Step::Gaps(None))
        }
    }
}

async fn open(shared: &Shared, offset: Offset, recipients: Vec<UserId>, entry: &[u8]) -> Step {
    let entry = match entry::decode(entry) {
        Ok(entry) => entry,
        Err(error) => {
            tracing::error!(%error, "a pushed entry can't be read");
            return Step::Missed(recipients);
        }
    };
    match shared.runtime.timeout(limits::KEY_PATIENCE, render::open_entry(&shared.keys, &entry)).await {
        Ok(Ok(opened)) => Step::Push(Box::new(Push { offset, recipients, entry, opened })),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a pushed body can't be opened now");
            Step::Missed(recipients)
        }
        Err(_) => {
            tracing::warn!("a data key can't be read in time");
            Step::Missed(recipients)
        }
    }
}

fn perform(shared: &Shared, step: Step) -> Result<(), Error> {
    let registry = &shared.registry;
    match step {
        Step::Nothing => {}
        Step::Answer { session, user, attempt, up_to } => registry.visit(&user, |handle| {
            if handle.session == session {
                handle.queue.push(Item::Answer { attempt, up_to });
            }
        }),
        Step::Forgotten { session, user } => registry.visit(&user, |handle| {
            if handle.session == session {
                handle.queue.mark_gap();
            }
        }),
        Step::Gaps(partition) => registry.mark_gaps(partition),
        Step::Missed(users) => users.iter().for_each(|user| registry.visit(user, |handle| handle.queue.mark_gap())),
        Step::Push(push) => deliver(shared, shared.uplink.log_id(), *push),
        Step::Counts(counts) => tell(shared, counts),
        Step::Superseded(by) => return Err(Error::Superseded { by }),
    }
    Ok(())
}

fn deliver(shared: &Shared, log: LogId, push: Push) {
    let position = Position { log, offset: push.offset };
    let mut rendered = Rendered::new(position, shared.today(), push.entry, push.opened);
    for user in &push.recipients {
        shared.registry.visit(user, |handle| {
            handle.queue.push(Item::Entry(rendered.delivery(&handle.user, &handle.device)));
        });
    }
}

/// Each author gets their own, in a frame that all of their sessions share.
fn tell(shared: &Shared, counts: GroupCounts) {
    for author in counts.authors {
        let Some(frame) = render::text(&render::counts(counts.chat, &author)) else { continue };
        shared.registry.visit(&author.author, |handle| handle.queue.push(Item::Live(frame.clone())));
    }
}

/// Hands out what comes, and stops the gateway when that can't go on.
pub(crate) async fn supervise(shared: Arc<Shared>, reader: Box<dyn Reader>) {
    let run = std::panic::AssertUnwindSafe(run(&shared, reader));
    let why = futures::FutureExt::catch_unwind(run).await.unwrap_or(Error::Panicked);
    shared.stop(why);
}
