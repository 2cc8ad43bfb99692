//! What each session of a storm must get, held against what it gets. Writers and readers run in threads of their own.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::{
    flights::{Fault, Flights},
    frame::Frame,
    report::StormFaults,
    text::{self, Texts},
};

/// The messages of one chat each, by the number of its reader.
pub(super) struct Ledger {
    chats: Vec<Mutex<Flights>>,
    texts: Texts,
    faults: Mutex<StormFaults>,
}

impl Ledger {
    pub(super) fn new(sessions: usize, text_bytes: usize) -> Self {
        let chats = (0..sessions).map(|_| Mutex::new(Flights::new(false))).collect();
        Self { chats, texts: Texts::new(text_bytes), faults: Mutex::default() }
    }

    /// A message to a reader is written; gives its id and its text.
    pub(super) fn begin(&self, reader: usize, since: Instant) -> (u64, String) {
        let id = self.chats[reader].lock().begin(since);
        (id, self.texts.of(text::number(reader, id)))
    }

    /// The writer is told that a message was accepted; gives since when it was under way.
    pub(super) fn sent(&self, reader: usize, id: u64, seq: u64) -> Option<Instant> {
        let sent = self.chats[reader].lock().sent(id, seq);
        sent.unwrap_or_else(|fault| {
            self.fault(fault);
            None
        })
    }

    /// The writer is told how far a reader has come.
    pub(super) fn receipt(&self, reader: usize, delivered: u64, read: u64) {
        let receipt = self.chats[reader].lock().receipt(delivered, read, |_, _| {});
        receipt.unwrap_or_else(|fault| self.fault(fault));
    }

    /// A reader has a message, which may be one that it must not have.
    pub(super) fn received(&self, reader: usize, chat: &str, frame: &Frame<'_>) {
        let id = frame.number().unwrap_or_default();
        let is_text = |text| self.texts.is(text::number(reader, id), text);
        let is_intact = frame.chat == Some(chat) && frame.text.is_some_and(is_text);
        let received = self.chats[reader].lock().received(id, frame.seq, is_intact);
        received.map_or_else(|fault| self.fault(fault), |_| {});
    }

    /// The last message that a reader has.
    pub(super) fn last_received(&self, reader: usize) -> u64 {
        self.chats[reader].lock().last_received()
    }

    /// The last message that a reader must have when it has caught up, if it says hello now.
    pub(super) fn due(&self, reader: usize) -> u64 {
        self.chats[reader].lock().last_sent()
    }

    /// A reader is told that it has caught up, which it said hello for when so many messages were due.
    pub(super) fn caught_up(&self, reader: usize, due: u64, is_resumed: bool) {
        let mut faults = self.faults.lock();
        faults.not_resumed += u64::from(!is_resumed);
        faults.caught_up_too_early += u64::from(self.last_received(reader) < due);
    }

    fn fault(&self, fault: Fault) {
        self.faults.lock().exchange.count(fault);
    }

    /// Whether nothing is under way.
    pub(super) fn is_quiet(&self) -> bool {
        self.chats.iter().all(|chat| chat.lock().under_way() == 0)
    }

    /// What was wrong, when nothing more is waited for.
    pub(super) fn faults(&self) -> StormFaults {
        let mut faults = *self.faults.lock();
        for chat in &self.chats {
            faults.exchange.count_missing(chat.lock().missing());
        }
        faults
    }
}

/// When each message was to be sent, and how long it took until its writer was told that it was accepted.
pub(super) type Written = Vec<(Instant, Duration)>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Faults;

    const CHAT: &str = "chat";

    /// A ledger with so many messages to the second of two readers, all of them accepted.
    fn with(messages: u64) -> (Ledger, Vec<String>) {
        let ledger = Ledger::new(2, 100);
        let begin = |id| {
            let (begun, text) = ledger.begin(1, Instant::now());
            assert_eq!(begun, id);
            assert!(ledger.sent(1, id, id).is_some());
            text
        };
        let texts = (1..=messages).map(begin).collect();
        (ledger, texts)
    }

    fn receive(ledger: &Ledger, id: &str, seq: u64, chat: &str, text: &str) {
        let frame =
            Frame { kind: "message", id: Some(id), seq, chat: Some(chat), text: Some(text), ..Frame::default() };
        ledger.received(1, CHAT, &frame);
    }

    fn faults(exchange: Faults) -> StormFaults {
        StormFaults { exchange, ..StormFaults::default() }
    }

    #[test]
    fn who_gets_what_they_missed_has_caught_up() {
        let (ledger, texts) = with(2);
        receive(&ledger, "1", 1, CHAT, &texts[0]);
        ledger.receipt(1, 1, 0);
        let due = ledger.due(1);
        assert_eq!((due, ledger.last_received(1), ledger.is_quiet()), (2, 1, false));
        receive(&ledger, "2", 2, CHAT, &texts[1]);
        ledger.caught_up(1, due, true);
        assert_eq!(ledger.faults(), faults(Faults { without_receipt: 1, ..Faults::default() }));
        ledger.receipt(1, 2, 0);
        assert!(ledger.is_quiet() && !ledger.faults().any());
    }

    #[test]
    fn who_is_told_too_early_or_begins_anew_counts() {
        let (ledger, texts) = with(2);
        receive(&ledger, "1", 1, CHAT, &texts[0]);
        ledger.caught_up(1, 2, true);
        assert_eq!(ledger.faults().caught_up_too_early, 1);
        ledger.caught_up(1, 1, false);
        let StormFaults { exchange, not_resumed, caught_up_too_early, .. } = ledger.faults();
        assert_eq!((not_resumed, caught_up_too_early, exchange.lost), (1, 1, 1));
    }

    #[test]
    fn what_comes_again_or_altered_or_of_another_chat_counts() {
        let (ledger, texts) = with(4);
        receive(&ledger, "1", 1, CHAT, &texts[0]);
        receive(&ledger, "1", 1, CHAT, &texts[0]);
        assert_eq!(ledger.faults().exchange.repeated, 1);
        receive(&ledger, "2", 2, CHAT, &texts[0]);
        receive(&ledger, "3", 3, "other", &texts[2]);
        assert_eq!(ledger.faults().exchange.altered, 2);
        let others = ledger.begin(0, Instant::now()).1;
        receive(&ledger, "4", 4, CHAT, &others);
        receive(&ledger, "5", 5, CHAT, &others);
        let Faults { altered, out_of_order, .. } = ledger.faults().exchange;
        assert_eq!((altered, out_of_order), (3, 1), "the fifth was never written");
    }

    #[test]
    fn what_a_writer_is_told_must_be_true() {
        let (ledger, _) = with(1);
        ledger.receipt(1, 1, 0);
        assert_eq!(ledger.faults().exchange.untrue_receipts, 1, "nobody has it");
        ledger.begin(1, Instant::now());
        assert!(!ledger.is_quiet());
        assert_eq!(ledger.faults().exchange.without_outcome, 1);
        assert_eq!(ledger.sent(1, 2, 3), None);
        assert_eq!(ledger.faults().exchange.out_of_order, 1);
    }
}
