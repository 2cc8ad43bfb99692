//! What is done to messages: of [`whole`], in which ana edits "bye" and ben reacts, and of a group.

use super::{
    groups::{ANA, BEN, CLEO, club, events as of_club},
    inside::whole,
    *,
};

/// A change of the direct chat, behind its third message.
fn changed(by: &str, id: u64, seq: u64, act: Act) -> Happened {
    let (by, device) = (by.to_owned(), format!("{}1", &by[..1]));
    Happened::Changed { by, device, id, after: 3, change: Change::Acted { seq, act } }
}

fn told(time: u64, by: &str, id: u64, (seq, act): (u64, Act), says: Option<&str>) -> Line {
    let (chat, device, says) = (CHAT.to_owned(), format!("{}1", &by[..1]), says.map(str::to_owned));
    let change = Change::Acted { seq, act };
    Line::Group(InGroup::Changed(Changed { chat, time, after: 3, by: by.to_owned(), device, id, change, says }))
}

fn asked(id: u64, says: Option<&str>) -> Line {
    let says = says.map(str::to_owned);
    Line::Group(InGroup::Asked { chat: CHAT.to_owned(), id, what: "something".to_owned(), says })
}

fn done(id: u64, time: u64) -> Line {
    Line::Group(InGroup::Done { chat: CHAT.to_owned(), id, time, repeated: false })
}

fn more(evidence: &mut Evidence, device: usize, line: Line) {
    lines(evidence, device).push(line);
    evidence.order.push(device);
}

/// Ana edits her last message, and ben reacts to it and pins the first.
fn acted() -> Evidence {
    let mut evidence = whole();
    (evidence.inboxes, evidence.replayed) = Default::default();
    (evidence.edit_within_ms, evidence.delete_within_ms) = (Some(900), Some(900));
    let acts = [("ana", 3, 3, Act::Edited), ("ben", 2, 3, Act::Reacted), ("ben", 3, 1, Act::Pinned)];
    for (at, (by, id, seq, act)) in acts.into_iter().enumerate() {
        let (version, time) = (9 + at as u64, 201 + at as u64);
        let says = match act {
            Act::Edited => Some("so long"),
            Act::Reacted => Some("yes"),
            _ => None,
        };
        let (own, others) = if by == "ana" { (A1, [A2, B1]) } else { (B1, [A1, A2]) };
        if act == Act::Edited {
            let (chat, text) = (CHAT.to_owned(), "so long".to_owned());
            more(&mut evidence, own, Line::Group(InGroup::Writing { chat, text }));
        }
        more(&mut evidence, own, asked(id, says));
        evidence.chats[0].events.push(StoredEvent { version, time, what: changed(by, id, seq, act.clone()) });
        more(&mut evidence, own, done(id, time));
        for device in others {
            more(&mut evidence, device, told(time, by, id, (seq, act.clone()), says));
        }
    }
    for served in &mut evidence.served {
        let chat = &mut served.chats[0];
        (chat.last_time, chat.pinned) = (203, vec![1]);
        chat.unread_in_receipts = Some(chat.unread);
        let own = served.user == "ben";
        let reactions = vec![Reaction { kind: "yes".to_owned(), count: 1, own }];
        chat.messages[2].text = "so long".to_owned();
        chat.messages[2].became = Became { edited: Some(201), deleted: None, reactions };
        chat.last_message = chat.messages.last().cloned();
    }
    evidence
}

/// As [`acted`], and then ana deletes that message, and ben looks.
fn deleted() -> Evidence {
    let mut evidence = acted();
    let what = changed("ana", 4, 3, Act::Deleted);
    evidence.chats[0].events.push(StoredEvent { version: 12, time: 204, what });
    evidence.chats[0].bodies = vec![2, 4];
    more(&mut evidence, A1, asked(4, None));
    more(&mut evidence, A1, done(4, 204));
    for device in [A2, B1] {
        more(&mut evidence, device, told(204, "ana", 4, (3, Act::Deleted), None));
    }
    for served in &mut evidence.served {
        let chat = &mut served.chats[0];
        chat.last_time = 204;
        chat.messages[2].text.clear();
        chat.messages[2].became = Became { deleted: Some(204), ..Became::default() };
        chat.last_message = chat.messages.last().cloned();
        if served.user == "ben" {
            (chat.unread, chat.unread_in_receipts) = (0, Some(0));
        }
    }
    let (chat, messages) = (CHAT.to_owned(), evidence.served[1].chats[0].messages.clone());
    more(&mut evidence, B1, Line::Group(InGroup::Looks { chat: chat.clone(), look: 1 }));
    more(&mut evidence, B1, Line::Group(InGroup::Shown { chat, look: 1, messages }));
    evidence
}

/// Something more is done, of which only the store tells: nothing is served, and nobody is there who would have to
/// know.
fn also(evidence: &mut Evidence, time: u64, by: &str, (seq, act): (u64, Act)) {
    evidence.served.clear();
    let (version, id) = (evidence.chats[0].events.len() as u64 + 1, 90 + evidence.chats[0].events.len() as u64);
    evidence.chats[0].events.push(StoredEvent { version, time, what: changed(by, id, seq, act.clone()) });
    for device in 0..evidence.transcripts.len() {
        let is_own = evidence.transcripts[device].user == by && evidence.transcripts[device].device.ends_with('1');
        let line = if is_own { done(id, time) } else { told(time, by, id, (seq, act.clone()), None) };
        more(evidence, device, line);
    }
}

fn last_shown(evidence: &mut Evidence) -> &mut Message {
    match lines(evidence, B1).last_mut() {
        Some(Line::Group(InGroup::Shown { messages, .. })) => &mut messages[2],
        other => panic!("{other:?}"),
    }
}

fn of_ben(evidence: &mut Evidence) -> &mut ServedChat {
    &mut evidence.served[1].chats[0]
}

/// What breaks promises about [`acted`].
const OF_ACTED: &[(&str, &str, Break)] = &[
    ("another deletes", "what is done to messages is allowed", |it| also(it, 204, "ben", (3, Act::Deleted))),
    ("what nobody wrote", "what is done to messages is allowed", |it| also(it, 204, "ben", (9, Act::Pinned))),
    ("pinned twice", "what is done to messages is allowed", |it| also(it, 204, "ana", (1, Act::Pinned))),
    ("taken back without a reaction", "what is done to messages is allowed", |it| {
        also(it, 204, "ana", (3, Act::TakenBack));
    }),
    ("too late", "what is done to messages is allowed", |it| also(it, 1004, "ana", (3, Act::Deleted))),
    ("another text is told", "all tell the same of what is done", |it| {
        for line in lines(it, B1) {
            if let Line::Group(InGroup::Changed(changed)) = line {
                changed.says = Some("so short".to_owned());
            }
        }
    }),
    ("the former text", "histories tell what was done", |it| {
        more(it, A1, Line::Group(InGroup::Writing { chat: CHAT.to_owned(), text: "so short".to_owned() }));
        of_ben(it).messages[2].text = "so short".to_owned();
    }),
    ("a text that nobody wrote", "nothing is made up", |it| {
        lines(it, A1).retain(|line| !matches!(line, Line::Group(InGroup::Writing { .. })));
        it.order.remove(0);
    }),
    ("edited unseen", "histories tell what was done", |it| {
        let chat = of_ben(it);
        chat.messages[2].text = "bye".to_owned();
        chat.messages[2].became.edited = None;
    }),
    ("a reaction twice", "histories tell what was done", |it| of_ben(it).messages[2].became.reactions[0].count = 2),
    ("a reaction of others", "histories tell what was done", |it| {
        of_ben(it).messages[2].became.reactions[0].own = false;
    }),
    ("a pin that is not listed", "histories tell what was done", |it| of_ben(it).pinned.clear()),
    ("a device that doesn't know", "members have all of a group", |it| {
        lines(it, A2).pop();
        let at = it.order.iter().rposition(|device| *device == A2);
        it.order.remove(at.unwrap());
    }),
    ("a change twice", "devices see a group in order", |it| {
        more(it, A2, told(203, "ben", 3, (1, Act::Pinned), None));
    }),
    ("no outcome", "what is asked of a group has an outcome", |it| more(it, A1, asked(99, None))),
    ("refused and done", "nothing of a group has two outcomes", |it| {
        let (chat, code) = (Some(CHAT.to_owned()), "too_late".to_owned());
        more(it, A1, Line::Failed { chat, id: Some(3), code, retry: false });
    }),
    ("unread otherwise in receipts", "unread is exact", |it| of_ben(it).unread_in_receipts = Some(2)),
];

/// What breaks promises about [`deleted`].
const OF_DELETED: &[(&str, &str, Break)] = &[
    ("reacting to what is deleted", "what is done to messages is allowed", |it| {
        also(it, 205, "ben", (3, Act::Reacted));
    }),
    ("deleted twice", "what is done to messages is allowed", |it| also(it, 205, "ana", (3, Act::Deleted))),
    ("it is still there", "histories tell what was done", |it| {
        let message = &mut of_ben(it).messages[2];
        (message.text, message.became) = ("so long".to_owned(), Became { edited: Some(201), ..Became::default() });
    }),
    ("it still says something", "histories tell what was done", |it| of_ben(it).messages[2].text = "bye".to_owned()),
    ("it is shown later", "what is deleted is gone", |it| last_shown(it).text = "so long".to_owned()),
    ("its edit is kept", "what is deleted is gone", |it| it.chats[0].bodies.push(9)),
    ("it is kept", "what is deleted is gone", |it| it.chats[0].bodies.push(7)),
    ("it is told to be unread", "unread is exact", |it| {
        more(it, B1, Line::Connected { resumed: true });
        let members = vec![watermarks("ana", 2, 0), watermarks("ben", 3, 1)];
        more(it, B1, Line::Receipts { chat: CHAT.to_owned(), last_seq: 3, unread: 1, members });
    }),
];

#[test]
fn what_is_done_rightly_breaks_nothing() {
    assert_eq!(judge(&acted()), Ok(()));
    assert_eq!(judge(&deleted()), Ok(()));
    assert_eq!(judge_so_far(&deleted()), Ok(()));
}

#[test]
fn who_asked_before_somebody_knew_may_be_shown_it() {
    let mut evidence = deleted();
    last_shown(&mut evidence).text = "so long".to_owned();
    let looks =
        evidence.transcripts[B1].lines.iter().position(|line| matches!(line, Line::Group(InGroup::Looks { .. })));
    let line = lines(&mut evidence, B1).remove(looks.unwrap());
    lines(&mut evidence, B1).insert(0, line);
    evidence.order.pop();
    evidence.order.insert(0, B1);
    assert_eq!(judge(&evidence), Ok(()));
}

/// What is broken, of what, and how.
pub(super) fn breaks() -> Vec<(&'static str, &'static str, Evidence)> {
    let broken = |evidence: fn() -> Evidence, all: &[(&'static str, &'static str, Break)]| {
        let broken = all.iter().map(|(name, promise, breaks)| {
            let mut evidence = evidence();
            breaks(&mut evidence);
            (*name, *promise, evidence)
        });
        broken.collect::<Vec<_>>()
    };
    [broken(acted, OF_ACTED), broken(deleted, OF_DELETED)].concat()
}

#[test]
fn every_promise_about_messages_that_is_broken_is_named_and_no_other() {
    for (name, promise, evidence) in breaks() {
        let judged = judge(&evidence);
        assert_eq!(named(&judged), [promise].into(), "{name}: {judged:#?}");
    }
}

/// Of a group: who may not, by what they are or since when they are there.
#[test]
fn in_a_group_not_everybody_may_do_everything_to_a_message() {
    let may_not = [
        ("cleo", 3, Act::Pinned, "a plain member pins"),
        ("cleo", 1, Act::Reacted, "it was written before cleo came"),
        ("ben", 2, Act::Deleted, "ben has gone"),
        ("ana", 2, Act::Deleted, "it is ben's"),
    ];
    for (by, seq, act, why) in may_not {
        let mut evidence = club();
        evidence.served.clear();
        let (by, device) = (by.to_owned(), format!("{}1", &by[..1]));
        let what = Happened::Changed { by, device, id: 50, after: 3, change: Change::Acted { seq, act } };
        of_club(&mut evidence).push(StoredEvent { version: 11, time: 110, what });
        assert!(named(&judge(&evidence)).contains("what is done to messages is allowed"), "{why}");
    }
    assert!([ANA, BEN, CLEO].is_sorted());
}

#[test]
fn no_more_than_so_many_are_pinned() {
    let mut evidence = Evidence::default();
    let mut all = vec![Happened::Opened { members: vec!["ana".to_owned(), "ben".to_owned()] }];
    all.extend((1..=33).map(|seq| Happened::Message { seq, from: "ana".to_owned(), device: "a1".to_owned(), id: seq }));
    all.extend((1..=33).map(|seq| match changed("ben", seq, seq, Act::Pinned) {
        Happened::Changed { by, device, id, change, .. } => Happened::Changed { by, device, id, after: 33, change },
        other => other,
    }));
    let events = all.into_iter().zip(1..).map(|(what, version)| StoredEvent { version, time: 1, what }).collect();
    evidence.chats.push(StoredChat { chat: CHAT.to_owned(), events, bodies: Vec::new() });
    assert!(named(&judge(&evidence)).contains("what is done to messages is allowed"));
    evidence.chats[0].events.pop();
    assert!(!named(&judge(&evidence)).contains("what is done to messages is allowed"));
}
