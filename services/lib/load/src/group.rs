//! Messages in groups, in each of which one writes to all, for a while.

mod author;
mod copies;
mod counts;
mod founding;
mod member;
mod report;
mod shared;
mod tally;

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    task::{JoinError, JoinSet},
    time::{sleep_until, timeout},
};

pub use self::report::{CountsReport, GroupFaults, GroupReport};
use self::{
    author::Author,
    founding::Founded,
    member::Member,
    shared::{Common, Shared},
    tally::Tally,
};
use crate::{
    Error, Group, Options, Rate,
    options::{self, MEMBERS, SESSIONS_MAX, TEXT_BYTES, TIME_MAX},
    pace::Turn,
    processors::Reading,
    records::Counts,
    text::Texts,
};

/// Between the last that was told of its group and the first message.
const CALM: Duration = Duration::from_millis(200);

/// Those at work.
struct Running {
    groups: Vec<Rc<Shared>>,
    authors: JoinSet<Result<(), Error>>,
    members: JoinSet<Result<(), Error>>,
}

pub(crate) async fn run(options: &Options, group: &Group) -> Result<GroupReport, Error> {
    check(group)?;
    let (founded, created_seconds) = founding::found(options, group).await?;
    let counts = Counts::take(options).await;
    let begin = Instant::now() + CALM;
    let (from, to) = (begin + group.warm_up, begin + group.warm_up + group.time);
    let tally = Rc::new(RefCell::new(Tally::new(from, to)?));
    let common = Common {
        texts: Rc::new(Texts::new(group.text_bytes)),
        receipts: group.receipts,
        tally: tally.clone(),
        progress: options.progress.clone(),
    };
    let turns = group.pace.turns(group.groups, begin, to, &options.progress)?;
    let usage = tokio::task::spawn_local(Reading::between(options.servers.clone(), from, to));
    sleep_until(begin.into()).await;
    let mut running = Running::start(founded, turns, group, &common, to + group.patience);
    running.end().await?;
    let messages = running.groups.iter().map(|shared| shared.copies.borrow().last_begun()).sum();
    // Those who send at a rate are done a moment before.
    if !options.progress.is_stopped() {
        sleep_until(to.into()).await;
    }
    // Not when it was ended early.
    let processors = if Instant::now() >= to { usage.await.ok().flatten() } else { None };
    // Only now, since asking costs the server something.
    let counts_then = Counts::take(options).await;
    let tally = tally.borrow();
    let seconds = group.time.min(Instant::now().saturating_duration_since(from)).as_secs_f64();
    let (window, per_second) = group.pace.parts();
    Ok(GroupReport {
        groups: group.groups,
        members: group.members,
        online: group.online,
        receipts: group.receipts,
        window,
        per_second,
        text_bytes: group.text_bytes,
        created_seconds,
        seconds,
        messages: Rate::of(tally.messages, seconds),
        deliveries: Rate::of(tally.deliveries, seconds),
        sent_after: tally.sent_after.latency(),
        received_after: tally.received_after.latency(),
        received_by_all_after: tally.received_by_all_after.latency(),
        counts: tally.counts_report(group.groups, seconds),
        records: counts.zip(counts_then).and_then(|(counts, then)| then.since(&counts, messages)),
        processors,
        faults: tally.faults,
    })
}

fn check(group: &Group) -> Result<(), Error> {
    let Group { groups, members, online, .. } = *group;
    let are_members_bounded = groups.checked_mul(members).is_some_and(|all| all <= SESSIONS_MAX);
    options::check(&[
        (MEMBERS.contains(&members), "a group must have 2 to 1,024 members"),
        (groups > 0 && are_members_bounded, "there must be a group, and 1,000,000 members of all groups at most"),
        (online < members, "no more members can be online than there are beside the author"),
        (TEXT_BYTES.contains(&group.text_bytes), "a text must have 32 to 65,536 bytes"),
        (!group.time.is_zero(), "it must take some time"),
        (
            [group.warm_up, group.time, group.patience].iter().all(|time| *time <= TIME_MAX),
            "nothing may take over 7 days",
        ),
    ])?;
    group.pace.check()
}

impl Running {
    fn start(founded: Vec<Founded>, turns: Vec<Turn>, group: &Group, common: &Common, give_up: Instant) -> Self {
        let mut running = Self { groups: Vec::new(), authors: JoinSet::new(), members: JoinSet::new() };
        for (number, (Founded { chat, author, members }, turn)) in founded.into_iter().zip(turns).enumerate() {
            let shared = Rc::new(Shared::new(number, chat, group, common.clone()));
            for (number, session) in members.into_iter().enumerate() {
                running.members.spawn_local(Member::new(number, session, shared.clone()).run());
            }
            let mut author = Author::new(author, turn, shared.clone());
            running.authors.spawn_local(async move {
                // What is missing when the time is over is counted as such.
                let time = give_up.saturating_duration_since(Instant::now());
                timeout(time, author.run()).await.unwrap_or(Ok(()))
            });
            running.groups.push(shared);
        }
        running
    }

    /// Waits until all authors are done, and counts what has not come.
    async fn end(&mut self) -> Result<(), Error> {
        while !self.authors.is_empty() {
            tokio::select! {
                Some(ended) = self.authors.join_next() => of_task(ended)?,
                // No member ends by itself: one that does is an error.
                Some(ended) = self.members.join_next() => of_task(ended)?,
            }
        }
        self.groups.iter().for_each(|shared| shared.count_missing());
        Ok(())
    }
}

fn of_task(ended: Result<Result<(), Error>, JoinError>) -> Result<(), Error> {
    ended.map_err(|error| Error::Options(format!("a session failed: {error}")))?
}
