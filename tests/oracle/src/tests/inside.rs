//! A run that is known from inside as well: in which order everything was seen, what is stored, and what a replay
//! gives.

mod breaks;

use super::*;
pub(super) use breaks::BREAKS;
use breaks::SERVED_OTHERWISE;

/// What the devices of [`good`] saw, in an order in which it can have been.
const ORDER: &[usize] = &[
    A1, A1, A1, A2, A2, A2, B1, B1, B1, // They begin.
    A1, A1, A1, A2, B1, A1, // "hi" is sent, arrives, and is known to have arrived.
    B1, B1, B1, B1, A1, A1, A2, A1, // "hello" is sent, and the first message is opened.
    A1, A1, A1, A2, B1, A1, B1, // "bye".
];

/// Of [`ORDER`]: where ben opens the first message.
const OPENED: usize = 17;
/// Where ana is told of that.
const OPENED_TOLD: usize = 20;
/// Where the last message arrives at ben's device.
const ARRIVED: usize = 27;
/// Where ana is told of that.
const ARRIVED_TOLD: usize = 28;

fn event(version: u64, time: u64, what: Happened) -> StoredEvent {
    StoredEvent { version, time, what }
}

fn opened(members: [&str; 2]) -> Happened {
    Happened::Opened { members: members.map(str::to_owned).to_vec() }
}

fn written(seq: u64, from: &str, id: u64) -> Happened {
    let Message { from, device, .. } = message(seq, from, id, "");
    Happened::Message { seq, from, device, id }
}

fn delivered(member: &str, seq: u64) -> Happened {
    Happened::Delivered { member: member.to_owned(), seq }
}

fn read(member: &str, seq: u64) -> Happened {
    Happened::Read { member: member.to_owned(), seq }
}

fn stored() -> StoredChat {
    let events = vec![
        event(1, 101, opened(["ana", "ben"])),
        event(2, 101, written(1, "ana", 1)),
        event(3, 101, delivered("ben", 1)),
        event(4, 102, written(2, "ben", 1)),
        event(5, 102, read("ben", 1)),
        event(6, 103, delivered("ana", 2)),
        event(7, 103, written(3, "ana", 2)),
        event(8, 200, delivered("ben", 3)),
    ];
    StoredChat { chat: CHAT.to_owned(), events, bodies: Vec::new() }
}

fn row(position: u64, seq: Option<u64>) -> InboxRow {
    let digest = seq.map_or("a refusal".to_owned(), |seq| format!("message {seq}"));
    InboxRow { position, chat: CHAT.to_owned(), seq, digest }
}

fn reading(user: &str, rows: &[InboxRow]) -> InboxReading {
    InboxReading { user: user.to_owned(), rows: rows.to_vec() }
}

fn placed(user: &str, rows: &[InboxRow]) -> Placed {
    Placed { user: user.to_owned(), digests: rows.iter().map(|row| row.digest.clone()).collect() }
}

/// [`good`] with all that is known from inside. Ben was refused something; the inboxes were read twice.
pub(super) fn whole() -> Evidence {
    let ana = [row(1, Some(1)), row(4, Some(2)), row(5, Some(3))];
    let ben = [row(2, Some(1)), row(3, None), row(6, Some(2)), row(9, Some(3))];
    Evidence {
        order: ORDER.to_vec(),
        chats: vec![stored()],
        inboxes: vec![reading("ana", &ana[..2]), reading("ben", &ben[..3]), reading("ana", &ana), reading("ben", &ben)],
        replayed: vec![Replayed { chat: stored(), placed: vec![placed("ana", &ana), placed("ben", &ben)] }],
        repeats: vec![Repeated {
            user: "ana".to_owned(),
            device: message(1, "ana", 1, "").device,
            chat: CHAT.to_owned(),
            id: 1,
            seq: 1,
            time: 101,
        }],
        ..good()
    }
}

#[test]
fn what_is_right_inside_breaks_nothing() {
    assert_eq!(judge(&whole()), Ok(()));
    assert_eq!(judge_so_far(&whole()), Ok(()));
}

#[test]
fn what_is_not_known_breaks_nothing() {
    assert_eq!(judge(&Evidence::default()), Ok(()));
    let forget: [Break; 4] =
        [|it| it.order.clear(), |it| it.chats.clear(), |it| it.inboxes.clear(), |it| it.served.clear()];
    for forget in forget {
        // A replay is compared with chats and inboxes.
        let mut evidence = Evidence { replayed: Vec::new(), ..whole() };
        forget(&mut evidence);
        assert_eq!(judge(&evidence), Ok(()));
    }
}

#[test]
fn the_order_gives_every_line_once() {
    let evidence = whole();
    let mut lines: Vec<Vec<Line>> = vec![Vec::new(); evidence.transcripts.len()];
    for (transcript, line) in evidence.in_order() {
        let index = evidence.transcripts.iter().position(|other| std::ptr::eq(other, transcript));
        lines[index.expect("one of the transcripts")].push(line.clone());
    }
    assert!(evidence.transcripts.iter().map(|transcript| &transcript.lines).eq(&lines));
}

/// Ana opens the chat up to what she wrote herself.
#[test]
fn what_is_opened_is_delivered() {
    let mut evidence = whole();
    evidence.served.clear();
    lines(&mut evidence, A1).extend([Line::Reading { chat: CHAT.to_owned(), seq: 3 }, receipt("ana", 3, 3)]);
    evidence.order.extend([A1, A1]);
    assert_eq!(judge(&evidence), Ok(()));
}

#[test]
fn a_chat_in_which_all_was_refused_is_stored_or_not() {
    let mut evidence = whole();
    let nothing = StoredChat { chat: "ana-cleo".to_owned(), events: Vec::new(), bodies: Vec::new() };
    evidence.replayed.push(Replayed { chat: nothing, placed: Vec::new() });
    assert_eq!(judge(&evidence), Ok(()));
}

#[test]
fn every_promise_that_is_broken_inside_is_named_and_no_other() {
    for (name, promise, breaks) in BREAKS {
        let mut evidence = whole();
        breaks(&mut evidence);
        let judged = judge(&evidence);
        assert_eq!(named(&judged), [*promise].into(), "{name}: {judged:#?}");
        let is_always = PROMISES.iter().any(|(other, when, _)| other == promise && *when == Always);
        assert!(!is_always || named(&judge_so_far(&evidence)).contains(promise), "{name}");
    }
}

#[test]
fn whatever_is_served_otherwise_than_stored_is_named() {
    for (index, change) in SERVED_OTHERWISE.iter().enumerate() {
        let mut evidence = whole();
        change(&mut evidence.served[0].chats[0]);
        let judged = judge(&evidence);
        assert!(named(&judged).contains("the store tells what is served"), "{index}: {judged:#?}");
    }
}
