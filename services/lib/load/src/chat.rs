//! Messages between pairs of users, for a while.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use tokio::time::{sleep_until, timeout};

use crate::{
    Chat, ChatReport, Error, Options, Rate,
    login::{Door, Session},
    options::{self, SESSIONS_MAX, TEXT_BYTES, TIME_MAX},
    pair::{Common, Pair},
    processors::Reading,
    tally::Tally,
    text::Texts,
};

/// A session's read buffer and write buffer: the frames of a full window.
const BUFFER_BYTES: usize = 16 * 1024;

/// How many sessions log in at a time.
const LOG_INS_AT_ONCE: usize = 64;

/// Between the last log-in and the first message.
const CALM: Duration = Duration::from_millis(200);

pub(crate) async fn run(options: &Options, chat: &Chat) -> Result<ChatReport, Error> {
    check(chat)?;
    let sessions = log_in(options, chat).await?;
    let begin = Instant::now() + CALM;
    let from = begin + chat.warm_up;
    let to = from + chat.time;
    let tally = Rc::new(RefCell::new(Tally::new(from, to)?));
    let texts = Rc::new(Texts::new(chat.text_bytes));
    let common = Common { texts, reads: chat.reads, tally: tally.clone(), progress: options.progress.clone() };
    let turns = chat.pace.turns(chat.pairs, begin, to, &options.progress)?;
    let pairs = sessions.into_iter().zip(turns);
    let pairs: Vec<Pair> = pairs
        .map(|([writer, recipient], turn)| Pair::new(writer, recipient, turn, common.clone()))
        .collect::<Result<_, _>>()?;
    let usage = tokio::task::spawn_local(Reading::between(options.servers.clone(), from, to));
    sleep_until(begin.into()).await;
    let give_up = to + chat.patience;
    let running = pairs.into_iter().map(|pair| tokio::task::spawn_local(exchange(pair, give_up)));
    let exchanged = try_join_all(running).await.map_err(|error| Error::Options(format!("a pair failed: {error}")))?;
    let ended = exchanged.into_iter().collect::<Result<Vec<Pair>, _>>()?;
    for pair in ended {
        tally.borrow_mut().faults.count_missing(pair.missing());
        drop(pair);
    }
    // Those who send at a rate are done a moment before.
    if !options.progress.is_stopped() {
        sleep_until(to.into()).await;
    }
    // Not when it was ended early.
    let processors = if Instant::now() >= to { usage.await.ok().flatten() } else { None };
    let tally = tally.borrow();
    let seconds = chat.time.min(Instant::now().saturating_duration_since(from)).as_secs_f64();
    let (window, per_second) = chat.pace.parts();
    Ok(ChatReport {
        pairs: chat.pairs,
        window,
        per_second,
        text_bytes: chat.text_bytes,
        seconds,
        receipted: Rate::of(tally.receipted, seconds),
        read: chat.reads.then(|| Rate::of(tally.read, seconds)),
        sent_after: tally.sent_after.latency(),
        received_after: tally.received_after.latency(),
        delivered_after: tally.delivered_after.latency(),
        read_after: tally.read_after.latency(),
        processors,
        faults: tally.faults,
    })
}

fn check(chat: &Chat) -> Result<(), Error> {
    options::check(&[
        ((1..=SESSIONS_MAX / 2).contains(&chat.pairs), "there must be 1 to 500,000 pairs"),
        (TEXT_BYTES.contains(&chat.text_bytes), "a text must have 32 to 65,536 bytes"),
        (!chat.time.is_zero(), "it must take some time"),
        ([chat.warm_up, chat.time, chat.patience].iter().all(|time| *time <= TIME_MAX), "nothing may take over 7 days"),
    ])?;
    chat.pace.check()
}

/// The sessions of each pair. Where there are several gateways, the two are at different ones.
async fn log_in(options: &Options, chat: &Chat) -> Result<Vec<[Session; 2]>, Error> {
    let door = Door::new(options, LOG_INS_AT_ONCE, BUFFER_BYTES);
    let pair = |number: usize| {
        let door = &door;
        async move {
            let writer = door.enter(format!("{}-{number}-writer", options.run), number);
            let recipient = door.enter(format!("{}-{number}-reader", options.run), number + 1);
            let (writer, recipient) = futures::try_join!(writer, recipient)?;
            Ok::<_, Error>([writer, recipient])
        }
    };
    let sessions = try_join_all((0..chat.pairs).map(pair)).await?;
    if let Some([writer, _]) = sessions.first() {
        chat.pace.check_window(writer.outstanding_max)?;
    }
    Ok(sessions)
}

/// Runs a pair to its end, or until it is given up.
async fn exchange(mut pair: Pair, give_up: Instant) -> Result<Pair, Error> {
    // What is missing when the time is over is counted as such.
    if let Ok(ran) = timeout(give_up.saturating_duration_since(Instant::now()), pair.run()).await {
        ran?;
    }
    Ok(pair)
}
