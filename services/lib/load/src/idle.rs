//! Sessions that do nothing.

use std::time::Instant;

use futures::future::try_join_all;
use tokio::time::sleep;

use crate::{Error, Idle, IdleReport, Options, login::Door, processors::Reading};

/// They hardly read or write anything.
const BUFFER_BYTES: usize = 512;

pub(crate) async fn run(options: &Options, idle: &Idle) -> Result<IdleReport, Error> {
    if idle.sessions == 0 || idle.watch.is_zero() {
        return Err(Error::Options("there must be at least one session, and some time to watch".to_owned()));
    }
    // Who comes first pays for what all need.
    let door = Door::new(options, idle.at_once, BUFFER_BYTES);
    let first = door.enter(format!("{}-first", options.run), 0).await?;
    let (before, began) = (Reading::take(&options.servers), Instant::now());
    let enter = |number: usize| door.enter(format!("{}-{number}", options.run), number);
    let sessions = try_join_all((0..idle.sessions).map(enter)).await?;
    let log_in_seconds = began.elapsed().as_secs_f64();
    let logged_in = Reading::take(&options.servers);
    sleep(idle.settle).await;
    let settled = Reading::take(&options.servers);
    sleep(idle.watch).await;
    let after = Reading::take(&options.servers);
    let each = |total: f64| total / idle.sessions as f64;
    let told_to_come_back = sessions.iter().map(|session| session.refused).sum();
    let (before, logged_in) = (before.as_ref(), logged_in.as_ref());
    let report = IdleReport {
        sessions: idle.sessions,
        log_in_seconds,
        told_to_come_back,
        cpu_ms_per_log_in: before
            .zip(logged_in)
            .map(|(before, after)| each(1_000.0 * (after.server_seconds() - before.server_seconds()))),
        resident_kib_per_session: before
            .zip(after.as_ref())
            .map(|(before, after)| each(after.resident_kib() as f64 - before.resident_kib() as f64)),
        idle_cpu_ms_per_second: settled.as_ref().zip(after.as_ref()).map(|(settled, after)| {
            1_000.0 * (after.server_seconds() - settled.server_seconds()) / idle.watch.as_secs_f64()
        }),
        processors: before.zip(after.as_ref()).map(|(before, after)| after.since(before)),
    };
    drop((first, sessions));
    Ok(report)
}
