//! When messages are to be sent in an open loop.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::options::Progress;

/// Tells each of some pairs when to send, all of them together `per_second` times a second, from `begin` to `end`. Each
/// gets the moment at which it should have been told. A thread of its own keeps the time: the timers of the runtime are
/// a millisecond coarse, which would count as the server's.
pub(crate) fn keep(
    pairs: usize,
    per_second: f64,
    begin: Instant,
    end: Instant,
    progress: Arc<Progress>,
) -> std::io::Result<Vec<Receiver<Instant>>> {
    let total = (end - begin).as_secs_f64() * per_second;
    // Room for all there will ever be, so that nobody who is late holds up the others.
    let room = (total / pairs.max(1) as f64).ceil() as usize + 2;
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..pairs).map(|_| channel(room)).unzip();
    thread::Builder::new().name("pace".to_owned()).spawn(move || tell(&senders, per_second, begin, end, &progress))?;
    Ok(receivers)
}

fn tell(pairs: &[Sender<Instant>], per_second: f64, begin: Instant, end: Instant, progress: &Progress) {
    for (number, pair) in (0u64..).zip(pairs.iter().cycle()) {
        let due = begin + Duration::from_secs_f64(number as f64 / per_second);
        if due >= end {
            return;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        // A pair that has ended wants to know no more, and it ends only when all do.
        if progress.is_stopped() || pair.try_send(due).is_err() {
            return;
        }
    }
}
