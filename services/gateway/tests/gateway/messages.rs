//! Sending, getting, acknowledging, repairing.

use bytes::Bytes;
use chasqui_domain::{
    Action, ContentType, Counter, DeviceId, Entry, Event, EventKind, Offset, Partition, Refusal, Sealed, Seq, Term,
    TimeMs, Version,
};
use chasqui_telemetry::{TRACEPARENT, TraceContext};
use chasqui_wire::{
    Code,
    frames::{Message, ServerFrame},
    gateway_record::GatewayRecord,
};
use serde_json::json;

use crate::{
    bench::{Bench, RULES, chat, user},
    client::{Client, attach, live},
};

/// A message of alice's phone as the sequencer decides it.
pub(crate) fn decided(seq: u64, body: Sealed) -> Entry {
    let (sender, device) = (user("alice"), DeviceId::new("phone").unwrap());
    let kind = EventKind::Message { seq: Seq(seq), sender, device, counter: Counter(seq), body };
    Entry::Message { event: Event { chat: chat(), version: Version(seq + 1), time: TimeMs(1), rules: RULES, kind } }
}

/// Sends a text from alice's phone and gives what the log holds of it.
pub(crate) async fn send(bench: &mut Bench, phone: &mut Client, id: u64, text: &str) -> Sealed {
    phone.say(json!({"type": "send", "id": id.to_string(), "to": "bob", "text": text})).await;
    let (command, _) = bench.command().await;
    let Action::Send(send) = command.action else { panic!("no send") };
    assert_eq!(send.counter, Counter(id));
    send.body
}

async fn message(client: &mut Client) -> Message {
    match client.next().await {
        ServerFrame::Message(message) => *message,
        other => panic!("no message but {other:?}"),
    }
}

#[tokio::test]
async fn a_message_goes_sealed_into_the_log_and_comes_back_to_each_as_it_should() {
    let mut bench = Bench::new().await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut laptop = live(&bench, "alice", "laptop").await;
    // The same name of a device, of another user.
    let mut bobs = live(&bench, "bob", "phone").await;

    phone.say(json!({"type": "send", "id": "1", "to": "bob", "text": "hello bob", "meta": {"a": [1]}})).await;
    let (command, record) = bench.command().await;
    assert!(!record.value.windows(5).any(|window| window == b"hello"), "the body is sealed");
    assert_eq!((command.chat, command.sender.as_str(), command.device.as_str()), (chat(), "alice", "phone"));
    assert_eq!(record.key, Bytes::copy_from_slice(chat().as_bytes()));
    let headers = record.headers.iter().map(|header| (&*header.name, &header.value[..]));
    assert!(TraceContext::from_headers(headers).is_some(), "{TRACEPARENT} is among the headers");
    let Action::Send(sent) = command.action else { panic!("no send") };
    assert!(sent.body.bytes.len() <= command.rules.body_bytes_max as usize);

    bench.place(&["alice", "bob"], &decided(1, sent.body)).await;
    let ServerFrame::Sent(sent) = phone.next().await else { panic!("not sent") };
    assert_eq!((sent.chat, sent.id, sent.seq, sent.repeated), (chat(), Counter(1), Seq(1), false));
    for client in [&mut laptop, &mut bobs] {
        let message = message(client).await;
        assert_eq!((message.from.as_str(), message.text.as_deref()), ("alice", Some("hello bob")));
        assert_eq!(message.meta, Some(json!({"a": [1]})));
    }
}

#[tokio::test]
async fn acks_and_reads_become_commands_and_receipts_come_live() {
    let mut bench = Bench::new().await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut bobs = live(&bench, "bob", "phone").await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    bench.place(&["alice", "bob"], &decided(1, body)).await;
    let cursor = message(&mut bobs).await.cursor.unwrap();
    phone.next().await;

    bobs.say(json!({"type": "ack", "cursor": cursor, "delivered": {chat().to_string(): 1}})).await;
    let (command, _) = bench.command().await;
    assert_eq!((command.sender.as_str(), command.action), ("bob", Action::Delivered { seq: Seq(1) }));
    bobs.say(json!({"type": "read", "chat": chat().to_string(), "seq": 1})).await;
    assert_eq!(bench.command().await.0.action, Action::Read { seq: Seq(1) });

    let (version, time, member) = (Version(3), TimeMs(1), user("bob"));
    let receipt = Entry::Receipt { chat: chat(), version, time, member, delivered: Seq(1), read: Seq(1) };
    bench.place(&["alice", "bob"], &receipt).await;
    let ServerFrame::Receipt(receipt) = phone.next().await else { panic!("no receipt") };
    assert_eq!((receipt.user.as_str(), receipt.delivered, receipt.read), ("bob", Seq(1), Seq(1)));
}

#[tokio::test]
async fn what_came_while_away_is_read_in_pages_and_then_live_goes_on() {
    let mut bench = Bench::new().await;
    let mut phone = live(&bench, "alice", "phone").await;
    let (mut bobs, _) = attach(&bench, "bob", "phone", None).await;
    let cursor = bobs.caught_up().await;
    drop(bobs);

    let body = send(&mut bench, &mut phone, 1, "hi").await;
    for seq in 1..=100 {
        bench.place_silently(&["bob"], &decided(seq, body.clone())).await;
    }
    let (mut bobs, resumed) = attach(&bench, "bob", "phone", Some(&cursor)).await;
    assert!(resumed);
    for seq in 1..=100 {
        let message = message(&mut bobs).await;
        assert_eq!((message.seq, message.text.as_deref()), (Seq(seq), Some("hi")));
    }
    bobs.caught_up().await;
    bench.place(&["bob"], &decided(101, body)).await;
    assert_eq!(message(&mut bobs).await.seq, Seq(101));
}

#[tokio::test]
async fn a_missed_push_is_repaired_when_the_router_says_so() {
    let mut bench = Bench::new().await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut bobs = live(&bench, "bob", "phone").await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    bench.place(&["bob"], &decided(1, body.clone())).await;
    let Offset(missed) = bench.place_silently(&["bob"], &decided(2, body.clone())).await;
    assert_eq!(message(&mut bobs).await.seq, Seq(1));

    let (incarnation, partition) = (bench.gateway.incarnation(), Partition(0));
    bench.tell(GatewayRecord::Repair { term: Term(0), incarnation, partition, up_to: Offset(missed + 1) }).await;
    assert_eq!(message(&mut bobs).await.seq, Seq(2));
    bobs.caught_up().await;
    bench.place(&["bob"], &decided(3, body)).await;
    assert_eq!(message(&mut bobs).await.seq, Seq(3));
}

#[tokio::test]
async fn a_client_that_does_not_acknowledge_gets_no_more_than_allowed_and_loses_nothing() {
    let mut options = crate::bench::options();
    (options.unacked_max, options.queue_frames_max) = (10, 4);
    let mut bench = Bench::with(options).await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut bobs = live(&bench, "bob", "phone").await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    for seq in 1..=60 {
        bench.place(&["bob"], &decided(seq, body.clone())).await;
    }
    let mut seen = 0;
    while seen < 60 {
        match bobs.next().await {
            ServerFrame::Message(message) => {
                seen += 1;
                assert_eq!(message.seq, Seq(seen), "no hole and no repeat");
                if seen % 10 == 0 {
                    // Were more than ten on their way, the next frame would not be the answer to this question.
                    bobs.say(json!({"type": "receipts", "chats": []})).await;
                    while !matches!(bobs.next().await, ServerFrame::Receipts(_)) {}
                    bobs.say(json!({"type": "ack", "cursor": message.cursor.unwrap()})).await;
                }
            }
            ServerFrame::CaughtUp(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn refusals_come_to_the_device_that_asked() {
    let mut bench = Bench::new().await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut laptop = live(&bench, "alice", "laptop").await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    let device = DeviceId::new("phone").unwrap();
    let refused = Entry::Refused { chat: chat(), device, counter: Some(Counter(1)), refusal: Refusal::CounterTooOld };
    bench.place(&["alice"], &refused).await;
    let ServerFrame::Failed(failed) = phone.next().await else { panic!("not failed") };
    assert_eq!((failed.code, failed.id, failed.retry), (Code::CounterTooOld, Some(Counter(1)), false));
    bench.place(&["alice"], &decided(1, body)).await;
    assert_eq!(message(&mut laptop).await.seq, Seq(1), "the other device saw nothing of it");
}

#[tokio::test]
async fn what_cannot_be_sent_fails_at_once() {
    let mut options = crate::bench::options();
    (options.outstanding_max, options.body_bytes_max) = (1, 100);
    let bench = Bench::with(options).await;
    let mut phone = live(&bench, "alice", "phone").await;
    let long = "x".repeat(101);
    for (frame, id, code) in [
        (json!({"type": "send", "id": "1", "to": "bob", "text": long}), "1", Code::BodyTooLarge),
        (json!({"type": "send", "id": "2", "to": "bob"}), "2", Code::BadFrame),
        (json!({"type": "send", "id": "3", "to": "", "text": "hi"}), "3", Code::BadFrame),
    ] {
        phone.say(frame).await;
        let ServerFrame::Failed(failed) = phone.next().await else { panic!("not failed") };
        assert_eq!((failed.id.unwrap().to_string(), failed.code, failed.cursor), (id.to_owned(), code, None));
    }
    for id in ["4", "5"] {
        phone.say(json!({"type": "send", "id": id, "to": "bob", "text": "hi"})).await;
    }
    let ServerFrame::Failed(failed) = phone.next().await else { panic!("not failed") };
    assert_eq!((failed.id, failed.code, failed.retry), (Some(Counter(5)), Code::TooManyOutstanding, true));
    for wrong in ["{}", "nonsense", r#"{"type":"dance"}"#, r#"{"type":"ack","cursor":"x"}"#] {
        phone.raw(wrong.to_owned()).await;
        let ServerFrame::Error(failure) = phone.next().await else { panic!("no error") };
        assert_eq!(failure.code, Code::BadFrame, "{wrong}");
    }
}

/// A body that the log never held sealed; it can't be opened.
pub(crate) fn unsealed() -> Sealed {
    let content_type = ContentType::new("text/plain").unwrap();
    Sealed { epoch: chasqui_domain::Epoch::FIRST, content_type, bytes: Bytes::from_static(b"not sealed") }
}
