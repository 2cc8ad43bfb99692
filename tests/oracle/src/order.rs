//! What was written down first, over all devices.

use crate::{Evidence, Line, Transcript};

impl Evidence {
    /// The lines of all devices in the order in which they were written; none when it isn't known. What the order tells
    /// beyond the lines that there are is left out.
    pub fn in_order(&self) -> impl Iterator<Item = (&Transcript, &Line)> {
        let mut unread: Vec<_> = self.transcripts.iter().map(|transcript| transcript.lines.iter()).collect();
        self.order.iter().filter_map(move |&index| Some((self.transcripts.get(index)?, unread.get_mut(index)?.next()?)))
    }

    /// Whether the order, if it is known, has every line once.
    pub(crate) fn is_order_whole(&self) -> bool {
        let lines = self.lines().count();
        self.order.is_empty() || (self.order.len() == lines && self.in_order().count() == lines)
    }
}
