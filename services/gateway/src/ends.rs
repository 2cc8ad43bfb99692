//! How far inboxes are known to have come.

use std::collections::BTreeMap;

use chasqui_domain::{Offset, Partition};
use parking_lot::Mutex;

/// The ends of partitions of `inbox`, as the log last gave them; one for each partition at most. A gateway doesn't see them
/// go back: who puts a log back to an older state stops all roles first. So a cursor that lies before what is known is good,
/// and when all come back at once the log is asked for few: on Kafka that is a question to a broker, which holds a thread.
#[derive(Default)]
pub(crate) struct Ends(Mutex<BTreeMap<Partition, Offset>>);

impl Ends {
    /// Whether an inbox is known to have come so far.
    pub(crate) fn reach(&self, partition: Partition, offset: Offset) -> bool {
        self.0.lock().get(&partition).is_some_and(|end| *end >= offset)
    }

    /// The log says that this is the end.
    pub(crate) fn saw(&self, partition: Partition, end: Offset) {
        let mut ends = self.0.lock();
        let known = ends.entry(partition).or_insert(end);
        *known = end.max(*known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_seen_is_known_and_it_never_goes_back() {
        let ends = Ends::default();
        let (one, other) = (Partition(0), Partition(1));
        assert!(!ends.reach(one, Offset(0)));
        ends.saw(one, Offset(7));
        // An answer may come late.
        ends.saw(one, Offset(5));
        assert!(ends.reach(one, Offset(7)) && !ends.reach(one, Offset(8)) && !ends.reach(other, Offset(0)));
    }
}
