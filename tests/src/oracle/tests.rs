//! Every promise is broken once, and the oracle must name that one and no other.

use super::*;

const CHAT: &str = "ana-ben";

fn message(seq: u64, from: &str, id: u64, text: &str) -> Message {
    let device = if from == "ana" { "a1" } else { "b1" };
    let (chat, from, device, text) = (CHAT.to_owned(), from.to_owned(), device.to_owned(), text.to_owned());
    Message { chat, seq, from, device, id, text, time: 100 + seq }
}

fn sending(to: &str, id: u64, text: &str) -> [Line; 2] {
    let (chat, text) = (CHAT.to_owned(), text.to_owned());
    [Line::Sending { to: to.to_owned(), chat: chat.clone(), text: text.clone() }, Line::Send { chat, id, text }]
}

fn sent(id: u64, seq: u64) -> Line {
    Line::Sent { chat: CHAT.to_owned(), id, seq, time: 100 + seq, repeated: false }
}

fn watermarks(user: &str, delivered: u64, read: u64) -> Watermarks {
    Watermarks { user: user.to_owned(), delivered, read }
}

fn receipt(user: &str, delivered: u64, read: u64) -> Line {
    Line::Receipt { chat: CHAT.to_owned(), watermarks: watermarks(user, delivered, read) }
}

fn transcript(user: &str, device: &str, lines: Vec<Line>) -> Transcript {
    let begin = vec![Line::Began, Line::Connected { resumed: false }, Line::CaughtUp];
    Transcript { user: user.to_owned(), device: device.to_owned(), lines: [begin, lines].concat() }
}

fn served(user: &str, with: &str, unread: u64) -> Served {
    let messages = vec![message(1, "ana", 1, "hi"), message(2, "ben", 1, "hello"), message(3, "ana", 2, "bye")];
    let chat = ServedChat {
        chat: CHAT.to_owned(),
        with: with.to_owned(),
        last_seq: 3,
        last_time: 200,
        unread,
        members: vec![watermarks("ana", 2, 0), watermarks("ben", 3, 1)],
        last_message: messages.last().cloned(),
        messages,
    };
    Served { user: user.to_owned(), chats: vec![chat] }
}

/// Two users and three devices; nothing is wrong.
fn good() -> Evidence {
    let a1 = [
        sending("ben", 1, "hi").to_vec(),
        vec![sent(1, 1), receipt("ben", 1, 0)],
        vec![Line::Message(message(2, "ben", 1, "hello")), receipt("ben", 1, 1), receipt("ana", 2, 0)],
        sending("ben", 2, "bye").to_vec(),
        vec![sent(2, 3), receipt("ben", 3, 1)],
    ]
    .concat();
    let a2 = vec![
        Line::Message(message(1, "ana", 1, "hi")),
        Line::Message(message(2, "ben", 1, "hello")),
        Line::Message(message(3, "ana", 2, "bye")),
    ];
    let b1 = [
        vec![Line::Message(message(1, "ana", 1, "hi"))],
        sending("ana", 1, "hello").to_vec(),
        vec![Line::Reading { chat: CHAT.to_owned(), seq: 1 }, sent(1, 2), Line::Message(message(3, "ana", 2, "bye"))],
        vec![Line::Receipts {
            chat: CHAT.to_owned(),
            last_seq: 3,
            unread: 1,
            members: vec![watermarks("ana", 2, 0), watermarks("ben", 1, 1)],
        }],
    ]
    .concat();
    Evidence {
        transcripts: vec![transcript("ana", "a1", a1), transcript("ana", "a2", a2), transcript("ben", "b1", b1)],
        served: vec![served("ana", "ben", 1), served("ben", "ana", 1)],
    }
}

const A1: usize = 0;
const A2: usize = 1;
const B1: usize = 2;

/// The lines of a device behind its beginning.
fn lines(evidence: &mut Evidence, device: usize) -> &mut Vec<Line> {
    &mut evidence.transcripts[device].lines
}

fn is_message(line: &Line, of: u64) -> bool {
    matches!(line, Line::Message(message) if message.seq == of)
}

fn change(evidence: &mut Evidence, device: usize, seq: u64, change: impl FnOnce(&mut Message)) {
    let found = lines(evidence, device).iter_mut().find(|line| is_message(line, seq));
    if let Some(Line::Message(message)) = found {
        change(message);
    }
}

fn members(evidence: &mut Evidence, change: impl Fn(&mut Vec<Watermarks>)) {
    evidence.served.iter_mut().for_each(|served| change(&mut served.chats[0].members));
}

type Break = fn(&mut Evidence);

const BREAKS: &[(&str, &str, Break)] = &[
    ("a device begins anew", "sessions resume", |it| lines(it, A2).push(Line::Connected { resumed: false })),
    ("a send without an outcome", "every send has one outcome", |it| {
        lines(it, A1).extend(sending("ben", 3, "lost on the way"));
    }),
    ("a send with two outcomes", "every send has one outcome", |it| {
        let (chat, code) = (Some(CHAT.to_owned()), "not_allowed".to_owned());
        lines(it, A1).push(Line::Failed { chat, id: Some(2), code, retry: false });
    }),
    ("a message from nowhere", "nothing is made up", |it| {
        lines(it, B1).retain(|line| !matches!(line, Line::Sending { .. } | Line::Send { .. }));
        // The members of the chat are known from the other side.
    }),
    ("another text for everybody", "nothing is made up", |it| {
        for device in [A2, B1] {
            change(it, device, 3, |message| message.text = "buy".to_owned());
        }
        lines(it, A1).retain(|line| !matches!(line, Line::Send { id: 2, .. }));
        for served in &mut it.served {
            let chat = &mut served.chats[0];
            chat.messages[2].text = "buy".to_owned();
            chat.last_message = chat.messages.last().cloned();
        }
    }),
    ("a text twice", "no text is there twice", |it| {
        let again = Message { seq: 4, time: 104, ..message(4, "ana", 2, "bye") };
        it.served.clear();
        lines(it, A1).push(sent(2, 4));
        for device in [A2, B1] {
            lines(it, device).push(Line::Message(again.clone()));
        }
    }),
    ("a hole", "devices see a chat in order", |it| lines(it, A2).retain(|line| !is_message(line, 2))),
    ("a repeat", "devices see a chat in order", |it| {
        lines(it, A2).push(Line::Message(message(3, "ana", 2, "bye")));
    }),
    ("swapped messages", "devices see a chat in order", |it| lines(it, A2).swap(3, 4)),
    ("a start behind the first", "devices see a chat in order", |it| lines(it, A2).retain(|line| !is_message(line, 1))),
    ("a closed client's messages again", "devices see a chat in order", |it| {
        lines(it, A2).extend([Line::Ended { killed: false }, Line::Began]);
        lines(it, A2).push(Line::Message(message(3, "ana", 2, "bye")));
    }),
    ("a hole behind a kill", "devices see a chat in order", |it| {
        lines(it, A2).truncate(4);
        lines(it, A2).extend([Line::Ended { killed: true }, Line::Began]);
        lines(it, A2).push(Line::Message(message(3, "ana", 2, "bye")));
    }),
    ("two orders", "all agree on every message", |it| {
        let (first, second) = (message(1, "ben", 1, "hello"), message(2, "ana", 1, "hi"));
        change(it, A2, 1, |it| *it = Message { time: 101, ..first });
        change(it, A2, 2, |it| *it = Message { time: 102, ..second });
    }),
    ("another time for the sender", "all agree on every message", |it| {
        for line in lines(it, A1) {
            if let Line::Sent { seq: 3, time, .. } = line {
                *time += 1;
            }
        }
    }),
    ("another time in the repeated answer", "all agree on every message", |it| {
        lines(it, A1).push(Line::Sent { chat: CHAT.to_owned(), id: 1, seq: 1, time: 7, repeated: true });
    }),
    ("a lost sent", "all members' devices have everything", |it| {
        it.served.clear();
        lines(it, A1).extend(sending("ben", 3, "gone"));
        lines(it, A1).push(sent(3, 4));
    }),
    ("a device that is behind", "all members' devices have everything", |it| {
        lines(it, A2).truncate(5);
    }),
    ("overtaking", "a device's messages keep their order", |it| {
        for device in [A2, B1] {
            change(it, device, 1, |message| message.id = 9);
        }
        for line in lines(it, A1) {
            match line {
                Line::Send { id, text, .. } if text == "hi" => *id = 9,
                Line::Sent { id, seq: 1, .. } => *id = 9,
                _ => {}
            }
        }
        it.served.iter_mut().for_each(|served| served.chats[0].messages[0].id = 9);
    }),
    ("a clock that goes back", "a chat's time never goes back", |it| {
        change(it, A1, 2, |message| message.time = 7);
        change(it, A2, 2, |message| message.time = 7);
        for line in lines(it, B1) {
            if let Line::Sent { time, .. } = line {
                *time = 7;
            }
        }
        it.served.iter_mut().for_each(|served| served.chats[0].messages[1].time = 7);
    }),
    ("a hole in the history", "the history is whole", |it| drop(it.served[1].chats[0].messages.remove(1))),
    ("a chat that is not listed", "the history is whole", |it| it.served[1].chats.clear()),
    ("another message in the list", "the history is whole", |it| {
        it.served[0].chats[0].last_message = Some(message(2, "ben", 1, "hello"));
    }),
    ("read beyond delivered", "read ≤ delivered ≤ last", |it| {
        it.served.clear();
        lines(it, A2).push(receipt("ben", 1, 2));
    }),
    ("delivered beyond the last", "read ≤ delivered ≤ last", |it| {
        it.served.clear();
        lines(it, A2).push(receipt("ben", 4, 1));
    }),
    ("a receipt that goes back", "receipts never go back", |it| lines(it, A1).push(receipt("ben", 2, 1))),
    ("a receipt twice", "receipts never go back", |it| lines(it, A1).push(receipt("ben", 3, 1))),
    ("an answer that goes back", "receipts never go back", |it| {
        let members = vec![watermarks("ana", 1, 0), watermarks("ben", 1, 1)];
        lines(it, B1).push(Line::Receipts { chat: CHAT.to_owned(), last_seq: 3, unread: 1, members });
    }),
    ("an end below what was told", "receipts never go back", |it| {
        // Nothing of it was delivered or opened in fact, but it was told.
        lines(it, A1).push(receipt("ana", 3, 3));
    }),
    ("two ends", "all are served the same receipts", |it| it.served[1].chats[0].members.swap(0, 1)),
    ("delivered to nobody", "delivered is exact", |it| members(it, |members| members[0].delivered = 3)),
    ("read by nobody", "read is exact", |it| {
        members(it, |members| members[1].read = 2);
        // What ben wrote is not among ben's unread.
    }),
    ("reading that was lost", "read is exact", |it| {
        lines(it, B1).push(Line::Reading { chat: CHAT.to_owned(), seq: 3 });
    }),
    ("unread that drifts", "unread is exact", |it| it.served[1].chats[0].unread = 2),
    ("unread that drifts on the way", "unread is exact", |it| {
        let members = vec![watermarks("ana", 2, 0), watermarks("ben", 3, 1)];
        lines(it, B1).push(Line::Receipts { chat: CHAT.to_owned(), last_seq: 3, unread: 2, members });
    }),
];

#[test]
fn what_is_right_breaks_nothing() {
    assert_eq!(judge(&good()), []);
}

#[test]
fn what_a_kill_allows_breaks_nothing() {
    let mut evidence = good();
    let again = [Line::Ended { killed: true }, Line::Began, Line::Connected { resumed: true }];
    lines(&mut evidence, A2).extend(again.clone());
    lines(&mut evidence, A2).extend([2, 3].map(|seq| match seq {
        2 => Line::Message(message(2, "ben", 1, "hello")),
        _ => Line::Message(message(3, "ana", 2, "bye")),
    }));
    // What was opened just before may not have been kept.
    lines(&mut evidence, A2).push(Line::Reading { chat: CHAT.to_owned(), seq: 3 });
    lines(&mut evidence, A2).extend(again);
    assert_eq!(judge(&evidence), []);
}

#[test]
fn every_broken_promise_is_named_and_no_other() {
    for (name, promise, breaks) in BREAKS {
        let mut evidence = good();
        breaks(&mut evidence);
        let violations = judge(&evidence);
        let named: BTreeSet<_> = violations.iter().map(|violation| violation.promise).collect();
        assert_eq!(named, [*promise].into(), "{name}: {violations:#?}");
    }
}

#[test]
fn every_promise_is_broken_once() {
    let broken: BTreeSet<_> = BREAKS.iter().map(|(_, promise, _)| *promise).collect();
    let all: BTreeSet<_> = PROMISES.iter().map(|(promise, _)| *promise).collect();
    assert_eq!(broken, all);
}

#[test]
fn it_shares_no_code_with_the_system() {
    let sources = [
        include_str!("messages.rs"),
        include_str!("mod.rs"),
        include_str!("receipts.rs"),
        include_str!("sessions.rs"),
        include_str!("transcript.rs"),
    ];
    assert!(sources.iter().all(|source| !source.contains("chasqui_")));
}
