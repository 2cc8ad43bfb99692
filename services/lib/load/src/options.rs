//! What is asked for.

use std::{
    fmt,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use serde::Serialize;

use crate::Error;

/// Gives a token for a user, or says why there is none.
pub type SignToken = dyn Fn(&str) -> Result<String, String> + Send + Sync;

/// Asks the server for its metrics; none where there are none to be had.
pub type ReadMetrics = dyn Fn() -> BoxFuture<'static, Option<String>> + Send + Sync;

/// Which server, and who may connect there.
#[derive(Clone)]
pub struct Options {
    /// The gateways' sockets, such as `ws://127.0.0.1:7600/v1/socket`; sessions are dealt out among them.
    pub sockets: Vec<String>,
    /// Signs a token for a user.
    pub token: Arc<SignToken>,
    /// Gives what the server counts, in the form of OpenMetrics.
    pub metrics: Arc<ReadMetrics>,
    /// The processes whose costs are counted.
    pub servers: Vec<Server>,
    /// Goes into the names of users, so that no run meets another's chats.
    pub run: String,
    /// How far it is, for whoever looks.
    pub progress: Arc<Progress>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sockets, token: _, metrics: _, servers, run, progress } = self;
        f.debug_struct("Options")
            .field("sockets", sockets)
            .field("servers", servers)
            .field("run", run)
            .field("progress", progress)
            .finish_non_exhaustive()
    }
}

/// A process of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its id.
    pub pid: i32,
    /// What it is called in reports.
    pub name: String,
}

/// The most sessions that a load may have; an address has about as many ports.
pub(crate) const SESSIONS_MAX: usize = 1_000_000;

/// The most messages a second that may be asked for.
pub(crate) const PER_SECOND_MAX: f64 = 1_000_000.0;

/// The longest that any part of a load may take.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The bytes that a text may have: room for its number, and what servers take by default.
pub(crate) const TEXT_BYTES: RangeInclusive<usize> = 32..=65_536;

/// The members that a group may have, its author included.
pub(crate) const MEMBERS: RangeInclusive<usize> = 2..=1_024;

/// The first rule that doesn't hold, if there is one.
pub(crate) fn check(rules: &[(bool, &str)]) -> Result<(), Error> {
    match rules.iter().find(|(holds, _)| !holds) {
        Some((_, why)) => Err(Error::Options((*why).to_owned())),
        None => Ok(()),
    }
}

/// Messages between pairs of users.
#[derive(Debug, Clone)]
pub struct Chat {
    /// How many pairs; one of each writes, the other receives.
    pub pairs: usize,
    /// How fast.
    pub pace: Pace,
    /// Bytes of a text, at least 32.
    pub text_bytes: usize,
    /// Whether the recipients read what they get.
    pub reads: bool,
    /// How long before anything counts.
    pub warm_up: Duration,
    /// How long it counts.
    pub time: Duration,
    /// How long it is waited at the end for what is under way.
    pub patience: Duration,
}

/// Messages in groups, in each of which one writes to all.
#[derive(Debug, Clone)]
pub struct Group {
    /// How many groups.
    pub groups: usize,
    /// Members of each, the author included.
    pub members: usize,
    /// How many of them are online beside the author; the others never were.
    pub online: usize,
    /// What those say of what they get.
    pub receipts: Receipts,
    /// How fast; a message is done when all who are online have it.
    pub pace: Pace,
    /// Bytes of a text, at least 32.
    pub text_bytes: usize,
    /// How long before anything counts.
    pub warm_up: Duration,
    /// How long it counts.
    pub time: Duration,
    /// How long it is waited at the end for what is under way.
    pub patience: Duration,
}

/// What members say of what they get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Receipts {
    /// Nothing; they only make room for more.
    None,
    /// That they have it.
    Delivered,
    /// That they have it, and have read it.
    Read,
}

/// How fast messages are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Closed loop: each pair has so many messages under way, and sends the next when one is done.
    Window(usize),
    /// Open loop: so many messages a second over all pairs, whether or not those before are done. Times count from when
    /// a message should have been sent.
    PerSecond(f64),
}

/// Sessions that do nothing.
#[derive(Debug, Clone)]
pub struct Idle {
    /// How many.
    pub sessions: usize,
    /// How many log in at a time.
    pub at_once: usize,
    /// How long they stay before memory is read, so that what a log-in needs is gone.
    pub settle: Duration,
    /// How long it is then watched what they cost. Pings come about every 25 s, and signs of life every minute.
    pub watch: Duration,
}

/// All sessions but those of a few writers lose their connections at once, and come back at once.
#[derive(Debug, Clone)]
pub struct Storm {
    /// How many sessions lose theirs.
    pub sessions: usize,
    /// How many users write to them, each to its share.
    pub writers: usize,
    /// Messages that each session gets before, and then misses.
    pub messages: u64,
    /// Messages a second, over all writers, that go on in calm and storm; their times tell whether writers notice it.
    pub per_second: f64,
    /// Bytes of a text, at least 32.
    pub text_bytes: usize,
    /// How many log in at a time at the beginning; they come back all at once.
    pub at_once: usize,
    /// How long it is calm before the storm, and how long before memory is read for the last time.
    pub calm: Duration,
    /// How long it is waited for what must come: for all who come back, and then for what is under way.
    pub patience: Duration,
}

/// How far a run is; also the way to end it early.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    sessions: AtomicU64,
    stop: AtomicBool,
}

impl Progress {
    /// Messages that are done.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Sessions that are logged in.
    #[must_use]
    pub fn sessions(&self) -> u64 {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Ends the run: nothing more is sent, what is under way is waited for.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(crate) fn more_done(&self, messages: u64) {
        self.done.fetch_add(messages, Ordering::Relaxed);
    }

    pub(crate) fn one_more_session(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }
}
