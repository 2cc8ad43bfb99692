//! Whoever sends a message again is told where and when it is.

use crate::Evidence;

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let messages = evidence.messages();
    let mut broken = Vec::new();
    for repeat in &evidence.repeats {
        let is = messages.get(&(repeat.chat.as_str(), repeat.seq));
        let is_same = is.is_some_and(|told| {
            (told.from, told.device, told.id, told.time) == (&*repeat.user, &*repeat.device, repeat.id, repeat.time)
        });
        if !is_same {
            let is = is.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            broken.push(format!("{repeat:?} was answered, and there is {is}"));
        }
    }
    broken
}
