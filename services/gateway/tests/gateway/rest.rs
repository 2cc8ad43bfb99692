//! The REST API.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use chasqui_domain::{Action, Chat, Entry, Event, EventKind, Member, Partition, Seq, TimeMs, Version};
use chasqui_store::{ChatUpdate, EventRow, LogPartition, MemberState, MemberUpdate, Store, Stream};
use chasqui_wire::{
    Code, event,
    frames::{ChatItem, ChatReceipts, Chats, MessageReceipts, Messages, Problem},
    member::{self, ChatMember},
    summary::{self, ChatSummary},
};
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use crate::{
    bench::{Bench, LOG, RULES, chat, source, token, user},
    client::live,
    messages::{decided, send},
};

pub(crate) async fn get(bench: &Bench, name: Option<&str>, path: &str) -> (StatusCode, Vec<u8>) {
    let mut request = Request::get(path);
    if let Some(name) = name {
        request = request.header("authorization", format!("Bearer {}", token(name, Duration::from_secs(60))));
    }
    let response = bench.gateway.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    (status, to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec())
}

/// Asks with this token.
pub(crate) async fn get_with(bench: &Bench, token: &str, path: &str) -> (StatusCode, Vec<u8>) {
    let request = Request::get(path).header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap();
    let response = bench.gateway.router().oneshot(request).await.unwrap();
    let status = response.status();
    (status, to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec())
}

pub(crate) async fn read_json<T: DeserializeOwned>(bench: &Bench, name: &str, path: &str) -> T {
    let (status, body) = get(bench, Some(name), path).await;
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}

/// Writes a chat of three messages, of which bob has read one.
pub(crate) async fn write_chat(bench: &mut Bench) {
    let mut phone = live(bench, "alice", "phone").await;
    let mut state = Chat::new(chat());
    let event = |version, kind| Event { chat: chat(), version: Version(version), time: TimeMs(5), rules: RULES, kind };
    let mut events = vec![event(1, EventKind::Opened { members: vec![user("alice"), user("bob")] })];
    for seq in 1..=3 {
        let body = send(bench, &mut phone, seq, &format!("text {seq}")).await;
        let Entry::Message { event } = decided(seq, body) else { unreachable!() };
        events.push(Event { time: TimeMs(5), ..event });
    }
    events.push(event(5, EventKind::Read { member: user("bob"), seq: Seq(1) }));
    let mut rows = Vec::new();
    for event in &events {
        state.apply(event).unwrap();
        let (envelope, body) = event::encode_envelope(event, &source(1)).unwrap();
        let stream = if event.kind.is_receipt() { Stream::Receipts } else { Stream::Content };
        rows.push(EventRow { chat: chat(), stream, version: event.version, source: source(1), envelope, body });
    }
    let joined = |member: &Member| MemberState::Joined(member::encode(&ChatMember::from(member)).unwrap());
    let members = state.members.iter().map(|member| MemberUpdate { user: member.user.clone(), state: joined(member) });
    let members = members.collect();
    let summary = Some(summary::encode(&ChatSummary::from(&state)).unwrap());
    let update = ChatUpdate { chat: chat(), version: state.version, summary, members, messages: Vec::new() };
    let of = LogPartition { log: LOG, partition: Partition(0) };
    bench.store.write_events(of, rows, vec![update]).await.unwrap();
}

#[tokio::test]
async fn the_list_and_the_history_of_a_chat() {
    let mut bench = Bench::new().await;
    write_chat(&mut bench).await;
    let chats: Chats = read_json(&bench, "bob", "/v1/chats").await;
    assert_eq!((chats.chats.len(), chats.next), (1, None));
    let item = &chats.chats[0];
    assert_eq!((item.chat, item.with.clone(), item.last_seq, item.unread), (chat(), Some(user("alice")), Seq(3), 2));
    assert_eq!(item.last_message.as_ref().unwrap().text.as_deref(), Some("text 3"));
    assert_eq!(item.members.iter().map(|member| member.read.0).collect::<Vec<_>>(), [0, 1]);

    let path = format!("/v1/chats/{}/messages", chat());
    for (query, seqs, next) in [
        ("", vec![3, 2, 1], None),
        ("?limit=2", vec![3, 2], Some(2)),
        ("?before=2", vec![1], None),
        ("?after=1&limit=1", vec![2], Some(2)),
        ("?after=3", vec![], None),
    ] {
        let page: Messages = read_json(&bench, "alice", &format!("{path}{query}")).await;
        let found: Vec<u64> = page.messages.iter().map(|message| message.seq.0).collect();
        assert_eq!((found, page.next), (seqs, next.map(Seq)), "{query}");
        for message in page.messages {
            assert_eq!((message.text, message.cursor), (Some(format!("text {}", message.seq)), None));
        }
    }
}

async fn put(bench: &Bench, path: &str, media: &str, body: &str) -> (StatusCode, Vec<u8>) {
    let request = Request::put(path).header("content-type", media);
    let request = request.header("authorization", format!("Bearer {}", token("bob", Duration::from_secs(60))));
    let response = bench.gateway.router().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let status = response.status();
    (status, to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec())
}

#[tokio::test]
async fn one_chat_and_who_has_what_of_it() {
    let mut bench = Bench::new().await;
    write_chat(&mut bench).await;
    let path = format!("/v1/chats/{}", chat());
    let item: ChatItem = read_json(&bench, "bob", &path).await;
    assert_eq!((item.chat, item.with, item.unread), (chat(), Some(user("alice")), 2));
    let receipts: ChatReceipts = read_json(&bench, "alice", &format!("{path}/receipts")).await;
    assert_eq!((receipts.last_seq, receipts.unread), (Seq(3), 0));
    assert_eq!(receipts.members.iter().map(|member| member.read.0).collect::<Vec<_>>(), [0, 1]);

    for (seq, bob_has) in [(1, true), (2, false)] {
        let path = format!("{path}/messages/{seq}/receipts");
        let receipts: MessageReceipts = read_json(&bench, "alice", &path).await;
        let has = receipts.members.iter().map(|it| (it.user.as_str(), it.delivered, it.read)).collect::<Vec<_>>();
        // Who wrote it has it, although no receipt says so.
        assert_eq!(has, [("alice", true, true), ("bob", bob_has, bob_has)], "{seq}");
    }
}

#[tokio::test]
async fn a_read_mark_is_appended_before_it_is_answered_and_never_beyond_the_end() {
    let mut bench = Bench::new().await;
    write_chat(&mut bench).await;
    let path = format!("/v1/chats/{}/read", chat());
    for _ in 0..2 {
        let (status, body) = put(&bench, &path, "application/json", "{\"seq\": 2}").await;
        assert_eq!((status, &*body), (StatusCode::ACCEPTED, &b""[..]));
        let (command, _) = bench.command().await;
        assert_eq!((command.sender, command.action), (user("bob"), Action::Read { seq: Seq(2) }));
    }
    for (media, body, code) in [
        ("application/json", "{\"seq\": 4}", Code::SeqAhead),
        ("application/json", "{\"seq\": -1}", Code::BadFrame),
        ("application/json", "{}", Code::BadFrame),
        ("application/json", "seq", Code::BadFrame),
        ("text/plain", "{\"seq\": 2}", Code::BadFrame),
    ] {
        let (status, answer) = put(&bench, &path, media, body).await;
        let problem: Problem = serde_json::from_slice(&answer).unwrap();
        assert_eq!((problem.code, problem.status), (code, status.as_u16()), "{body}");
    }
}

#[tokio::test]
async fn failures_are_problems_and_nothing_is_for_caches() {
    let mut bench = Bench::new().await;
    write_chat(&mut bench).await;
    let messages = format!("/v1/chats/{}/messages", chat());
    for (method, path, status, allow) in [
        ("GET", "/v1/nothing", 404, None),
        ("POST", "/v1/chats", 405, Some("GET,HEAD")),
        ("GET", "/v1/chats?limit=0", 400, None),
        ("GET", "/v1/chats?limit=x", 400, None),
        ("GET", "/v1/chats?limit=-1", 400, None),
        ("GET", "/v1/chats/%FF", 400, None),
        ("GET", &format!("{messages}?before=1&after=1"), 400, None),
        ("GET", &format!("{messages}?until=1&before=1"), 400, None),
        ("GET", &format!("{messages}/x/receipts"), 400, None),
        ("GET", &format!("{messages}/4/receipts"), 404, None),
        ("GET", "/v1/socket", 426, None),
        ("GET", "/v1/chats", 200, None),
    ] {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {}", token("bob", Duration::from_secs(60))));
        let response = bench.gateway.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{method} {path}");
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok().map(str::to_owned));
        assert_eq!(header("cache-control").as_deref(), Some("no-store"), "{method} {path}");
        assert_eq!(header("allow").as_deref(), allow, "{method} {path}");
        let media = if status == 200 { "application/json" } else { Problem::MEDIA_TYPE };
        assert_eq!(header("content-type").as_deref(), Some(media), "{method} {path}");
    }
}

#[tokio::test]
async fn others_get_nothing() {
    let mut bench = Bench::new().await;
    write_chat(&mut bench).await;
    let chats: Chats = read_json(&bench, "carol", "/v1/chats").await;
    assert!(chats.chats.is_empty());
    let path = format!("/v1/chats/{}/messages", chat());
    let wrong = format!("{path}?before=x");
    for (name, path, status, code) in [
        (Some("carol"), &*path, 404, Code::NotAMember),
        (None, &path, 401, Code::Unauthorized),
        (Some("bob"), &wrong, 400, Code::BadFrame),
        (Some("bob"), "/v1/chats/nonsense/messages", 400, Code::BadFrame),
    ] {
        let (found, body) = get(&bench, name, path).await;
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!((found.as_u16(), problem.code), (status, code), "{path}");
    }
}

#[tokio::test]
async fn a_gateway_that_drains_says_that_it_takes_nobody() {
    let bench = Bench::new().await;
    assert_eq!(bench.gateway.waiting(), None);
    bench.gateway.drain().await;
    assert!(bench.gateway.waiting().is_some());
}
