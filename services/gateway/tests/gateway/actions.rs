//! What is done to messages: on its way into the log, and in what is shown of them.

use chasqui_domain::{
    Action, Change, ContentType, Counter, DeviceId, Epoch, Event, EventKind, Reaction, Sealed, Seq, Target, TimeMs,
    Version,
};
use chasqui_store::{ChatUpdate, EventRow, LogPartition, MessageUpdate, Store, Stream};
use chasqui_wire::{
    Code, event,
    frames::{MessageReactions, Messages, ServerFrame},
    message::{self, MessageState, Reacted},
};
use serde_json::{Value, json};

use crate::{
    bench::{Bench, LOG, RULES, chat, source, user},
    client::{Client, live},
    rest::{get, read_json, write_chat},
};

/// Asks for a change of the chat with bob and gives what the log holds of it.
async fn asks(bench: &mut Bench, phone: &mut Client, id: u64, to: &str, change: Value) -> Change {
    phone.say(json!({"type": "change", "id": id.to_string(), "to": to, "change": change})).await;
    let (command, record) = bench.command().await;
    for secret in ["other words", "👍"] {
        assert!(!record.value.windows(secret.len()).any(|window| window == secret.as_bytes()), "it is sealed");
    }
    let Action::Change { counter, allowed: true, change } = command.action else { panic!("{command:?}") };
    assert_eq!((command.chat, counter), (chat(), Counter(id)));
    change
}

fn reaction(change: Change) -> Reaction {
    let Change::React { reaction: Some(reaction), .. } = change else { panic!("{change:?}") };
    reaction
}

#[tokio::test]
async fn it_names_the_event_of_the_message_and_is_sealed_under_its_epoch() {
    let mut bench = Bench::new().await;
    write_chat(&mut bench).await;
    let (mut phone, mut bobs) = (live(&bench, "alice", "phone").await, live(&bench, "bob", "phone").await);
    let second = Target { seq: Seq(2), version: Version(3) };
    let edit = asks(&mut bench, &mut phone, 4, "bob", json!({"type": "edit", "seq": 2, "text": "other words"})).await;
    assert!(matches!(edit, Change::Edit { message, body } if message == second && body.epoch == Epoch::FIRST));
    let delete = asks(&mut bench, &mut phone, 5, "bob", json!({"type": "delete", "seq": 2})).await;
    assert_eq!(delete, Change::Delete { message: second });
    let pin = asks(&mut bench, &mut phone, 6, "bob", json!({"type": "pin", "seq": 2})).await;
    assert_eq!(pin, Change::Pin { message: second });
    let unpin = asks(&mut bench, &mut phone, 7, "bob", json!({"type": "unpin", "seq": 2})).await;
    assert_eq!(unpin, Change::Unpin { message: second });

    let like = |seq: u64| json!({"type": "react", "seq": seq, "reaction": "👍"});
    let alices = reaction(asks(&mut bench, &mut phone, 8, "bob", like(2)).await);
    let bobs_own = reaction(asks(&mut bench, &mut bobs, 1, "alice", like(2)).await);
    assert_eq!(alices.tag, bobs_own.tag, "so they count together");
    assert_ne!(alices.kind.bytes, bobs_own.kind.bytes);
    let elsewhere = reaction(asks(&mut bench, &mut phone, 9, "bob", like(3)).await);
    assert_ne!(alices.tag, elsewhere.tag, "it tells nothing of other messages");
    let back = asks(&mut bench, &mut phone, 10, "bob", json!({"type": "react", "seq": 2})).await;
    assert_eq!(back, Change::React { message: second, reaction: None });
    // What nobody can see is for the sequencer to say: it knows what was asked before.
    let nothing = asks(&mut bench, &mut phone, 11, "bob", json!({"type": "delete", "seq": 9})).await;
    assert_eq!(nothing, Change::Delete { message: Target { seq: Seq(9), version: Version(0) } });
}

#[tokio::test]
async fn what_can_be_nothing_is_refused_at_once() {
    let mut bench = Bench::new().await;
    write_chat(&mut bench).await;
    let mut phone = live(&bench, "alice", "phone").await;
    let long = "x".repeat(70_000);
    for (at, (change, code)) in [
        (json!({"type": "react", "seq": 1, "reaction": " "}), Code::BadFrame),
        (json!({"type": "react", "seq": 1, "reaction": "x".repeat(65)}), Code::BodyTooLarge),
        (json!({"type": "edit", "seq": 1}), Code::BadFrame),
        (json!({"type": "edit", "seq": 1, "text": long}), Code::BodyTooLarge),
    ]
    .into_iter()
    .enumerate()
    {
        let id = (at + 4).to_string();
        phone.say(json!({"type": "change", "id": id, "to": "bob", "change": change})).await;
        let ServerFrame::Failed(failed) = phone.next().await else { panic!("not failed") };
        assert_eq!((failed.code, failed.retry), (code, false));
    }
    // It takes a user to know who is at the other end of a direct chat.
    let delete = json!({"type": "delete", "seq": 1});
    phone.say(json!({"type": "change", "id": "8", "chat": chat().to_string(), "change": delete})).await;
    let ServerFrame::Failed(failed) = phone.next().await else { panic!("not failed") };
    assert_eq!(failed.code, Code::BadFrame);
}

/// Has three things become of the three messages of the chat: the first is deleted, the second is edited and reacted to.
async fn act(bench: &mut Bench) {
    let mut phone = live(bench, "alice", "phone").await;
    let text = json!({"type": "edit", "seq": 2, "text": "other words", "mentions": ["bob"]});
    let edit = asks(bench, &mut phone, 4, "bob", text).await;
    let like = json!({"type": "react", "seq": 2, "reaction": "👍"});
    let reaction = reaction(asks(bench, &mut phone, 5, "bob", like).await);
    let (by, device, after) = (user("alice"), DeviceId::new("phone").unwrap(), Seq(3));
    let kind = EventKind::Changed { by, device, counter: Counter(4), after, change: edit };
    let event = Event { chat: chat(), version: Version(6), time: TimeMs(6), rules: RULES, kind };
    let (envelope, body) = event::encode_envelope(&event, &source(1)).unwrap();
    assert!(body.is_some(), "it has a cell of its own");
    let row = |stream| EventRow {
        chat: chat(),
        stream,
        version: Version(6),
        source: source(1),
        envelope: envelope.clone(),
        body: body.clone().filter(|_| stream == Stream::Actions),
    };
    let broken = Sealed {
        epoch: Epoch::FIRST,
        content_type: ContentType::new("text/plain").unwrap(),
        bytes: bytes::Bytes::from_static(b"nothing opens this"),
    };
    let reactions = vec![
        Reacted { kind: reaction.kind, by: user("alice"), users: vec![user("alice"), user("bob")] },
        Reacted { kind: broken, by: user("carol"), users: vec![user("carol")] },
    ];
    let state = |state: &MessageState| message::encode(state).unwrap();
    let edited = MessageState { edited: Some((Version(6), TimeMs(6))), reactions, ..MessageState::default() };
    let deleted = MessageState { deleted: Some(TimeMs(7)), ..MessageState::default() };
    let messages = vec![
        MessageUpdate { seq: Seq(1), state: state(&deleted), erased: vec![(Stream::Content, Version(2))] },
        MessageUpdate { seq: Seq(2), state: state(&edited), erased: Vec::new() },
    ];
    let update = ChatUpdate { chat: chat(), version: Version(9), summary: None, members: Vec::new(), messages };
    let of = LogPartition { log: LOG, partition: chasqui_domain::Partition(0) };
    bench.store.write_events(of, vec![row(Stream::Actions), row(Stream::About(Seq(2)))], vec![update]).await.unwrap();
}

#[tokio::test]
async fn a_history_shows_what_has_become_of_messages() {
    let mut bench = Bench::new().await;
    write_chat(&mut bench).await;
    act(&mut bench).await;
    let page: Messages = read_json(&bench, "bob", &format!("/v1/chats/{}/messages?after=0", chat())).await;
    let [first, second, third] = &page.messages[..] else { panic!("{page:?}") };
    assert_eq!((first.deleted, &first.text, first.from.as_str()), (Some(TimeMs(7)), &None, "alice"));
    assert_eq!((second.deleted, second.edited, second.text.as_deref()), (None, Some(TimeMs(6)), Some("other words")));
    assert_eq!(second.mentions, [user("bob")]);
    let reactions: Vec<_> = second.reactions.iter().map(|it| (it.reaction.as_deref(), it.count, it.own)).collect();
    assert_eq!(reactions, [(Some("👍"), 2, true), (None, 1, false)]);
    assert_eq!((third.edited, third.deleted, third.text.as_deref()), (None, None, Some("text 3")));

    let path = format!("/v1/chats/{}/messages/2/reactions", chat());
    let all: MessageReactions = read_json(&bench, "bob", &path).await;
    let shown = |all: &MessageReactions| {
        all.users.iter().map(|it| (it.user.as_str().to_owned(), it.reaction.clone())).collect::<Vec<_>>()
    };
    let liked = |name: &str| (name.to_owned(), Some("👍".to_owned()));
    assert_eq!(shown(&all), [liked("alice"), liked("bob"), ("carol".to_owned(), None)]);
    let some: MessageReactions = read_json(&bench, "bob", &format!("{path}?limit=1&after=alice")).await;
    assert_eq!((shown(&some), some.next), (vec![liked("bob")], Some(user("bob"))));
    let (status, _) = get(&bench, Some("bob"), &format!("/v1/chats/{}/messages/9/reactions", chat())).await;
    assert_eq!(status.as_u16(), 404);
    let (status, _) = get(&bench, Some("eve"), &path).await;
    assert_eq!(status.as_u16(), 404, "of a chat that one isn't in nothing is told");
}
