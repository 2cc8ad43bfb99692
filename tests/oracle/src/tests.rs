//! Every promise is broken once, and the oracle must name that one and no other.

mod acts;
mod breaks;
mod groups;
mod inside;
mod so_far;

use std::collections::BTreeSet;

use super::*;
use breaks::{BREAKS, overtake};

const CHAT: &str = "ana-ben";

fn message(seq: u64, from: &str, id: u64, text: &str) -> Message {
    let device = if from == "ana" { "a1" } else { "b1" };
    let (chat, from, device, text) = (CHAT.to_owned(), from.to_owned(), device.to_owned(), text.to_owned());
    Message { chat, seq, from, device, id, text, time: 100 + seq, became: Became::default() }
}

fn sending(to: &str, id: u64, text: &str) -> [Line; 2] {
    let (chat, text) = (CHAT.to_owned(), text.to_owned());
    [Line::Sending { to: to.to_owned(), chat: chat.clone(), text: text.clone() }, Line::Send { chat, id, text }]
}

fn sent(id: u64, seq: u64) -> Line {
    Line::Sent { chat: CHAT.to_owned(), id, seq, time: 100 + seq, repeated: false }
}

fn repeated(id: u64, seq: u64) -> Line {
    Line::Sent { chat: CHAT.to_owned(), id, seq, time: 100 + seq, repeated: true }
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

/// A device of ben's that comes when the chat has messages already.
fn late(behind: u64, lines: Vec<Line>) -> Transcript {
    let joins = Line::Joins { chat: CHAT.to_owned(), seq: behind };
    transcript("ben", "b2", [vec![joins], lines].concat())
}

fn served(user: &str, with: &str, unread: u64) -> Served {
    let messages = vec![message(1, "ana", 1, "hi"), message(2, "ben", 1, "hello"), message(3, "ana", 2, "bye")];
    let chat = ServedChat {
        chat: CHAT.to_owned(),
        with: with.to_owned(),
        last_seq: 3,
        last_time: 103,
        unread,
        members: vec![watermarks("ana", 2, 0), watermarks("ben", 3, 1)],
        last_message: messages.last().cloned(),
        messages,
        pinned: Vec::new(),
        unread_in_receipts: None,
    };
    Served { user: user.to_owned(), chats: vec![chat], groups: Vec::new() }
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
        ..Evidence::default()
    }
}

/// A client is killed and begun again.
const AGAIN: [Line; 2] = [Line::Ended { killed: true }, Line::Began];

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

type Break = fn(&mut Evidence);

#[test]
fn what_is_right_breaks_nothing() {
    assert_eq!(judge(&good()), Ok(()));
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
    assert_eq!(judge(&evidence), Ok(()));
}

#[test]
fn a_full_disk_lets_a_later_message_overtake() {
    let mut evidence = good();
    overtake(&mut evidence, Some("disk_full"));
    assert_eq!(judge(&evidence), Ok(()));
}

#[test]
fn what_could_not_be_written_at_once_may_be_overtaken() {
    let mut evidence = good();
    overtake(&mut evidence, None);
    assert!(judge(&evidence).is_err());
    let Message { chat, from, device, .. } = message(1, "ana", 9, "hi");
    evidence.unwritten.push(Unwritten { user: from, device, chat, id: 9 });
    assert!(judge(&evidence).is_err(), "it is the other that may come late");
    evidence.unwritten[0].id = 2;
    assert_eq!(judge(&evidence), Ok(()));
}

#[test]
fn a_late_device_has_what_comes_after_it() {
    let mut evidence = good();
    evidence.transcripts.push(late(2, vec![Line::Message(message(3, "ana", 2, "bye"))]));
    assert_eq!(judge(&evidence), Ok(()));
}

fn named(judged: &Result<(), Broken>) -> BTreeSet<&'static str> {
    judged.as_ref().err().into_iter().flat_map(|broken| &broken.0).map(|violation| violation.promise).collect()
}

#[test]
fn every_broken_promise_is_named_and_no_other() {
    for (name, promise, breaks) in BREAKS {
        let mut evidence = good();
        breaks(&mut evidence);
        let judged = judge(&evidence);
        assert_eq!(named(&judged), [*promise].into(), "{name}: {judged:#?}");
    }
}

#[test]
fn every_promise_is_broken_once() {
    let mut broken: BTreeSet<_> =
        BREAKS.iter().chain(inside::BREAKS).chain(groups::BREAKS).map(|(_, promise, _)| *promise).collect();
    broken.extend(acts::breaks().into_iter().map(|(_, promise, _)| promise));
    let all: BTreeSet<_> =
        PROMISES.iter().filter(|(_, when, _)| *when != OnTheWay).map(|(promise, ..)| *promise).collect();
    assert_eq!(broken, all);
}
