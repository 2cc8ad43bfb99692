//! What a user is served is what the stored events give when they are folded by other hands.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Evidence, Served, ServedChat, fold::Fold, told::Told};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    if evidence.chats.is_empty() {
        return Vec::new();
    }
    let folds: BTreeMap<&str, Fold<'_>> = evidence.folds().map(|fold| (fold.chat, fold)).collect();
    evidence.served.iter().flat_map(|served| of_user(&folds, served)).collect()
}

fn of_user(folds: &BTreeMap<&str, Fold<'_>>, served: &Served) -> Vec<String> {
    let user = served.user.as_str();
    let stored: BTreeSet<_> =
        folds.values().filter(|fold| fold.members.contains_key(user)).map(|fold| fold.chat).collect();
    let listed: BTreeSet<_> = served.chats.iter().map(|chat| chat.chat.as_str()).collect();
    let mut broken = Vec::new();
    if listed != stored {
        broken.push(format!("{user} is served the chats {listed:?}, stored are {stored:?}"));
    }
    for chat in &served.chats {
        if let Some(fold) = folds.get(chat.chat.as_str()) {
            broken.extend(of_chat(user, fold, chat));
        }
    }
    broken
}

fn of_chat(user: &str, fold: &Fold<'_>, served: &ServedChat) -> Vec<String> {
    let mut members: Vec<_> = served.members.iter().collect();
    members.sort();
    let with = fold.members.keys().copied().find(|member| *member != user).unwrap_or_default();
    let mut broken = Vec::new();
    let mut compare = |what: &str, served_is: String, stored_is: String| {
        if served_is != stored_is {
            broken.push(format!("{user} is served {what} of {} as {served_is}, stored is {stored_is}", served.chat));
        }
    };
    compare("the other member", served.with.clone(), with.to_owned());
    compare("the last message", served.last_seq.to_string(), fold.last_seq().to_string());
    compare("the last time", served.last_time.to_string(), fold.last_written.to_string());
    compare("the unread", served.unread.to_string(), fold.unread(user).to_string());
    compare("the receipts", format!("{members:?}"), format!("{:?}", fold.members.values().collect::<Vec<_>>()));
    compare("how many messages", served.messages.len().to_string(), fold.messages.len().to_string());
    let shown = served.last_message.as_ref().map(Told::served);
    compare("the message in the list", plain(shown.as_ref()), plain(fold.messages.last()));
    for (message, stored) in served.messages.iter().zip(&fold.messages) {
        let what = format!("message {}", stored.seq);
        compare(&what, plain(Some(&Told::served(message))), plain(Some(stored)));
    }
    broken
}

/// A message without what it says, which is stored sealed.
fn plain(told: Option<&Told<'_>>) -> String {
    let plain = |told: &Told<'_>| {
        let Told { seq, from, device, id, time, .. } = told;
        format!("{seq} from {from} on {device} with id {id} at {time}")
    };
    told.map_or("nothing".to_owned(), plain)
}
