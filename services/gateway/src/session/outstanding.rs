//! The messages of a session that wait for their outcome.

use std::{collections::VecDeque, time::Duration};

use chasqui_domain::{ChatId, Counter};

use crate::limits;

/// The messages of a session that wait for their outcome, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Outstanding {
    sends: VecDeque<Waiting>,
    sends_max: usize,
}

#[derive(Debug)]
struct Waiting {
    chat: ChatId,
    counter: Counter,
    since: Duration,
    told: bool,
}

impl Outstanding {
    pub(crate) fn new(sends_max: usize) -> Self {
        Self { sends: VecDeque::new(), sends_max }
    }

    /// Adds a message; false when there are too many. One that is sent again while it waits still waits once.
    pub(crate) fn add(&mut self, chat: ChatId, counter: Counter, now: Duration) -> bool {
        if self.sends.iter().any(|send| (send.chat, send.counter) == (chat, counter)) {
            return true;
        }
        let has_room = self.sends.len() < self.sends_max;
        if has_room {
            self.sends.push_back(Waiting { chat, counter, since: now, told: false });
        }
        has_room
    }

    /// A message waits no more.
    pub(crate) fn settle(&mut self, chat: ChatId, counter: Counter) {
        // Outcomes come nearly in the order of the messages, so this ends at the front.
        if let Some(at) = self.sends.iter().position(|send| (send.chat, send.counter) == (chat, counter)) {
            self.sends.remove(at);
        }
    }

    /// The messages that have become late; each is given once.
    pub(crate) fn late(&mut self, now: Duration) -> impl Iterator<Item = (ChatId, Counter)> + '_ {
        let late = move |send: &&mut Waiting| !send.told && send.since + limits::DELAYED_AFTER <= now;
        self.sends.iter_mut().filter(late).map(|send| {
            send.told = true;
            (send.chat, send.counter)
        })
    }

    /// When the next message becomes late.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.sends.iter().find(|send| !send.told).map(|send| send.since + limits::DELAYED_AFTER)
    }
}
