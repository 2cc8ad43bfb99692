//! What a device has seen: what comes in order, in order; and the watermarks, which only rise.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::{anyhow, bail, ensure};
use chasqui_client::{Direction, Update};
use chasqui_tests::{
    wait::{PATIENCE, Pulse},
    witness::Witness,
};
use chasqui_wire::frames::MemberReceipt;
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
    /// By chat and seq: what came in order.
    had: BTreeSet<(String, u64)>,
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
            Update::Message(message) if self.had_already(message.chat.to_string(), message.seq.0) => return,
            Update::Sent { sent, .. } if self.had_already(sent.chat.to_string(), sent.seq.0) => return,
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
                return;
            }
            // A busy machine, and no more.
            Update::Delayed { .. } | Update::Retrying(_) => return,
            _ => {}
        }
        self.stream.push_back(update);
    }

    fn had_already(&mut self, chat: String, seq: u64) -> bool {
        !self.had.insert((chat, seq)) && self.may_repeat
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
