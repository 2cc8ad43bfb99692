//! Whoever saw a message finds it in their history, as soon as a server takes sessions again.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::ensure;
use chasqui_tests::{journal::Journal, process, rest::Rest};

/// What users know by now: per user and chat, the last message that a device of theirs saw.
pub(crate) struct Known(BTreeMap<String, BTreeMap<String, u64>>);

impl Known {
    pub(crate) fn of(journals: &[(String, Arc<Journal>)]) -> Self {
        let mut known: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for (user, journal) in journals {
            let of_user = known.entry(user.clone()).or_default();
            for (chat, seen) in journal.view(|view| view.seen.clone()) {
                let seq = of_user.entry(chat).or_default();
                *seq = seen.max(*seq);
            }
        }
        Self(known)
    }

    /// Checks that a server that has just begun to take sessions serves all of it.
    ///
    /// # Errors
    /// When it doesn't.
    pub(crate) async fn is_served(&self, server: &str) -> anyhow::Result<()> {
        for (user, known) in &self.0 {
            let token = process::token(user)?;
            let served = Rest::new(server, user, &token).last_seqs().await?;
            for (chat, seen) in known {
                let last = served.get(chat).copied().unwrap_or_default();
                ensure!(last >= *seen, "{user} saw message {seen} of {chat}, and is served {last}");
            }
        }
        Ok(())
    }
}
