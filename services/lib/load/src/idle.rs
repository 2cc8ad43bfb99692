//! Sessions that do nothing.

use std::{
    cell::Cell,
    future::Future,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{sync::Notify, task::JoinSet, time::sleep};

use crate::{
    Error, Idle, IdleReport, Options,
    login::{Door, Session},
    options::{self, SESSIONS_MAX, TIME_MAX},
    processors::Reading,
    socket::Came,
};

/// They hardly read or write anything.
const BUFFER_BYTES: usize = 512;

/// The sessions, each in a task that answers the server's pings.
struct Held {
    tasks: JoinSet<Result<(), Error>>,
    /// How many are logged in, and how often they were told to come back before.
    here: Rc<Cell<usize>>,
    refused: Rc<Cell<u64>>,
    one_more: Rc<Notify>,
}

pub(crate) async fn run(options: &Options, idle: &Idle) -> Result<IdleReport, Error> {
    options::check(&[
        ((1..=SESSIONS_MAX).contains(&idle.sessions), "there must be 1 to 1,000,000 sessions"),
        (!idle.watch.is_zero(), "there must be some time to watch"),
        (idle.settle.max(idle.watch) <= TIME_MAX, "nothing may take over 7 days"),
    ])?;
    let door = Rc::new(Door::new(options, idle.at_once, BUFFER_BYTES));
    let mut held = Held::new();
    // Who comes first pays for what all need.
    held.enter(&door, format!("{}-first", options.run), 0);
    held.are_here(1).await?;
    let (before, began) = (Reading::take(&options.servers), Instant::now());
    (0..idle.sessions).for_each(|number| held.enter(&door, format!("{}-{number}", options.run), number));
    held.are_here(1 + idle.sessions).await?;
    let log_in_seconds = began.elapsed().as_secs_f64();
    let logged_in = Reading::take(&options.servers);
    held.stay(idle.settle).await?;
    let settled = Reading::take(&options.servers);
    held.stay(idle.watch).await?;
    let after = Reading::take(&options.servers);
    let each = |total: f64| total / idle.sessions as f64;
    let (before, logged_in) = (before.as_ref(), logged_in.as_ref());
    Ok(IdleReport {
        sessions: idle.sessions,
        log_in_seconds,
        told_to_come_back: held.refused.get(),
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
    })
}

impl Held {
    fn new() -> Self {
        Self { tasks: JoinSet::new(), here: Rc::default(), refused: Rc::default(), one_more: Rc::default() }
    }

    /// Begins to log in a user, who stays then.
    fn enter(&mut self, door: &Rc<Door>, user: String, number: usize) {
        let (door, here, refused) = (door.clone(), self.here.clone(), self.refused.clone());
        let one_more = self.one_more.clone();
        self.tasks.spawn_local(async move {
            let session = door.enter(user, number).await?;
            here.set(here.get() + 1);
            refused.set(refused.get() + session.refused);
            one_more.notify_one();
            hold(session).await
        });
    }

    /// Waits until so many are logged in.
    async fn are_here(&mut self, count: usize) -> Result<(), Error> {
        while self.here.get() < count {
            let one_more = self.one_more.clone();
            self.unless_one_ends(one_more.notified()).await?;
        }
        Ok(())
    }

    /// Lets time go by.
    async fn stay(&mut self, time: Duration) -> Result<(), Error> {
        self.unless_one_ends(sleep(time)).await
    }

    /// No session ends by itself: one that does is an error.
    async fn unless_one_ends(&mut self, what: impl Future<Output = ()>) -> Result<(), Error> {
        tokio::select! {
            Some(ended) = self.tasks.join_next() => {
                ended.map_err(|error| Error::Options(format!("a session failed: {error}")))?
            }
            () = what => Ok(()),
        }
    }
}

/// Keeps a session until it ends. Reading its socket answers pings.
async fn hold(mut session: Session) -> Result<(), Error> {
    loop {
        if matches!(session.socket.next().await?, Came::Closed) {
            return Err(Error::Closed { user: session.user });
        }
    }
}
