//! A run that goes on: less is promised, and that holds.

use super::*;

/// Ana has sent more, which her other device and ben don't have yet, and ben's history has it already.
fn going_on() -> Evidence {
    let mut evidence = good();
    lines(&mut evidence, A1).extend([sending("ben", 3, "more"), sending("ben", 4, "much more")].concat());
    lines(&mut evidence, A2).pop();
    for served in &mut evidence.served {
        served.chats[0].messages.push(message(4, "ana", 3, "more"));
    }
    evidence
}

const BREAKS: &[(&str, &str, Break)] = &[
    ("a message that is not served", "what was seen is served", |it| it.served[1].chats[0].messages.truncate(2)),
    ("a chat that is not served", "what was seen is served", |it| it.served[1].chats.clear()),
    ("a hole in the history", "what was seen is served", |it| {
        lines(it, B1).retain(|line| !is_message(line, 1));
        it.served[1].chats[0].messages.remove(0);
    }),
    ("another text of what has no outcome yet", "what was seen is served", |it| {
        it.served.iter_mut().for_each(|served| served.chats[0].messages[3].text = "less".to_owned());
    }),
    ("an outcome told twice", "no send has two outcomes", |it| lines(it, A1).push(repeated(2, 3))),
    ("refused and there", "no send has two outcomes", |it| {
        let (chat, code) = (Some(CHAT.to_owned()), "not_allowed".to_owned());
        lines(it, A1).push(Line::Failed { chat, id: Some(3), code, retry: false });
    }),
    ("a client that is refused", "only messages are refused", |it| {
        lines(it, B1).push(Line::Failed { chat: None, id: None, code: "ended".to_owned(), retry: false });
    }),
    ("a device begins anew", "sessions resume", |it| lines(it, A2).push(Line::Connected { resumed: false })),
    ("a text twice", "no text is there twice", |it| {
        it.served.iter_mut().for_each(|served| served.chats[0].messages.push(message(5, "ana", 5, "more")));
    }),
    ("a receipt that goes back", "receipts never go back", |it| lines(it, A1).push(receipt("ben", 2, 1))),
    ("a clock that goes back", "a chat's time never goes back", |it| {
        it.served.iter_mut().for_each(|served| served.chats[0].messages[3].time = 7);
    }),
];

#[test]
fn what_is_under_way_breaks_nothing() {
    assert_eq!(judge_so_far(&going_on()), Ok(()));
    assert!(judge(&going_on()).is_err());
}

#[test]
fn every_broken_promise_is_named() {
    for (name, promise, breaks) in BREAKS {
        let mut evidence = going_on();
        breaks(&mut evidence);
        let judged = judge_so_far(&evidence);
        assert!(named(&judged).contains(promise), "{name}: {judged:#?}");
    }
}
