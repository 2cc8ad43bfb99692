//! What was refused in a group, or to be done to a message of any chat, has not happened, and what is asked once
//! happens once: but who hands a group on by leaving has done two things. No client is told the outcome of what it took
//! twice.
//!
//! Refusals are remembered by nobody: what was asked again before its sender knew may be refused again, or happen then.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Change, Evidence, InGroup, Line,
    group::{
        fold::{Thing, What},
        seen::outcome,
    },
};

/// The group, the user, the device, and the id.
type Asked<'a> = (&'a str, &'a str, &'a str, u64);

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let folds: Vec<_> = evidence.all_folds().collect();
    let mut happened: BTreeMap<Asked<'_>, Vec<&Thing<'_>>> = BTreeMap::new();
    for fold in &folds {
        // Of messages of direct chats another promise tells.
        for thing in fold.things.iter().filter(|thing| fold.is_group || thing.seq().is_none()) {
            happened.entry((fold.chat, thing.by, thing.device, thing.id)).or_default().push(thing);
        }
    }
    let times = |asked: &Asked<'_>| {
        let again = evidence.asked_again.iter();
        let mut again = again.filter(|it| (&*it.chat, &*it.user, &*it.device, it.id) == *asked);
        again.next().map_or(1, |it| it.times)
    };
    let mut broken = Vec::new();
    for (asked, things) in &happened {
        let is_change = |thing: &Thing<'_>, is: fn(&Change) -> bool| matches!(thing.what, What::Change { change, .. } if is(change));
        let is_handed_on = things.len() == 2
            && is_change(things[0], |change| matches!(change, Change::Role { .. }))
            && is_change(things[1], |change| *change == Change::Left);
        if things.len() > 1 && !is_handed_on {
            broken.push(format!("{asked:?} has happened as {things:?}"));
        }
    }
    for transcript in &evidence.transcripts {
        let (user, device) = (transcript.user.as_str(), transcript.device.as_str());
        // A killed app may ask again what it was told to be refused.
        let is_killed = |life: &&[Line]| matches!(life.last(), Some(Line::Ended { killed: true }));
        let lives = transcript.lives().filter(|life| !is_killed(life));
        let refused = lives.flatten().filter_map(outcome).filter(|(.., is_refused)| *is_refused);
        let refused: BTreeSet<_> = refused.map(|(chat, id, _)| (chat, user, device, id)).collect();
        for asked in refused.iter().filter(|asked| happened.contains_key(*asked) && times(asked) < 2) {
            broken.push(format!("{asked:?} was refused and has happened"));
        }
        for life in transcript.lives() {
            let taken: BTreeSet<_> = life.iter().filter_map(taken).collect();
            let mut told: BTreeMap<_, usize> = BTreeMap::new();
            for (chat, id, _) in life.iter().filter_map(outcome).filter(|(chat, id, _)| taken.contains(&(*chat, *id))) {
                *told.entry((chat, user, device, id)).or_default() += 1;
            }
            let twice = told.iter().filter(|(asked, count)| **count > times(asked));
            broken.extend(twice.map(|(asked, count)| format!("the outcome of {asked:?} was told {count} times")));
        }
    }
    broken
}

fn taken(line: &Line) -> Option<(&str, u64)> {
    match line {
        Line::Group(InGroup::Asked { chat, id, .. }) => Some((chat, *id)),
        _ => None,
    }
}
