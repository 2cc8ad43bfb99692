//! All sessions but those of a few writers lose their connections at once, miss messages, and come back at once.

mod ledger;
mod memory;
mod pauses;
mod reader;
mod writers;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use chasqui_domain::{ChatId, UserId};
use tokio::{sync::watch, task::JoinSet, time::sleep};

use self::{
    ledger::Ledger,
    memory::Peak,
    reader::{Comings, Common, Phase, Reader},
    writers::{Writers, Wrote},
};
use crate::{
    Error, Latency, Options, Rate, Resident, Storm, StormReport,
    login::Door,
    options::{self, PER_SECOND_MAX, SESSIONS_MAX, TEXT_BYTES, TIME_MAX},
    processors::Reading,
    tally::Times,
};

/// Of a reader's socket: a few messages come at a time.
const BUFFER_BYTES: usize = 1024;

/// How often it is looked whether what is waited for has come.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The most messages that each session may miss.
const MESSAGES_MAX: u64 = 10_000;

/// How long all may take to log in for the first time.
const LOG_IN_PATIENCE: Duration = Duration::from_secs(300);

/// A storm on its way.
struct Run<'a> {
    options: &'a Options,
    common: Rc<Common>,
    phase: watch::Sender<Phase>,
    readers: JoinSet<Result<(), Error>>,
    writers: Writers,
}

pub(crate) async fn run(options: &Options, storm: &Storm) -> Result<StormReport, Error> {
    check(storm)?;
    let asked = Instant::now();
    let mut run = Run::start(options, storm)?;
    let common = run.common.clone();
    let Common { ledger, comings, .. } = &*common;
    let all = storm.sessions;
    run.must(|_| common.here.get() == all, LOG_IN_PATIENCE, "not all are logged in").await?;
    let log_in_seconds = asked.elapsed().as_secs_f64();

    // Each has a chat and a cursor in it, before anything is measured.
    run.write(storm).await?;
    run.must(|_| ledger.is_quiet(), storm.patience, "not all first messages came, or their receipts").await?;
    let calm = Instant::now();
    run.writers.keep(storm.per_second, storm.calm)?;
    run.wait(|_| false, storm.calm).await?;

    let before = memory::resident_kib(&options.servers);
    let peak = Peak::watch(&options.servers).map_err(Error::Runtime)?;
    let cut = Instant::now();
    run.tell(Phase::Away);
    run.write(storm).await?;
    let written_while_away = Rate::of(all as u64 * storm.messages, cut.elapsed().as_secs_f64());

    let reading = Reading::take(&options.servers);
    let back = Instant::now();
    run.writers.keep(storm.per_second, storm.patience)?;
    run.tell(Phase::Back(back));
    run.wait(|_| comings.borrow().caught_up == all as u64, storm.patience).await?;
    let (caught_up_at, reading_then) = (Instant::now(), Reading::take(&options.servers));
    let peak = peak.end();
    run.writers.rest();
    run.wait(|_| false, storm.calm).await?;
    let after = memory::resident_kib(&options.servers);
    run.wait(|_| ledger.is_quiet(), storm.patience).await?;
    let wrote = run.end().await?;

    let comings = comings.borrow();
    let mut faults = ledger.faults();
    faults.not_caught_up = all as u64 - comings.caught_up;
    let admitted_for = comings.last_welcome.map_or(Duration::ZERO, |last| last - back);
    Ok(StormReport {
        sessions: all,
        writers: storm.writers,
        messages: storm.messages,
        per_second: storm.per_second,
        text_bytes: storm.text_bytes,
        log_in_seconds,
        written_while_away,
        caught_up: comings.caught_up,
        caught_up_after: comings.after.latency(),
        admitted: Rate::of(comings.welcomes, admitted_for.as_secs_f64()),
        told_to_come_back: comings.told.clone(),
        told_most: comings.told_most,
        cut_without_a_word: comings.cut,
        sent_after_in_calm: between(&wrote, calm, cut)?,
        sent_after_in_storm: between(&wrote, back, caught_up_at)?,
        writers_repaired: wrote.iter().map(|wrote| wrote.repaired).sum(),
        resident_kib: before.zip(peak.zip(after)).map(|(before, (peak, after))| Resident { before, peak, after }),
        processors: reading.zip(reading_then).map(|(earlier, then)| then.since(&earlier)),
        faults,
    })
}

fn check(storm: &Storm) -> Result<(), Error> {
    options::check(&[
        ((1..=SESSIONS_MAX).contains(&storm.sessions), "there must be 1 to 1,000,000 sessions"),
        ((1..=storm.sessions).contains(&storm.writers), "there must be at least one writer, and no more than sessions"),
        (TEXT_BYTES.contains(&storm.text_bytes), "a text must have 32 to 65,536 bytes"),
        ((1..=MESSAGES_MAX).contains(&storm.messages), "1 to 10,000 messages must be missed"),
        (
            storm.per_second > 0.0 && storm.per_second <= PER_SECOND_MAX,
            "the rate must be above 0, and 1,000,000 at most",
        ),
        (storm.calm.max(storm.patience) <= TIME_MAX, "nothing may take over 7 days"),
    ])
}

/// The chat of two users.
fn direct(one: &str, other: &str) -> Result<String, Error> {
    let user = |user: &str| UserId::new(user).map_err(|error| Error::Options(error.to_string()));
    Ok(ChatId::direct(&user(one)?, &user(other)?).to_string())
}

/// How long it took to be accepted, of what was to be sent between two moments.
fn between(wrote: &[Wrote], from: Instant, to: Instant) -> Result<Option<Latency>, Error> {
    let mut times = Times::new()?;
    let written = wrote.iter().flat_map(|wrote| &wrote.written);
    written.filter(|(since, _)| (from..to).contains(since)).for_each(|(_, took)| times.note(*took));
    Ok(times.latency())
}

impl<'a> Run<'a> {
    fn start(options: &'a Options, storm: &Storm) -> Result<Self, Error> {
        let users: Vec<String> = (0..storm.sessions).map(|number| format!("{}-{number}", options.run)).collect();
        let ledger = Arc::new(Ledger::new(storm.sessions, storm.text_bytes));
        let writers = Writers::start(options, storm.writers, &users, &ledger)?;
        let common = Rc::new(Common {
            door: Door::new(options, storm.at_once, BUFFER_BYTES),
            ledger,
            here: Cell::new(0),
            comings: RefCell::new(Comings::new()?),
        });
        let (phase, told) = watch::channel(Phase::There);
        let mut readers = JoinSet::new();
        for (number, user) in users.into_iter().enumerate() {
            let chat = direct(&writers::user(options, number % storm.writers), &user)?;
            let reader = Reader::new(number, common.door.guest(user, number)?, chat, common.clone());
            readers.spawn_local(reader.run(told.clone()));
        }
        Ok(Self { options, common, phase, readers, writers })
    }

    /// Has each session written to, until all of it is accepted.
    async fn write(&mut self, storm: &Storm) -> Result<(), Error> {
        self.writers.round(storm.messages);
        self.must(Writers::have_written, storm.patience, "not all messages were accepted").await
    }

    fn tell(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Waits for what the rest makes no sense without.
    async fn must(&mut self, is_there: impl Fn(&Writers) -> bool, patience: Duration, why: &str) -> Result<(), Error> {
        if self.wait(is_there, patience).await? {
            return Ok(());
        }
        Err(Error::Options(format!("{why}, so there was no storm")))
    }

    /// Waits until something is there, for so long at most; whether it is. Ends early where it was asked to.
    async fn wait(&mut self, is_there: impl Fn(&Writers) -> bool, patience: Duration) -> Result<bool, Error> {
        let end = Instant::now() + patience;
        while !is_there(&self.writers) {
            if Instant::now() >= end || self.options.progress.is_stopped() {
                return Ok(false);
            }
            while let Some(ended) = self.readers.try_join_next() {
                ended.map_err(|error| Error::Options(format!("a session failed: {error}")))??;
            }
            self.writers.check()?;
            sleep(LOOK_EVERY).await;
        }
        Ok(true)
    }

    /// Ends all sessions; what the writers saw.
    async fn end(mut self) -> Result<Vec<Wrote>, Error> {
        self.tell(Phase::Over);
        while let Some(ended) = self.readers.join_next().await {
            ended.map_err(|error| Error::Options(format!("a session failed: {error}")))??;
        }
        self.writers.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_count_by_when_a_message_was_to_be_sent() {
        let from = Instant::now();
        let at = |ms| from + Duration::from_millis(ms);
        let written = [0, 99, 100, 199, 200].map(|ms| (at(ms), Duration::from_millis(ms + 1))).to_vec();
        let latency = between(&[Wrote { written, repaired: 0 }], at(100), at(200)).unwrap().unwrap();
        assert_eq!(latency.count, 2);
        assert!((latency.max_ms - 200.0).abs() < 0.2, "{latency:?}");
    }
}
