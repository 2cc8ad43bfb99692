//! However often something had to be sent again, it is there once.

use std::collections::{BTreeMap, BTreeSet};

use crate::Evidence;

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut places: BTreeMap<(String, &str), BTreeSet<(&str, u64)>> = BTreeMap::new();
    for told in evidence.told() {
        // What can't be opened any more says nothing, wherever it is.
        if let Some(text) = told.text.or(told.edited_to).filter(|text| !text.is_empty()) {
            places.entry((told.teller, text)).or_default().insert((told.chat, told.seq));
        }
    }
    let twice = places.into_iter().filter(|(_, places)| places.len() > 1);
    twice.map(|((teller, text), places)| format!("{teller} has {text:?} at {places:?}")).collect()
}
