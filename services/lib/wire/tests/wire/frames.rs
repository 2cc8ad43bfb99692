//! The JSON of clients, as the protocol's description has it.

use std::fmt::Debug;

use bytes::Bytes;
use chasqui_domain::{Counter, Epoch, Role, Seq, SessionId, TimeMs};
use chasqui_wire::{
    Code,
    frames::{
        Ack, CaughtUp, ChangeAsked, ChangeFrame, ChangeMade, Changed, ChatItem, ChatReceipts, Chats, ChatsQuery,
        ClientFrame, Counts, CreateFrame, Delayed, Done, Edit, Failed, Failure, GroupItem, Hello, MemberItem,
        MemberReceipt, Members, Message, MessageCount, MessageReactions, Messages, MessagesQuery, NotResumed,
        OthersReceipt, ReactionItem, Read, Receipt, Receipts, ReceiptsQuery, Renewed, SendFrame, Sent, ServerFrame,
        Token, UserReaction, Welcome, parse, to_text,
    },
};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::people::{chat, content_type, device, user};

const CHAT: &str = "AcKUOzVCIX6aUPCc_gULE5PWTI8AJLGS";

/// The value is written as this JSON, and read from it, also when a later version has added a field.
#[track_caller]
fn is<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, json: Value) {
    assert_eq!(serde_json::from_str::<Value>(&to_text(value).unwrap()).unwrap(), json);
    assert_eq!(&parse::<T>(&json.to_string()).unwrap(), value);
    let mut later = json;
    later["a field of a later version"] = json!({"of": ["any", 1, "form"]});
    assert_eq!(&parse::<T>(&later.to_string()).unwrap(), value);
}

fn message(cursor: Option<&str>) -> Message {
    Message {
        cursor: cursor.map(str::to_owned),
        chat: chat(),
        seq: Seq(3),
        time: TimeMs(1_700_000_000_123),
        from: user("alice"),
        device: device("phone"),
        id: Counter(5),
        content_type: content_type("text/plain"),
        text: Some("hello".to_owned()),
        body: None,
        reply_to: Some(Seq(2)),
        mentions: vec![user("bob")],
        meta: Some(json!({"client": "web"})),
        edited: None,
        deleted: None,
        reactions: vec![],
    }
}

fn message_json() -> Value {
    json!({
        "chat": CHAT, "seq": 3, "time": 1_700_000_000_123_u64, "from": "alice", "device": "phone", "id": "5",
        "content_type": "text/plain", "text": "hello", "reply_to": 2, "mentions": ["bob"], "meta": {"client": "web"}
    })
}

fn with(mut json: Value, key: &str, value: &str) -> Value {
    json[key] = value.into();
    json
}

#[test]
fn what_clients_send() {
    let hello = Hello { token: Token("jwt".to_owned()), device: device("phone"), cursor: Some("c".to_owned()) };
    is(&ClientFrame::Hello(hello), json!({"type": "hello", "token": "jwt", "device": "phone", "cursor": "c"}));
    let hello = Hello { token: Token("jwt".to_owned()), device: device("phone"), cursor: None };
    is(&ClientFrame::Hello(hello), json!({"type": "hello", "token": "jwt", "device": "phone"}));

    let mut send = SendFrame {
        id: Counter(5),
        to: Some(user("bob")),
        chat: None,
        text: Some("hello".to_owned()),
        content_type: None,
        body: None,
        reply_to: None,
        mentions: vec![],
        meta: None,
    };
    let frame = ClientFrame::Send(Box::new(send.clone()));
    is(&frame, json!({"type": "send", "id": "5", "to": "bob", "text": "hello"}));
    send.text = None;
    send.content_type = Some(content_type("app/x"));
    send.body = Some(Bytes::from_static(&[0, 255, 1, 254]));
    send.reply_to = Some(Seq(2));
    send.mentions = vec![user("bob")];
    send.meta = Some(json!([1, "two"]));
    let json = json!({
        "type": "send", "id": "5", "to": "bob", "content_type": "app/x", "body": "AP8B/g==", "reply_to": 2,
        "mentions": ["bob"], "meta": [1, "two"]
    });
    is(&ClientFrame::Send(Box::new(send)), json);

    let create = CreateFrame {
        id: Counter(1),
        members: vec![user("bob")],
        title: "The bridge".to_owned(),
        picture: Some("p".to_owned()),
    };
    let json = json!({"type": "create", "id": "1", "members": ["bob"], "title": "The bridge", "picture": "p"});
    is(&ClientFrame::Create(Box::new(create)), json);
    let changes = [
        (ChangeAsked::Add { users: vec![user("bob")] }, json!({"type": "add", "users": ["bob"]})),
        (ChangeAsked::Remove { user: user("bob") }, json!({"type": "remove", "user": "bob"})),
        (ChangeAsked::Leave {}, json!({"type": "leave"})),
        (
            ChangeAsked::Role { user: user("bob"), role: Role::Admin },
            json!({"type": "role", "user": "bob", "role": "admin"}),
        ),
        (
            ChangeAsked::Describe { title: Some("t".to_owned()), picture: None },
            json!({"type": "describe", "title": "t"}),
        ),
    ];
    for (change, shown) in changes {
        assert_eq!(change.seq(), None, "it is about no message");
        let frame = ChangeFrame { id: Counter(6), to: None, chat: Some(chat()), change };
        let json = json!({"type": "change", "id": "6", "chat": CHAT, "change": shown});
        is(&ClientFrame::Change(Box::new(frame)), json);
    }

    let ack = Ack { cursor: "c".to_owned(), delivered: [(chat(), Seq(3))].into() };
    is(&ClientFrame::Ack(ack), json!({"type": "ack", "cursor": "c", "delivered": {CHAT: 3}}));
    let ack = Ack { cursor: "c".to_owned(), delivered: [].into() };
    is(&ClientFrame::Ack(ack), json!({"type": "ack", "cursor": "c"}));
    is(&ClientFrame::Read(Read { chat: chat(), seq: Seq(3) }), json!({"type": "read", "chat": CHAT, "seq": 3}));
    let receipts = ReceiptsQuery { chats: vec![chat()] };
    is(&ClientFrame::Receipts(receipts), json!({"type": "receipts", "chats": [CHAT]}));
}

fn plain_edit() -> Edit {
    Edit {
        seq: Seq(3),
        text: Some("hello".to_owned()),
        content_type: None,
        body: None,
        reply_to: None,
        mentions: vec![],
        meta: None,
    }
}

fn full_edit() -> Edit {
    Edit {
        text: None,
        content_type: Some(content_type("app/x")),
        body: Some(Bytes::from_static(&[0, 255, 1, 254])),
        reply_to: Some(Seq(2)),
        mentions: vec![user("bob")],
        meta: Some(json!([1, "two"])),
        ..plain_edit()
    }
}

fn edits() -> [(Box<Edit>, Value); 2] {
    let full = json!({
        "type": "edit", "seq": 3, "content_type": "app/x", "body": "AP8B/g==", "reply_to": 2, "mentions": ["bob"],
        "meta": [1, "two"]
    });
    let plain = json!({"type": "edit", "seq": 3, "text": "hello"});
    [(Box::new(plain_edit()), plain), (Box::new(full_edit()), full)]
}

#[test]
fn what_is_to_be_done_to_messages() {
    let (seq, thumb) = (Seq(3), || Some("👍".to_owned()));
    let [(plain, plain_json), (full, full_json)] = edits();
    for (change, shown) in [
        (ChangeAsked::Edit(plain), plain_json),
        (ChangeAsked::Edit(full), full_json),
        (ChangeAsked::Delete { seq }, json!({"type": "delete", "seq": 3})),
        (ChangeAsked::React { seq, reaction: thumb() }, json!({"type": "react", "seq": 3, "reaction": "👍"})),
        (ChangeAsked::React { seq, reaction: None }, json!({"type": "react", "seq": 3})),
        (ChangeAsked::Pin { seq }, json!({"type": "pin", "seq": 3})),
        (ChangeAsked::Unpin { seq }, json!({"type": "unpin", "seq": 3})),
    ] {
        assert_eq!(change.seq(), Some(seq), "it is about a message");
        let mut frame = ChangeFrame { id: Counter(6), to: Some(user("bob")), chat: None, change };
        let json = json!({"type": "change", "id": "6", "to": "bob", "change": shown});
        is(&ClientFrame::Change(Box::new(frame.clone())), json);
        (frame.to, frame.chat) = (None, Some(chat()));
        let json = json!({"type": "change", "id": "6", "chat": CHAT, "change": shown});
        is(&ClientFrame::Change(Box::new(frame)), json);
    }
}

#[test]
fn what_was_done_to_messages() {
    let (seq, thumb) = (Seq(3), || Some("👍".to_owned()));
    let [(plain, plain_json), (full, full_json)] = edits();
    for (change, shown) in [
        (ChangeMade::Edit(plain), plain_json),
        (ChangeMade::Edit(full), full_json),
        (ChangeMade::Delete { seq }, json!({"type": "delete", "seq": 3})),
        (ChangeMade::React { seq, reaction: thumb() }, json!({"type": "react", "seq": 3, "reaction": "👍"})),
        (ChangeMade::React { seq, reaction: None }, json!({"type": "react", "seq": 3})),
        (ChangeMade::Pin { seq }, json!({"type": "pin", "seq": 3})),
        (ChangeMade::Unpin { seq }, json!({"type": "unpin", "seq": 3})),
    ] {
        is_changed(change, &shown);
    }
}

/// A `changed` of this change is this JSON.
#[track_caller]
fn is_changed(change: ChangeMade, shown: &Value) {
    let changed = Changed {
        cursor: Some("c".to_owned()),
        chat: chat(),
        time: TimeMs(9),
        after: Seq(2),
        by: user("alice"),
        device: device("phone"),
        id: Counter(6),
        change,
    };
    let json = json!({
        "type": "changed", "cursor": "c", "chat": CHAT, "time": 9, "after": 2, "by": "alice", "device": "phone",
        "id": "6", "change": shown
    });
    is(&ServerFrame::Changed(Box::new(changed)), json);
}

#[test]
fn what_the_server_sends() {
    let welcome = Welcome {
        user: user("alice"),
        device: device("phone"),
        session: SessionId(21),
        resumed: false,
        not_resumed: Some(NotResumed::TooOld),
        time: TimeMs(9),
        expires: TimeMs(99),
        unacked_max: 256,
        outstanding_max: 64,
        body_bytes_max: 65_536,
        idle_ms: 60_000,
    };
    let json = json!({
        "type": "welcome", "user": "alice", "device": "phone", "session": "21", "resumed": false,
        "not_resumed": "too_old", "time": 9, "expires": 99, "unacked_max": 256,
        "outstanding_max": 64, "body_bytes_max": 65_536, "idle_ms": 60_000
    });
    is(&ServerFrame::Welcome(Box::new(welcome)), json);
    let frame = ServerFrame::Message(Box::new(message(Some("c"))));
    is(&frame, with(with(message_json(), "type", "message"), "cursor", "c"));
    let sent =
        Sent { cursor: "c".to_owned(), chat: chat(), id: Counter(5), seq: Seq(3), time: TimeMs(9), repeated: false };
    let json = json!({"type": "sent", "cursor": "c", "chat": CHAT, "id": "5", "seq": 3, "time": 9, "repeated": false});
    is(&ServerFrame::Sent(sent), json);
    let changes = [
        (
            ChangeMade::Created { users: vec![user("alice"), user("bob")], title: Some("t".to_owned()), picture: None },
            json!({"type": "created", "users": ["alice", "bob"], "title": "t"}),
        ),
        (ChangeMade::Add { users: vec![user("bob")] }, json!({"type": "add", "users": ["bob"]})),
        (ChangeMade::Remove { user: user("bob") }, json!({"type": "remove", "user": "bob"})),
        (ChangeMade::Leave {}, json!({"type": "leave"})),
        (
            ChangeMade::Role { user: user("bob"), role: Role::Owner },
            json!({"type": "role", "user": "bob", "role": "owner"}),
        ),
        (
            ChangeMade::Describe { title: None, picture: Some(String::new()) },
            json!({"type": "describe", "picture": ""}),
        ),
    ];
    for (change, shown) in changes {
        is_changed(change, &shown);
    }
    let done = Done { cursor: "c".to_owned(), chat: chat(), id: Counter(6), time: TimeMs(9), repeated: true };
    let json = json!({"type": "done", "cursor": "c", "chat": CHAT, "id": "6", "time": 9, "repeated": true});
    is(&ServerFrame::Done(done), json);
    let others = OthersReceipt { count: 3, delivered: Seq(3), read: Seq(2) };
    let messages = vec![MessageCount { seq: Seq(3), delivered: 3, read: 1 }];
    let json = json!({
        "type": "counts", "chat": CHAT, "others": {"count": 3, "delivered": 3, "read": 2},
        "messages": [{"seq": 3, "delivered": 3, "read": 1}]
    });
    is(&ServerFrame::Counts(Counts { chat: chat(), others, messages }), json);
    let receipt =
        Receipt { cursor: None, chat: chat(), user: user("bob"), delivered: Seq(3), read: Seq(2), time: TimeMs(9) };
    let json = json!({"type": "receipt", "chat": CHAT, "user": "bob", "delivered": 3, "read": 2, "time": 9});
    is(&ServerFrame::Receipt(receipt), json);
    let members = vec![MemberReceipt { user: user("bob"), delivered: Seq(3), read: Seq(2) }];
    let chats = vec![ChatReceipts { chat: chat(), last_seq: Seq(3), unread: 1, members, others: Some(others) }];
    let json = json!({"type": "receipts", "chats": [{
        "chat": CHAT, "last_seq": 3, "unread": 1, "members": [{"user": "bob", "delivered": 3, "read": 2}],
        "others": {"count": 3, "delivered": 3, "read": 2}
    }]});
    is(&ServerFrame::Receipts(Receipts { chats }), json);
    is(&ServerFrame::CaughtUp(CaughtUp { cursor: "c".to_owned() }), json!({"type": "caught_up", "cursor": "c"}));
    let delayed = Delayed { chat: chat(), id: Counter(5) };
    is(&ServerFrame::Delayed(delayed), json!({"type": "delayed", "chat": CHAT, "id": "5"}));
    let json = json!({"type": "error", "code": "slow", "retry": true, "message": Code::Slow.meaning()});
    is(&ServerFrame::Error(Failure::from(Code::Slow)), json);
    is(&ServerFrame::Renewed(Renewed { expires: TimeMs(99) }), json!({"type": "renewed", "expires": 99}));
}

#[test]
fn what_failed() {
    let mut failed = Failed {
        cursor: None,
        chat: None,
        to: Some(user("bob")),
        id: Some(Counter(5)),
        code: Code::DiskFull,
        retry: true,
        retry_in_ms: Some(7),
        message: "full".to_owned(),
        epoch: None,
    };
    let json = json!({
        "type": "failed", "to": "bob", "id": "5", "code": "disk_full", "retry": true, "retry_in_ms": 7, "message": "full"
    });
    is(&ServerFrame::Failed(Box::new(failed.clone())), json);
    failed = Failed {
        cursor: Some("c".to_owned()),
        chat: Some(chat()),
        to: None,
        code: Code::StaleEpoch,
        epoch: Some(Epoch(3)),
        retry_in_ms: None,
        ..failed
    };
    let json = json!({
        "type": "failed", "cursor": "c", "chat": CHAT, "id": "5", "code": "stale_epoch", "retry": true,
        "message": "full", "epoch": 3
    });
    is(&ServerFrame::Failed(Box::new(failed)), json);
}

#[test]
fn what_the_rest_api_takes_and_gives() {
    is(&ChatsQuery::default(), json!({}));
    is(&ChatsQuery { limit: Some(10), after: Some(chat()) }, json!({"limit": 10, "after": CHAT}));
    is(
        &MessagesQuery {
            before: Some(Seq(9)),
            after: Some(Seq(2)),
            until: Some(TimeMs(5)),
            since: Some(TimeMs(4)),
            limit: Some(10),
        },
        json!({"before": 9, "after": 2, "until": 5, "since": 4, "limit": 10}),
    );
    let item = ChatItem {
        chat: chat(),
        with: Some(user("bob")),
        group: None,
        last_seq: Seq(3),
        last_time: TimeMs(9),
        unread: 1,
        members: vec![MemberReceipt { user: user("bob"), delivered: Seq(3), read: Seq(2) }],
        last_message: Some(Box::new(message(None))),
        pinned: vec![Seq(2), Seq(1)],
    };
    let json = json!({"chats": [{
        "chat": CHAT, "with": "bob", "last_seq": 3, "last_time": 9, "unread": 1,
        "members": [{"user": "bob", "delivered": 3, "read": 2}], "last_message": message_json(), "pinned": [2, 1]
    }], "next": CHAT});
    is(&Chats { chats: vec![item.clone()], next: Some(chat()) }, json);
    let group = GroupItem {
        title: Some("t".to_owned()),
        picture: None,
        members_count: 3,
        role: Role::Admin,
        joined: TimeMs(7),
    };
    let json = json!({
        "chat": CHAT, "group": {"title": "t", "members_count": 3, "role": "admin", "joined": 7}, "last_seq": 3,
        "last_time": 9, "unread": 1, "members": [{"user": "bob", "delivered": 3, "read": 2}],
    });
    is(&ChatItem { with: None, group: Some(Box::new(group)), last_message: None, pinned: vec![], ..item }, json);
    let member = MemberItem { user: user("bob"), role: Role::Member, joined: TimeMs(7) };
    let json = json!({"members": [{"user": "bob", "role": "member", "joined": 7}], "next": "bob"});
    is(&Members { members: vec![member], next: Some(user("bob")) }, json);
    let messages = Messages { messages: vec![message(None)], next: Some(Seq(3)) };
    is(&messages, json!({"messages": [message_json()], "next": 3}));
    is(&Messages { messages: vec![], next: None }, json!({"messages": []}));
}

#[test]
fn what_has_become_of_messages() {
    let thumb = ReactionItem { reaction: Some("👍".to_owned()), count: 2, own: true };
    let unopened = ReactionItem { reaction: None, count: 1, own: false };
    let acted = Message { edited: Some(TimeMs(7)), reactions: vec![thumb, unopened], ..message(None) };
    let mut json = message_json();
    json["edited"] = 7.into();
    json["reactions"] = json!([{"reaction": "👍", "count": 2, "own": true}, {"count": 1, "own": false}]);
    is(&acted, json);
    let gone = Message { text: None, reply_to: None, mentions: vec![], meta: None, ..message(None) };
    let json = json!({
        "chat": CHAT, "seq": 3, "time": 1_700_000_000_123_u64, "from": "alice", "device": "phone", "id": "5",
        "content_type": "text/plain", "mentions": [], "deleted": 8
    });
    is(&Message { deleted: Some(TimeMs(8)), ..gone }, json);
    let users = vec![
        UserReaction { user: user("alice"), reaction: Some("👍".to_owned()) },
        UserReaction { user: user("bob"), reaction: None },
    ];
    let reactions = MessageReactions { chat: chat(), seq: Seq(3), users, next: Some(user("bob")) };
    let json = json!({
        "chat": CHAT, "seq": 3, "users": [{"user": "alice", "reaction": "👍"}, {"user": "bob"}], "next": "bob"
    });
    is(&reactions, json);
    is(&MessageReactions { users: vec![], next: None, ..reactions }, json!({"chat": CHAT, "seq": 3, "users": []}));
}

#[test]
fn what_is_no_frame_is_an_error() {
    for text in [
        "",
        "null",
        "[]",
        r#"{"type":"dance"}"#,
        r#"{"type":"read","chat":"nope","seq":1}"#,
        r#"{"type":"read","chat":"AcKUOzVCIX6aUPCc_gULE5PWTI8AJLGS","seq":-1}"#,
        r#"{"type":"read","chat":"AcKUOzVCIX6aUPCc_gULE5PWTI8AJLGS","seq":9223372036854775808}"#,
        r#"{"type":"read","chat":"AcKUOzVCIX6aUPCc_gULE5PWTI8AJLGS","seq":"1"}"#,
        r#"{"type":"send","id":5,"to":"bob"}"#,
        r#"{"type":"send","id":"05","to":"bob"}"#,
        r#"{"type":"send","id":"+5","to":"bob"}"#,
        r#"{"type":"send","id":"9223372036854775808","to":"bob"}"#,
        r#"{"type":"send","id":"5","to":""}"#,
        r#"{"type":"send","id":"5","to":"bob","body":"!"}"#,
        r#"{"type":"hello","device":"phone"}"#,
        r#"{"type":"change","id":"5","to":"bob"}"#,
        r#"{"type":"change","id":"5","to":"bob","change":{"type":"dance","seq":1}}"#,
        r#"{"type":"change","id":"5","to":"bob","change":{"type":"edit","text":"x"}}"#,
        r#"{"type":"change","id":"5","to":"bob","change":{"type":"edit","seq":1,"body":"!"}}"#,
        r#"{"type":"change","id":"5","to":"bob","change":{"type":"delete","seq":-1}}"#,
        r#"{"type":"change","id":"5","to":"bob","change":{"type":"react","reaction":"x"}}"#,
        r#"{"type":"change","id":"5","to":"bob","change":{"type":"react","seq":1,"reaction":2}}"#,
        r#"{"type":"change","id":"5","to":"bob","change":{"type":"pin"}}"#,
    ] {
        assert!(parse::<ClientFrame>(text).is_err(), "{text}");
    }
}

#[test]
fn base64_is_read_with_and_without_padding() {
    for body in ["AP8=", "AP8"] {
        let text = format!(r#"{{"type":"send","id":"5","to":"bob","body":"{body}"}}"#);
        let ClientFrame::Send(send) = parse(&text).unwrap() else { panic!("not a message") };
        assert_eq!(send.body, Some(Bytes::from_static(&[0, 255])));
    }
}

#[test]
fn a_token_is_not_shown() {
    let hello = Hello { token: Token("secret".to_owned()), device: device("phone"), cursor: None };
    assert!(!format!("{hello:?}").contains("secret"));
}

proptest! {
    #[test]
    fn any_text_is_no_panic(text in "\\PC{0,60}", keys in proptest::collection::vec("[a-z_]{1,8}", 0..4)) {
        let _ = parse::<ClientFrame>(&text);
        for kind in ["hello", "send", "ack", "read", "receipts"] {
            let mut frame = json!({"type": kind, "text": text, "chats": [text], "delivered": {&text: 1}});
            for key in &keys {
                frame[key] = text.clone().into();
            }
            let _ = parse::<ClientFrame>(&frame.to_string());
        }
    }
}
