//! What happens in each round, drawn from the seed.

use chasqui_tests::{dice::Dice, process::KillAt};

/// How the server of a round dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// By itself, at a failpoint.
    At(KillAt),
    /// By itself, the first time that it passes a failpoint, which is before it takes sessions.
    Starting(&'static str),
    /// From outside, after so many more messages were accepted.
    FromOutside {
        /// How many.
        after: u64,
    },
    /// Not at all: it is asked to stop, after so many more messages were accepted.
    Stopped {
        /// How many.
        after: u64,
    },
}

/// A life of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Round {
    /// How it ends.
    pub(crate) death: Death,
    /// How much the store may lose.
    pub(crate) flush_interval_ms: u64,
}

/// A key is made only for a new chat.
const KEY_POINT: &str = "keys::before_sync";

/// Every failpoint, and the highest count that a round draws: enough to be in the middle of the load.
const POINTS: &[(&str, u64)] = &[
    ("log::after_write", 150),
    ("log::after_sync", 150),
    // Reads and flushes alone make the store commit.
    ("store::before_commit", 12),
    ("store::after_commit", 12),
    ("store::before_flush", 6),
    (KEY_POINT, 2),
    ("sequencer::after_read", 80),
    ("sequencer::after_rows", 80),
    ("sequencer::after_publish", 80),
    ("sequencer::after_commit", 80),
    ("router::after_rows", 120),
    ("router::after_push", 120),
    ("router::after_checkpoint", 120),
    ("gateway::after_append", 120),
];

/// Every server passes these while it starts, because its gateway appends that it starts.
const STARTING: &[&str] = &["log::after_write", "log::after_sync"];

/// A server passes these for the first time while it does again what the one before it has left.
const DOING_AGAIN: &[&str] = &[
    "store::before_flush",
    "store::after_commit",
    "sequencer::after_rows",
    "sequencer::after_publish",
    "router::after_rows",
    "router::after_push",
];

/// How many rounds end from outside.
const OUTSIDE: u64 = 2;

/// Long enough for a store that flushes often to flush what was written before the failpoint.
const PAUSE_MS: u64 = 100;

/// How often such a store flushes.
const FLUSH_OFTEN_MS: u64 = 20;

/// As many messages at most pass before a round ends from outside.
const MESSAGES_MAX: u64 = 200;

impl Death {
    /// Where the server is to kill itself, if it is.
    pub(crate) fn kill_at(&self) -> Option<KillAt> {
        match self {
            Self::At(kill_at) => Some(*kill_at),
            Self::Starting(point) => Some(KillAt { point, count: 1, pause_ms: 0 }),
            Self::FromOutside { .. } | Self::Stopped { .. } => None,
        }
    }

    /// Whether it takes new chats to get there.
    pub(crate) fn needs_new_chats(&self) -> bool {
        matches!(self, Self::At(KillAt { point: KEY_POINT, .. }))
    }
}

/// Twenty rounds, in which every failpoint is reached.
pub(crate) fn rounds(dice: &mut Dice) -> Vec<Round> {
    let mut deaths: Vec<Death> = Vec::new();
    for (point, count_max) in POINTS {
        let pause_ms = if dice.once_in(2) { PAUSE_MS } else { 0 };
        deaths.push(Death::At(KillAt { point, count: 1 + dice.below(*count_max), pause_ms }));
    }
    deaths.extend(STARTING.iter().copied().map(Death::Starting));
    deaths.extend(dice.one_of(DOING_AGAIN).map(|point| Death::At(KillAt { point, count: 1, pause_ms: 0 })));
    for _ in 0..OUTSIDE {
        deaths.push(Death::FromOutside { after: dice.below(MESSAGES_MAX) });
    }
    deaths.push(Death::Stopped { after: dice.below(MESSAGES_MAX) });
    dice.shuffle(&mut deaths);
    let round = |death: Death| {
        let pauses = death.kill_at().is_some_and(|kill_at| kill_at.pause_ms > 0);
        let flush_interval_ms = if pauses { FLUSH_OFTEN_MS } else { FLUSH_OFTEN_MS + dice.below(1000) };
        Round { death, flush_interval_ms }
    };
    deaths.into_iter().map(round).collect()
}
