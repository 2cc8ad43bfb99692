//! What breaks each promise about what is known from inside.

use super::*;

/// What is broken, the promise, and how.
pub(in crate::tests) const BREAKS: &[(&str, &str, Break)] = &[
    ("delivered before it arrived", "receipts are never ahead", |it| it.order.swap(ARRIVED, ARRIVED_TOLD)),
    ("read before it was opened", "receipts are never ahead", |it| {
        it.order[OPENED..=OPENED_TOLD].rotate_left(2);
    }),
    ("an own message delivered", "receipts are never ahead", |it| {
        it.served.clear();
        lines(it, A1).push(receipt("ana", 3, 0));
        it.order.push(A1);
    }),
    ("an answer ahead of an opening", "receipts are never ahead", |it| {
        it.served.clear();
        let members = vec![watermarks("ana", 2, 0), watermarks("ben", 3, 3)];
        lines(it, B1).push(Line::Receipts { chat: CHAT.to_owned(), last_seq: 3, unread: 0, members });
        it.order.push(B1);
    }),
    ("a message that arrived and nobody says so", "devices are told of their messages", |it| {
        it.transcripts[A1].lines.pop();
        it.order.remove(ARRIVED_TOLD);
    }),
    ("a push ahead of its row", "what is pushed has its row", |it| {
        it.pushed_without_row.push(InboxPlace { user: "ben".to_owned(), position: 9 });
    }),
    ("a repeat is told another place", "repeats are told the same", |it| it.repeats[0].seq = 3),
    ("a repeat is told another time", "repeats are told the same", |it| it.repeats[0].time = 103),
    ("a repeat of what nobody has", "repeats are told the same", |it| it.repeats[0].seq = 9),
    ("an order that lacks a line", "receipts are never ahead", |it| it.order.truncate(ARRIVED_TOLD)),
    ("an order with a line too many", "receipts are never ahead", |it| it.order.push(A2)),
    ("an order of other devices", "receipts are never ahead", |it| it.order[0] = 9),
    ("a version left out", "versions and seqs are dense", |it| events(it, |all| all[7].version = 9)),
    ("a version twice", "versions and seqs are dense", |it| events(it, |all| all[7].version = 7)),
    ("versions swapped", "versions and seqs are dense", |it| events(it, |all| all.swap(4, 5))),
    ("a row lost at the beginning", "versions and seqs are dense", |it| events(it, |all| drop(all.remove(0)))),
    ("a seq left out", "versions and seqs are dense", |it| {
        events(it, |all| {
            all[6].what = written(4, "ana", 2);
            all.pop();
        });
    }),
    ("a seq twice", "versions and seqs are dense", |it| {
        events(it, |all| {
            all[6].what = written(2, "ana", 2);
            all.pop();
        });
    }),
    ("a time that goes back", "versions and seqs are dense", |it| events(it, |all| all[5].time = 101)),
    ("opened twice", "versions and seqs are dense", |it| {
        events(it, |all| all.push(event(9, 200, opened(["ana", "ben"]))));
    }),
    ("delivered twice", "versions and seqs are dense", |it| {
        events(it, |all| all.push(event(9, 200, delivered("ben", 3))));
    }),
    ("delivered what is read", "versions and seqs are dense", |it| {
        events(it, |all| (all[2].what, all[4].what) = (read("ben", 1), delivered("ben", 1)));
    }),
    ("read back", "versions and seqs are dense", |it| events(it, |all| all.push(event(9, 200, read("ben", 1))))),
    ("delivered beyond the last", "versions and seqs are dense", |it| {
        events(it, |all| all.push(event(9, 200, delivered("ana", 4))));
    }),
    ("read beyond the last", "versions and seqs are dense", |it| {
        events(it, |all| all.push(event(9, 200, read("ana", 4))));
    }),
    ("a receipt of a stranger", "versions and seqs are dense", |it| {
        events(it, |all| all.push(event(9, 200, read("cleo", 1))));
    }),
    ("a message of a stranger", "versions and seqs are dense", |it| {
        events(it, |all| all.push(event(9, 200, written(4, "cleo", 1))));
    }),
    ("a chat stored twice", "versions and seqs are dense", |it| {
        events(it, |_| {});
        it.chats.push(stored());
    }),
    ("other receipts stored", "the store tells what is served", |it| both(it, |all| drop(all.remove(7)))),
    ("another unread stored", "the store tells what is served", |it| {
        both(it, |all| all[3].what = written(2, "ana", 1));
    }),
    ("another time of a message", "the store tells what is served", |it| both(it, |all| all[3].time = 101)),
    ("another device stored", "the store tells what is served", |it| {
        both(it, |all| {
            if let Happened::Message { device, .. } = &mut all[6].what {
                *device = "a2".to_owned();
            }
        });
    }),
    ("another id stored", "the store tells what is served", |it| both(it, |all| all[6].what = written(3, "ana", 7))),
    ("other members stored", "the store tells what is served", |it| {
        (it.inboxes, it.replayed) = Default::default();
        it.chats[0].events[0].what = Happened::Opened { members: ["ana", "ben", "cleo"].map(str::to_owned).to_vec() };
    }),
    ("a chat that nobody is served", "the store tells what is served", |it| {
        (it.inboxes, it.replayed) = Default::default();
        let events = vec![event(1, 101, opened(["ana", "cleo"]))];
        it.chats.push(StoredChat { chat: "ana-cleo".to_owned(), events, bodies: Vec::new() });
    }),
    ("an entry that changes", "inbox positions never change", |it| rows(it, |rows| rows[0].digest.push('!'))),
    ("an entry of another chat", "inbox positions never change", |it| rows(it, |rows| rows[0].chat.push('!'))),
    ("an entry that goes", "inbox positions never change", |it| rows(it, |rows| rows.push(row(7, Some(2))))),
    ("an entry that moves", "inbox positions never change", |it| rows(it, |rows| rows[2].position = 7)),
    ("a hole that is filled", "inbox positions never change", |it| rows(it, |rows| drop(rows.remove(1)))),
    ("an entry before all others", "inbox positions never change", |it| rows(it, |rows| drop(rows.remove(0)))),
    ("a position twice", "inbox positions never change", |it| rows(it, |rows| rows.insert(0, rows[0].clone()))),
    ("positions that go back", "inbox positions never change", |it| rows(it, |rows| rows.swap(0, 1))),
    ("a message that is nowhere", "every message is once in each inbox", |it| {
        it.replayed.clear();
        it.inboxes[2].rows.pop();
    }),
    ("a message of which only the store knows", "every message is once in each inbox", |it| {
        it.served.clear();
        it.replayed.clear();
        it.chats[0].events.push(event(9, 200, written(4, "ana", 3)));
    }),
    ("a message twice", "every message is once in each inbox", |it| {
        it.replayed.clear();
        it.inboxes[3].rows.push(row(10, Some(3)));
    }),
    ("a message of others", "every message is once in each inbox", |it| {
        it.replayed.clear();
        it.inboxes[3].rows.push(InboxRow { chat: "ana-cleo".to_owned(), ..row(10, Some(1)) });
    }),
    ("an inbox of a stranger", "every message is once in each inbox", |it| {
        it.replayed.clear();
        it.inboxes.push(reading("cleo", &[row(1, Some(1))]));
    }),
    ("an inbox that was not read", "every message is once in each inbox", |it| {
        it.replayed.clear();
        it.inboxes.retain(|reading| reading.user == "ana");
    }),
    ("another event", "replay gives the same", |it| it.replayed[0].chat.events[6].what = written(3, "ana", 3)),
    ("another time", "replay gives the same", |it| it.replayed[0].chat.events[7].time = 199),
    ("an event less", "replay gives the same", |it| drop(it.replayed[0].chat.events.pop())),
    ("an event more", "replay gives the same", |it| {
        it.replayed[0].chat.events.push(event(9, 200, delivered("ana", 3)));
    }),
    ("another chat", "replay gives the same", |it| {
        let chat = StoredChat { chat: "ana-cleo".to_owned(), ..stored() };
        it.replayed.push(Replayed { chat, placed: Vec::new() });
    }),
    ("a chat without events", "replay gives the same", |it| it.replayed[0].chat.events.clear()),
    ("another chat instead", "replay gives the same", |it| {
        let chat = StoredChat { chat: "ana-cleo".to_owned(), events: Vec::new(), bodies: Vec::new() };
        it.replayed = vec![Replayed { chat, placed: Vec::new() }];
    }),
    ("another entry", "replay gives the same", |it| it.replayed[0].placed[1].digests[2].push('!')),
    ("an entry less", "replay gives the same", |it| drop(it.replayed[0].placed[1].digests.pop())),
    ("another order of entries", "replay gives the same", |it| it.replayed[0].placed[1].digests.swap(1, 2)),
    ("an entry for somebody else", "replay gives the same", |it| {
        it.replayed[0].placed.push(placed("cleo", &[row(1, None)]));
    }),
    ("an entry that nobody placed", "replay gives the same", |it| it.inboxes[3].rows.push(row(10, None))),
];

/// What may be served otherwise than it is stored. That breaks other promises as well.
pub(super) const SERVED_OTHERWISE: &[fn(&mut ServedChat)] = &[
    |it| it.with = "cleo".to_owned(),
    |it| it.last_seq = 2,
    |it| it.unread = 2,
    |it| it.members.truncate(1),
    |it| it.messages.truncate(2),
    |it| it.messages.push(message(4, "ana", 3, "more")),
    |it| it.messages[1].seq = 3,
    |it| it.messages[1].from = "ana".to_owned(),
    |it| it.last_message = Some(message(2, "ben", 1, "hello")),
    |it| it.last_message = None,
    |it| it.chat = "ana-cleo".to_owned(),
];

/// Changes what is stored, with nothing beside it that tells otherwise.
fn events(evidence: &mut Evidence, change: impl FnOnce(&mut Vec<StoredEvent>)) {
    (evidence.served, evidence.inboxes, evidence.replayed) = Default::default();
    change(&mut evidence.chats[0].events);
}

/// Changes what is stored, and what a replay gives likewise.
fn both(evidence: &mut Evidence, change: impl FnOnce(&mut Vec<StoredEvent>)) {
    change(&mut evidence.chats[0].events);
    evidence.replayed[0].chat = evidence.chats[0].clone();
}

/// Changes the first reading of ben's inbox.
fn rows(evidence: &mut Evidence, change: impl FnOnce(&mut Vec<InboxRow>)) {
    change(&mut evidence.inboxes[1].rows);
}
