//! What breaks each promise.

use super::*;

/// What is broken, the promise, and how.
pub(super) const BREAKS: &[(&str, &str, Break)] = &[
    ("a device begins anew", "sessions resume", |it| lines(it, A2).push(Line::Connected { resumed: false })),
    ("a send without an outcome", "every send has an outcome", |it| {
        lines(it, A1).extend(sending("ben", 3, "lost on the way"));
    }),
    ("a send with two outcomes", "no send has two outcomes", |it| {
        let (chat, code) = (Some(CHAT.to_owned()), "not_allowed".to_owned());
        lines(it, A1).push(Line::Failed { chat, id: Some(2), code, retry: false });
    }),
    ("an outcome told twice", "no send has two outcomes", |it| lines(it, A1).push(repeated(2, 3))),
    ("a refused reading", "only messages are refused", |it| {
        let (chat, code) = (Some(CHAT.to_owned()), "not_allowed".to_owned());
        lines(it, B1).push(Line::Failed { chat, id: None, code, retry: false });
    }),
    ("a frame of its own", "frames are documented", |it| {
        lines(it, A1).push(Line::Undocumented { why: "dance".to_owned() });
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
        lines(it, A1).extend(AGAIN);
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
    ("a hole behind a late beginning", "devices see a chat in order", |it| {
        it.transcripts.push(late(1, vec![Line::Message(message(3, "ana", 2, "bye"))]));
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
        lines(it, A1).extend(AGAIN);
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
    ("overtaking", "a device's messages keep their order", |it| overtake(it, None)),
    ("overtaking for another reason than a full disk", "a device's messages keep their order", |it| {
        overtake(it, Some("unavailable"));
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

/// Ana's first message had a higher id than the second, which may have been refused for a while.
pub(super) fn overtake(evidence: &mut Evidence, refused: Option<&str>) {
    for device in [A2, B1] {
        change(evidence, device, 1, |message| message.id = 9);
    }
    for line in lines(evidence, A1) {
        match line {
            Line::Send { id, text, .. } if text == "hi" => *id = 9,
            Line::Sent { id, seq: 1, .. } => *id = 9,
            _ => {}
        }
    }
    evidence.served.iter_mut().for_each(|served| served.chats[0].messages[0].id = 9);
    let refused = refused.map(|code| (Some(CHAT.to_owned()), code.to_owned()));
    let line = |(chat, code)| Line::Failed { chat, id: Some(2), code, retry: true };
    lines(evidence, A1).extend(refused.map(line));
}

fn members(evidence: &mut Evidence, change: impl Fn(&mut Vec<Watermarks>)) {
    evidence.served.iter_mut().for_each(|served| change(&mut served.chats[0].members));
}
