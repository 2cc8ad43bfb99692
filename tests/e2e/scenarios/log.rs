//! What a device has seen: what comes in order, in order; and the watermarks, which only rise.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::{anyhow, bail, ensure};
use chasqui_client::{Direction, Update};
use chasqui_tests::{
    wait::{PATIENCE, Pulse},
    witness::Witness,
};
use chasqui_wire::frames::{Changed, Counts, Done, MemberReceipt, OthersReceipt};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::timeout;

#[derive(Default)]
pub(crate) struct Log {
    inner: Mutex<Inner>,
    witness: Witness,
    pulse: Pulse,
}

#[derive(Default)]
struct Inner {
    /// Seen, and not asked for yet.
    stream: VecDeque<Update>,
    /// By chat and member: delivered, and read.
    marks: BTreeMap<(String, String), (u64, u64)>,
    /// By chat and seq, of the user's messages in groups: on devices of how many others, and read by how many, as it was
    /// told last.
    counts: BTreeMap<(String, u64), (u32, u32)>,
    /// What came in order: messages by chat and seq, changes and what is done by all that they say.
    had: BTreeSet<String>,
    /// A client was killed, so what was had may come again.
    may_repeat: bool,
    was_caught_up: bool,
    has_ended: bool,
    /// What must never be.
    wrong: Vec<String>,
    /// How many entries the server has written.
    entries: usize,
}

impl Log {
    pub(crate) fn note(&self, update: Update) {
        self.inner.lock().note(update);
        self.pulse.beat();
    }

    /// Looks at a frame as it goes over the wire.
    pub(crate) fn frame(&self, direction: Direction, text: &str) {
        self.witness.frame(direction, text);
        let is_entry = |frame: &Value| frame["type"] == "message" || frame["type"] == "sent";
        if direction == Direction::FromServer && serde_json::from_str(text).is_ok_and(|frame| is_entry(&frame)) {
            self.inner.lock().entries += 1;
        }
        self.pulse.beat();
    }

    /// A client begins.
    pub(crate) fn begins(&self) {
        self.inner.lock().has_ended = false;
    }

    /// Its client has ended by itself.
    pub(crate) fn has_ended(&self) -> bool {
        self.inner.lock().has_ended
    }

    pub(crate) fn may_repeat(&self) {
        self.inner.lock().may_repeat = true;
    }

    pub(crate) fn entries(&self) -> usize {
        self.inner.lock().entries
    }

    /// What came next in order.
    pub(crate) async fn next(&self) -> anyhow::Result<Update> {
        let waited = timeout(
            PATIENCE,
            self.pulse.until(|| {
                let inner = self.inner.lock();
                !inner.stream.is_empty() || !inner.wrong.is_empty() || self.witness.is_alarmed()
            }),
        );
        waited.await.map_err(|_| anyhow!("it sees nothing more"))?;
        self.nothing_is_wrong()?;
        self.inner.lock().stream.pop_front().ok_or_else(|| anyhow!("it sees nothing more"))
    }

    /// Waits for so many entries on the wire.
    pub(crate) async fn until_written(&self, entries: usize) -> anyhow::Result<()> {
        let waited = timeout(PATIENCE, self.pulse.until(|| self.entries() >= entries)).await;
        waited.map_err(|_| anyhow!("the server has written {} entries", self.entries()))
    }

    /// Waits until it was told of just these watermarks.
    pub(crate) async fn until_marked(&self, chat: &str, of: &str, delivered: u64, read: u64) -> anyhow::Result<()> {
        let key = (chat.to_owned(), of.to_owned());
        let told = || self.inner.lock().marks.get(&key).copied().unwrap_or_default();
        let waited = timeout(PATIENCE, self.pulse.until(|| told().0 >= delivered && told().1 >= read)).await;
        let told = told();
        ensure!(waited.is_ok() && told == (delivered, read), "{of} has {told:?} (delivered, read)");
        self.nothing_is_wrong()
    }

    /// Waits until it was told that just so many others have a message of its user.
    pub(crate) async fn until_counted(&self, chat: &str, seq: u64, delivered: u32, read: u32) -> anyhow::Result<()> {
        let key = (chat.to_owned(), seq);
        let told = || self.inner.lock().counts.get(&key).copied().unwrap_or_default();
        let waited = timeout(PATIENCE, self.pulse.until(|| told().0 >= delivered && told().1 >= read)).await;
        let told = told();
        ensure!(waited.is_ok() && told == (delivered, read), "{told:?} others have {seq} (delivered, read)");
        self.nothing_is_wrong()
    }

    /// Nothing was seen that was not asked for.
    pub(crate) fn is_empty(&self) -> anyhow::Result<()> {
        self.nothing_is_wrong()?;
        let inner = self.inner.lock();
        ensure!(inner.stream.is_empty(), "it sees more: {:?}", inner.stream);
        Ok(())
    }

    fn nothing_is_wrong(&self) -> anyhow::Result<()> {
        self.witness.is_content()?;
        match self.inner.lock().wrong.first() {
            Some(wrong) => bail!("{wrong}"),
            None => Ok(()),
        }
    }
}

impl Inner {
    fn note(&mut self, update: Update) {
        match &update {
            Update::Ended(_) => self.has_ended = true,
            Update::Connected { .. } => self.was_caught_up = false,
            // A repair brings another, and loses nothing.
            Update::CaughtUp if std::mem::replace(&mut self.was_caught_up, true) => return,
            Update::Message(message) if self.had_already(format!("{} {}", message.chat, message.seq)) => return,
            Update::Sent { sent, .. } if self.had_already(format!("{} {}", sent.chat, sent.seq)) => return,
            Update::Changed(changed) => {
                let unplaced = Changed { cursor: None, ..(**changed).clone() };
                if self.had_already(format!("{unplaced:?}")) {
                    return;
                }
            }
            Update::Done { done, .. } => {
                let unplaced = Done { cursor: String::new(), ..done.clone() };
                if self.had_already(format!("{unplaced:?}")) {
                    return;
                }
            }
            Update::Counts(counts) => return self.count(counts),
            Update::Receipt(receipt) => {
                let member =
                    MemberReceipt { user: receipt.user.clone(), delivered: receipt.delivered, read: receipt.read };
                self.mark(receipt.chat.to_string(), &member);
                return;
            }
            Update::Receipts(receipts) => {
                for member in &receipts.members {
                    self.mark(receipts.chat.to_string(), member);
                }
                if let Some(others) = &receipts.others {
                    self.check_others(others);
                }
                return;
            }
            // A busy machine, and no more.
            Update::Delayed { .. } | Update::Retrying(_) => return,
            _ => {}
        }
        self.stream.push_back(update);
    }

    fn had_already(&mut self, what: String) -> bool {
        !self.had.insert(what) && self.may_repeat
    }

    fn count(&mut self, counts: &Counts) {
        let Counts { chat, others, messages } = counts;
        self.check_others(others);
        if !messages.is_sorted_by(|one, next| one.seq < next.seq) {
            self.wrong.push(format!("messages are counted in no order: {messages:?}"));
        }
        for message in messages {
            if message.read > message.delivered || message.delivered > others.count {
                self.wrong.push(format!("{message:?} of {} others", others.count));
            }
            self.counts.insert((chat.to_string(), message.seq.0), (message.delivered, message.read));
        }
    }

    fn check_others(&mut self, others: &OthersReceipt) {
        if others.read > others.delivered {
            self.wrong.push(format!("all have read more than is delivered: {others:?}"));
        }
    }

    fn mark(&mut self, chat: String, member: &MemberReceipt) {
        let (delivered, read) = (member.delivered.0, member.read.0);
        if read > delivered {
            self.wrong.push(format!("{} has read {read} of which {delivered} are delivered", member.user));
        }
        let marks = self.marks.entry((chat, member.user.to_string())).or_default();
        *marks = (marks.0.max(delivered), marks.1.max(read));
    }
}
