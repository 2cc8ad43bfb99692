//! What is at a position of an inbox stays there, and what comes later lies above all that was there.
//!
//! So a cursor leads everywhere and always to the same, and nothing appears behind a reader's back.

use std::collections::BTreeMap;

use crate::{Evidence, InboxReading, InboxRow};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut before: BTreeMap<&str, BTreeMap<u64, &InboxRow>> = BTreeMap::new();
    let mut broken = Vec::new();
    for reading in &evidence.inboxes {
        broken.extend(out_of_order(reading));
        let now: BTreeMap<u64, &InboxRow> = reading.rows.iter().map(|row| (row.position, row)).collect();
        let was = before.insert(&reading.user, now.clone()).unwrap_or_default();
        let top = was.keys().last().copied();
        for (position, row) in &was {
            let found = now.get(position);
            if found != Some(row) {
                broken.push(format!("the inbox of {} had {row:?}, and has {found:?} there", reading.user));
            }
        }
        let is_below = |position: &u64| Some(*position) < top && !was.contains_key(position);
        for row in now.iter().filter(|(position, _)| is_below(position)).map(|(_, row)| row) {
            broken.push(format!("the inbox of {} had up to {top:?}, and then {row:?}", reading.user));
        }
    }
    broken
}

fn out_of_order(reading: &InboxReading) -> impl Iterator<Item = String> {
    let pairs = reading.rows.windows(2).filter(|pair| pair[0].position >= pair[1].position);
    pairs.map(|pair| format!("the inbox of {} has {:?} behind {:?}", reading.user, pair[1], pair[0]))
}
