//! What a device writes down, and what can be told from it at once.

use std::collections::{BTreeMap, BTreeSet};

use chasqui_client::Direction;
use chasqui_oracle::{Line, Transcript, Watermarks};
use parking_lot::Mutex;
use serde_json::Value;

use crate::{documented, wait::Pulse};

/// A device's transcript, as it grows.
#[derive(Debug)]
pub struct Journal {
    inner: Mutex<(Transcript, View)>,
    pulse: Pulse,
}

/// What the transcript says by now.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Whether there is a session.
    pub is_connected: bool,
    /// Whether all was seen since the last connection.
    pub is_caught_up: bool,
    /// How many messages were accepted.
    pub accepted: u64,
    /// Messages that the client took and that have no outcome yet, by chat and id.
    pub open: BTreeSet<(String, u64)>,
    /// Those whose outcome was seen before the call returned.
    early: BTreeSet<(String, u64)>,
    /// Per chat, to whom the user writes there.
    pub peers: BTreeMap<String, String>,
    /// Per chat, the last message that was seen.
    pub seen: BTreeMap<String, u64>,
    /// Per chat, the last message of somebody else that arrived.
    pub arrived: BTreeMap<String, u64>,
    /// Per chat, up to where the user opened it.
    pub opened: BTreeMap<String, u64>,
    /// Per chat and member, the watermarks that the server told: delivered and read.
    pub watermarks: BTreeMap<(String, String), (u64, u64)>,
    /// Why messages had to be sent again.
    pub retries: BTreeSet<String>,
    /// How often an outcome was called late.
    pub delays: u64,
    /// What was refused for good.
    pub refused: Vec<String>,
    /// When the server wanted the device back, in milliseconds: each time that it was sent away.
    pub waits: Vec<u64>,
}

impl Journal {
    /// An empty one.
    #[must_use]
    pub fn new(user: &str, device: &str, pulse: Pulse) -> Self {
        let transcript = Transcript { user: user.to_owned(), device: device.to_owned(), lines: Vec::new() };
        Self { inner: Mutex::new((transcript, View::default())), pulse }
    }

    /// Writes a line.
    pub fn note(&self, line: Line) {
        let mut inner = self.inner.lock();
        let (transcript, view) = &mut *inner;
        view.note(&transcript.user, &line);
        transcript.lines.push(line);
        drop(inner);
        self.pulse.beat();
    }

    /// Looks at a frame as it goes over the wire.
    pub fn frame(&self, direction: Direction, text: &str) {
        if let Err(why) = documented::frame(direction, text) {
            self.note(Line::Undocumented { why });
        }
        let Ok(frame) = serde_json::from_str::<Value>(text) else { return };
        if direction == Direction::FromServer
            && frame["type"] == "error"
            && let Some(wait) = frame["retry_in_ms"].as_u64()
        {
            self.inner.lock().1.waits.push(wait);
            self.pulse.beat();
        }
    }

    /// Looks at what it says by now.
    pub fn view<T>(&self, look: impl FnOnce(&View) -> T) -> T {
        look(&self.inner.lock().1)
    }

    /// All of it.
    #[must_use]
    pub fn transcript(&self) -> Transcript {
        self.inner.lock().0.clone()
    }
}

impl View {
    fn note(&mut self, user: &str, line: &Line) {
        match line {
            Line::Connected { .. } | Line::Disconnected | Line::Began | Line::Ended { .. } => {
                self.is_connected = matches!(line, Line::Connected { .. });
                self.is_caught_up = false;
            }
            Line::Joins { chat, seq } => raise(&mut self.seen, chat, *seq),
            Line::CaughtUp => self.is_caught_up = true,
            // The devices of these tests are in no groups.
            Line::Undocumented { .. } | Line::Group(_) => {}
            Line::Sending { to, chat, .. } => drop(self.peers.insert(chat.clone(), to.clone())),
            Line::Send { chat, id, .. } => {
                let send = (chat.clone(), *id);
                if !self.early.remove(&send) {
                    self.open.insert(send);
                }
            }
            Line::Sent { chat, id, seq, .. } => {
                self.accepted += 1;
                self.settle(chat, *id);
                raise(&mut self.seen, chat, *seq);
            }
            Line::Failed { retry: true, code, .. } => drop(self.retries.insert(code.clone())),
            Line::Delayed { .. } => self.delays += 1,
            Line::Failed { chat, id, code, .. } => {
                self.refused.push(format!("{chat:?} {id:?}: {code}"));
                if let (Some(chat), Some(id)) = (chat, id) {
                    self.settle(chat, *id);
                }
            }
            Line::Message(message) => {
                raise(&mut self.seen, &message.chat, message.seq);
                if message.from != user {
                    raise(&mut self.arrived, &message.chat, message.seq);
                }
            }
            Line::Reading { chat, seq } => raise(&mut self.opened, chat, *seq),
            Line::Receipt { chat, watermarks } => self.told(chat, watermarks),
            Line::Receipts { chat, members, .. } => members.iter().for_each(|member| self.told(chat, member)),
        }
    }

    fn settle(&mut self, chat: &str, id: u64) {
        let send = (chat.to_owned(), id);
        if !self.open.remove(&send) {
            self.early.insert(send);
        }
    }

    fn told(&mut self, chat: &str, watermarks: &Watermarks) {
        let (delivered, read) = self.watermarks.entry((chat.to_owned(), watermarks.user.clone())).or_default();
        *delivered = watermarks.delivered.max(*delivered);
        *read = watermarks.read.max(*read);
    }
}

fn raise(all: &mut BTreeMap<String, u64>, chat: &str, to: u64) {
    let seq = all.entry(chat.to_owned()).or_default();
    *seq = to.max(*seq);
}
