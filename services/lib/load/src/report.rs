//! What came of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    flights::{Fault, Missing},
    processors::Usage,
};

/// What came of an exchange of messages.
#[derive(Debug, Clone, Serialize)]
pub struct ChatReport {
    /// How many pairs.
    pub pairs: usize,
    /// Messages that each pair has under way, in a closed loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// Messages a second that were to be sent, in an open loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
    /// Bytes of a text.
    pub text_bytes: usize,
    /// How long it counted.
    pub seconds: f64,
    /// Messages that the recipient has, and whose delivered receipt came back to the sender.
    pub receipted: Rate,
    /// Those whose read receipt came back, too; none where nobody reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<Rate>,
    /// From sending to the word that it was accepted.
    pub sent_after: Option<Latency>,
    /// From sending to the recipient.
    pub received_after: Option<Latency>,
    /// From sending to the delivered receipt.
    pub delivered_after: Option<Latency>,
    /// From sending to the read receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_after: Option<Latency>,
    /// The processors meanwhile; none where they can't be read.
    pub processors: Option<Usage>,
    /// What was wrong.
    pub faults: Faults,
}

impl ChatReport {
    /// Processor seconds of the server for 1,000 receipted messages; none where they are not known.
    #[must_use]
    pub fn server_seconds_per_1000(&self) -> Option<f64> {
        let usage = self.processors.as_ref().filter(|usage| !usage.servers.is_empty())?;
        let seconds: f64 = usage.servers.iter().map(|process| process.cpu_seconds).sum();
        (self.receipted.count > 0).then(|| seconds * 1_000.0 / self.receipted.count as f64)
    }
}

/// How many, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// In the whole time.
    pub count: u64,
    /// In a second.
    pub per_second: f64,
}

impl Rate {
    pub(crate) fn of(count: u64, seconds: f64) -> Self {
        Self { count, per_second: count as f64 / seconds }
    }
}

/// How long something took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// How often it was measured.
    pub count: u64,
    /// The median.
    pub p50_ms: f64,
    /// 19 of 20 took no longer.
    pub p95_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// 999 of 1,000 took no longer.
    pub p99_9_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// What no server may do, over the whole run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// Messages that were accepted and did not come to their recipient in time.
    pub lost: u64,
    /// Messages without an outcome in time.
    pub without_outcome: u64,
    /// Messages that came to their recipient, and whose receipt did not come to the sender in time.
    pub without_receipt: u64,
    /// What came again.
    pub repeated: u64,
    /// What came and was not the next.
    pub out_of_order: u64,
    /// Texts that are not what was written.
    pub altered: u64,
    /// Receipts for what nobody had, or had read.
    pub untrue_receipts: u64,
}

impl Faults {
    /// Whether there was any.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    pub(crate) fn count(&mut self, fault: Fault) {
        let count = match fault {
            Fault::Repeated => &mut self.repeated,
            Fault::OutOfOrder => &mut self.out_of_order,
            Fault::Altered => &mut self.altered,
            Fault::Untrue => &mut self.untrue_receipts,
        };
        *count += 1;
    }

    /// Each message counts for the first thing that it lacks.
    pub(crate) fn count_missing(&mut self, missing: Missing) {
        self.without_outcome += missing.outcomes;
        self.lost += missing.messages - missing.outcomes.min(missing.messages);
        self.without_receipt += missing.receipts - missing.messages.min(missing.receipts);
    }
}

/// What sessions cost that do nothing.
#[derive(Debug, Clone, Serialize)]
pub struct IdleReport {
    /// How many sessions.
    pub sessions: usize,
    /// How long it took until all had caught up.
    pub log_in_seconds: f64,
    /// How often one was told to come back later.
    pub told_to_come_back: u64,
    /// Processor time of the server for a log-in, in milliseconds; none where it can't be read.
    pub cpu_ms_per_log_in: Option<f64>,
    /// What the server's memory grew by for a session, in KiB; none where it can't be read.
    pub resident_kib_per_session: Option<f64>,
    /// Processor time of the server in a second while nothing happens, in milliseconds.
    pub idle_cpu_ms_per_second: Option<f64>,
    /// The server's processes at the end.
    pub processors: Option<Usage>,
}

/// What came of a storm.
#[derive(Debug, Clone, Serialize)]
pub struct StormReport {
    /// How many sessions lost their connections at once.
    pub sessions: usize,
    /// How many users stayed connected and wrote to them.
    pub writers: usize,
    /// Messages that each session missed, at least.
    pub messages: u64,
    /// Messages a second that were written in calm and storm.
    pub per_second: f64,
    /// Bytes of a text.
    pub text_bytes: usize,
    /// How long the first log-in of all took.
    pub log_in_seconds: f64,
    /// How long it took to write what they missed, and how many that was.
    pub written_while_away: Rate,
    /// Sessions that came back and caught up.
    pub caught_up: u64,
    /// From the moment at which all began to come back to the one at which each had caught up.
    pub caught_up_after: Option<Latency>,
    /// Log-ins, up to the last `welcome`.
    pub admitted: Rate,
    /// How often one was told to come back later, by the code.
    pub told_to_come_back: BTreeMap<String, u64>,
    /// How often the one was told who was told most often.
    pub told_most: u64,
    /// How often a connection failed or ended without a word before the session was there.
    pub cut_without_a_word: u64,
    /// From sending to the word that it was accepted, while all was calm.
    pub sent_after_in_calm: Option<Latency>,
    /// The same while they came back.
    pub sent_after_in_storm: Option<Latency>,
    /// How often a writer fell behind and was brought up to date.
    pub writers_repaired: u64,
    /// Resident memory of the server, in KiB; none where it can't be read.
    pub resident_kib: Option<Resident>,
    /// The processors while they came back; none where they can't be read.
    pub processors: Option<Usage>,
    /// What was wrong.
    pub faults: StormFaults,
}

/// Resident memory of the server, in KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Resident {
    /// With all sessions there, before they were cut.
    pub before: u64,
    /// The most from the cut to the moment at which all had caught up, looked at every 100 ms.
    pub peak: u64,
    /// A while after.
    pub after: u64,
}

/// What no server may do in a storm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StormFaults {
    /// What it may never do.
    #[serde(flatten)]
    pub exchange: Faults,
    /// Sessions that did not go on where their cursor ended.
    pub not_resumed: u64,
    /// Those that were told to have caught up before they had all that was accepted before their hello.
    pub caught_up_too_early: u64,
    /// Those that had not caught up in time.
    pub not_caught_up: u64,
}

impl StormFaults {
    /// Whether there was any.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}
