//! What came of it.

use serde::Serialize;

use crate::{Faults, Latency, Rate, Receipts, Records, Usage};

/// What came of messages in groups.
#[derive(Debug, Clone, Serialize)]
pub struct GroupReport {
    /// How many groups.
    pub groups: usize,
    /// Members of each, the author included.
    pub members: usize,
    /// How many of them were online beside the author.
    pub online: usize,
    /// What those said of what they got.
    pub receipts: Receipts,
    /// Messages that each author has under way, in a closed loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// Messages a second that were to be sent, in an open loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
    /// Bytes of a text.
    pub text_bytes: usize,
    /// From asking for all groups until all who are online were told of theirs.
    pub created_seconds: f64,
    /// How long it counted.
    pub seconds: f64,
    /// Messages that were accepted.
    pub messages: Rate,
    /// Messages that came to members; each message counts once for each.
    pub deliveries: Rate,
    /// From sending to the word that it was accepted.
    pub sent_after: Option<Latency>,
    /// From sending to a member, over all deliveries.
    pub received_after: Option<Latency>,
    /// From sending until all who are online had it.
    pub received_by_all_after: Option<Latency>,
    /// What the authors were told of who has their messages.
    pub counts: CountsReport,
    /// Records in the log and rows in the store, over the whole run; none where the server doesn't tell.
    pub records: Option<Records>,
    /// The processors meanwhile; none where they can't be read.
    pub processors: Option<Usage>,
    /// What was wrong.
    pub faults: GroupFaults,
}

/// The `counts` frames.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CountsReport {
    /// How many came to an author, on average.
    pub frames_per_author: f64,
    /// How many bytes came to an author in a second, on average.
    pub bytes_per_author_and_second: f64,
    /// The longest.
    pub frame_bytes_max: usize,
    /// The most bytes that came to an author within any 250 ms.
    pub bytes_in_250_ms_max: usize,
}

/// What no server may do with groups, over the whole run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct GroupFaults {
    /// What it may never do. Lost is each copy that did not come to a member who is online; without a receipt is each of
    /// those of whom the author doesn't learn that they have the last message.
    #[serde(flatten)]
    pub exchange: Faults,
    /// How often a `counts` frame came with which an author had got more than 1,024 bytes of them within 250 ms.
    pub too_many_counts: u64,
}

impl GroupFaults {
    /// Whether there was any.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}
