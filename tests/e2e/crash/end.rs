//! The end of a run: all catch up, everything is asked for, and the server is stopped.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chasqui_tests::{
    device::Ending,
    journal::Journal,
    oracle::{Evidence, Line},
    process::{self, Server, Setup},
    rest::Rest,
};

use crate::{
    cast::{self, Cast},
    history::Known,
    load::Load,
};

pub(crate) async fn end(setup: &Setup, cast: &mut Cast, load: Load, evidence: &mut Evidence) -> anyhow::Result<()> {
    let known = Known::of(&cast.journals);
    let mut server = Server::start(setup, None)?;
    let address = server.ready().await?;
    known.is_served(&address).await?;
    let mut devices = load.stop().await?;
    for device in &mut cast.sleepers {
        device.begin().await?;
    }
    cast.pulse.until_nothing_is_missing(|| missing(&cast.journals)).await?;
    for user in users(cast) {
        let token = process::token(&user)?;
        evidence.served.push(Rest { server: &address, user: &user, token: &token }.everything().await?);
    }
    for device in devices.iter_mut().chain(&mut cast.sleepers) {
        device.end(Ending::Close).await?;
    }
    server.stop().await
}

/// Everybody who is in a chat.
fn users(cast: &Cast) -> BTreeSet<String> {
    let mut users: BTreeSet<String> = cast::users().into_iter().map(str::to_owned).collect();
    for transcript in cast.transcripts() {
        users.extend(transcript.lines.into_iter().filter_map(|line| match line {
            Line::Sending { to, .. } => Some(to),
            _ => None,
        }));
    }
    users
}

/// What has to come yet: outcomes, messages, and the user's own watermarks.
fn missing(journals: &[(String, Arc<Journal>)]) -> Vec<String> {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    let mut chats: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut wanted: BTreeMap<(&str, String), (u64, u64)> = BTreeMap::new();
    let mut told: BTreeMap<(&str, String), (u64, u64)> = BTreeMap::new();
    for (user, journal) in journals {
        let view = journal.view(Clone::clone);
        for (chat, seq) in &view.seen {
            raise(last.entry(chat.clone()).or_default(), *seq);
            chats.entry(user).or_default().insert(chat.clone());
        }
        for (chat, seq) in &view.arrived {
            raise(&mut wanted.entry((user, chat.clone())).or_default().0, *seq);
        }
        for (chat, seq) in &view.opened {
            let (delivered, read) = wanted.entry((user, chat.clone())).or_default();
            raise(delivered, *seq);
            raise(read, *seq);
        }
        for (chat, own) in &view.own {
            let (delivered, read) = told.entry((user, chat.clone())).or_default();
            raise(delivered, own.0);
            raise(read, own.1);
        }
    }
    let mut missing = Vec::new();
    for (user, journal) in journals {
        journal.view(|view| {
            missing.extend(view.open.iter().map(|open| format!("{user}: the outcome of {open:?}")));
            if !view.is_caught_up {
                missing.push(format!("{user}: a device catches up"));
            }
            for chat in chats.get(user.as_str()).into_iter().flatten() {
                let (seen, last) = (view.seen.get(chat).copied().unwrap_or_default(), last.get(chat));
                if Some(&seen) != last {
                    missing.push(format!("{user}: {chat} is seen up to {seen} of {last:?}"));
                }
            }
        });
    }
    for (of, wanted) in wanted {
        let told = told.get(&of).copied().unwrap_or_default();
        if told.0 < wanted.0 || told.1 < wanted.1 {
            missing.push(format!("{of:?}: the watermarks are {told:?} and not {wanted:?}"));
        }
    }
    missing
}

fn raise(seq: &mut u64, to: u64) {
    *seq = to.max(*seq);
}
