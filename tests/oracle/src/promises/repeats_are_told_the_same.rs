//! Whoever sends a message again is told where and when it is.

use crate::Evidence;

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let messages = evidence.messages();
    let groups: Vec<_> = evidence.group_folds().collect();
    let mut broken = Vec::new();
    for repeat in &evidence.repeats {
        let is = messages.get(&(repeat.chat.as_str(), repeat.seq));
        let group = groups.iter().find(|fold| fold.chat == repeat.chat);
        let is_same_there = group.is_some_and(|fold| {
            fold.things.iter().any(|thing| {
                thing.seq() == Some(repeat.seq)
                    && (thing.by, thing.device) == (&*repeat.user, &*repeat.device)
                    && (thing.id, thing.time) == (repeat.id, repeat.time)
            })
        });
        let is_same = is_same_there
            || is.is_some_and(|told| {
                (told.from, told.device, told.id, told.time) == (&*repeat.user, &*repeat.device, repeat.id, repeat.time)
            });
        if !is_same {
            let is = is.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            broken.push(format!("{repeat:?} was answered, and there is {is}"));
        }
    }
    broken
}
