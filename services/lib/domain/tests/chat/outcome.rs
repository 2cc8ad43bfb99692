//! What a decision comes to, in a word or two: for saying which outcomes random steps reach.

use chasqui_domain::{Change, Decision, Effect, Entry, EventKind, Refusal};

pub(crate) fn outcome(decision: &Decision) -> &'static str {
    let entry = |effect: &Effect| {
        let Effect::Place { entry, .. } = effect;
        entry.clone()
    };
    match decision.effects.first().map(entry) {
        None => "no change",
        Some(Entry::Message { .. }) => "message",
        Some(Entry::Repeated { .. }) => "repeated",
        Some(Entry::Receipt { .. }) if decision.effects.len() > 1 => "receipt, counted",
        Some(Entry::Receipt { .. }) => "receipt",
        Some(Entry::Counts(_)) => "counts",
        Some(Entry::Done { .. }) => "done",
        Some(Entry::Changed { .. }) => change(decision),
        Some(Entry::Refused { refusal, .. }) => refused(refusal),
    }
}

fn change(decision: &Decision) -> &'static str {
    match &decision.events[0].kind {
        EventKind::Changed { change, .. } => match change {
            Change::Add { .. } => "added",
            Change::Remove { .. } => "removed",
            Change::Leave => "left",
            Change::SetRole { .. } if decision.events.len() > 1 => "passed on and left",
            Change::SetRole { .. } => "role set",
            Change::Describe { .. } => "described",
            Change::Edit { .. } => "edited",
            Change::Delete { .. } => "deleted",
            Change::React { reaction: Some(_), .. } => "reacted",
            Change::React { reaction: None, .. } => "reaction taken back",
            Change::Pin { .. } => "pinned",
            Change::Unpin { .. } => "unpinned",
        },
        _ => "created",
    }
}

fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::WrongChat => "wrong chat",
        Refusal::NotAMember => "not a member",
        Refusal::NotAllowed => "not allowed",
        Refusal::NotPermitted => "not permitted",
        Refusal::NoSuchMember => "no such member",
        Refusal::TooManyMembers => "too many members",
        Refusal::LastOwner => "last owner",
        Refusal::NoSuchMessage => "no such message",
        Refusal::TooLate => "too late",
        Refusal::TooManyReactions => "too many reactions",
        Refusal::TooManyActions => "too many actions",
        Refusal::TooManyPins => "too many pins",
        Refusal::BodyTooLarge => "body too large",
        Refusal::BadCounter => "bad counter",
        Refusal::CounterTooOld => "counter too old",
        Refusal::StaleEpoch { .. } => "stale epoch",
        Refusal::SeqAhead => "seq ahead",
        Refusal::Poison => "poison",
    }
}
