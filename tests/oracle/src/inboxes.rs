//! What is read of inboxes.

use std::collections::BTreeMap;

use crate::{Evidence, InboxReading};

impl Evidence {
    /// Each user's inbox as it was read last.
    pub(crate) fn last_readings(&self) -> BTreeMap<&str, &InboxReading> {
        self.inboxes.iter().map(|reading| (reading.user.as_str(), reading)).collect()
    }
}
