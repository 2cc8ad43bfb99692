//! Bans: what operators say, and what becomes of sessions and requests.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode},
};
use bytes::Bytes;
use chasqui_domain::{LogId, Offset, Partition, TimeMs};
use chasqui_gateway::Options;
use chasqui_log::{Append, Bounds, Error, Log, Partitions, Pending, Reader, Record, Topic, TopicPartition};
use chasqui_store::{Ban, BanKey, Store, memory::MemoryStore};
use chasqui_testkit::{BanReads, Faults, FaultyStore};
use chasqui_wire::{
    Code,
    frames::{self, Bans, Problem, ServerFrame},
    revocation::Revocation,
};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    bench::{ADMIN, Bench, memory_log, options, token, until, user},
    client::{Client, live, try_connect},
    failing::FullLog,
    rest::get,
};
use tower::ServiceExt;

const BANNED: (&str, u16) = ("banned", 4503);

async fn ask(bench: &Bench, method: Method, path: &str, token: Option<&str>, body: &str) -> (StatusCode, Vec<u8>) {
    let mut request = Request::builder().method(method).uri(format!("/v1/admin/bans{path}"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = bench.gateway.router().oneshot(request).await.unwrap();
    let status = response.status();
    (status, to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec())
}

async fn ban(bench: &Bench, path: &str, body: &str) -> frames::Ban {
    let (status, body) = ask(bench, Method::PUT, path, Some(ADMIN), body).await;
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}

async fn unban(bench: &Bench, path: &str) {
    assert_eq!(ask(bench, Method::DELETE, path, Some(ADMIN), "").await.0, StatusCode::NO_CONTENT);
}

async fn bans(bench: &Bench, path: &str) -> Bans {
    let (status, body) = ask(bench, Method::GET, path, Some(ADMIN), "").await;
    assert_eq!(status, StatusCode::OK);
    serde_json::from_slice(&body).unwrap()
}

async fn hello(bench: &Bench, name: &str, device: &str) -> Client {
    let mut client = try_connect(bench).await.unwrap();
    client.hello(&token(name, Duration::from_secs(60)), device, None).await;
    client
}

/// Whether a session still answers.
async fn is_open(client: &mut Client) -> bool {
    client.say(json!({"type": "receipts", "chats": []})).await;
    matches!(client.next().await, ServerFrame::Receipts(_))
}

fn end((code, close): (&str, u16)) -> (String, u16) {
    (code.to_owned(), close)
}

#[tokio::test]
async fn who_is_banned_is_closed_and_kept_out_until_it_is_taken_back() {
    let bench = Bench::new().await;
    let mut phone = live(&bench, "bob", "phone").await;
    let mut pad = live(&bench, "bob", "pad").await;
    let mut alices = live(&bench, "alice", "phone").await;
    ban(&bench, "/bob", "").await;
    assert_eq!(phone.end().await, end(BANNED));
    assert_eq!(pad.end().await, end(BANNED));
    assert!(is_open(&mut alices).await);
    assert_eq!(hello(&bench, "bob", "phone").await.end().await, end(BANNED));
    let (status, body) = get(&bench, Some("bob"), "/v1/chats").await;
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!((status.as_u16(), problem.code), (403, Code::Banned));
    assert_eq!(get(&bench, Some("alice"), "/v1/chats").await.0, StatusCode::OK);

    unban(&bench, "/bob").await;
    live(&bench, "bob", "phone").await;
    assert_eq!(get(&bench, Some("bob"), "/v1/chats").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_banned_device_leaves_the_others() {
    let bench = Bench::new().await;
    let mut phone = live(&bench, "bob", "phone").await;
    let mut pad = live(&bench, "bob", "pad").await;
    let mut alices = live(&bench, "alice", "phone").await;
    ban(&bench, "/bob/devices/phone", "").await;
    assert_eq!(phone.end().await, end(BANNED));
    assert!(is_open(&mut pad).await && is_open(&mut alices).await);
    assert_eq!(hello(&bench, "bob", "phone").await.end().await, end(BANNED));
    live(&bench, "bob", "watch").await;
    assert_eq!(get(&bench, Some("bob"), "/v1/chats").await.0, StatusCode::OK, "a request names no device");
    unban(&bench, "/bob").await;
    assert_eq!(hello(&bench, "bob", "phone").await.end().await, end(BANNED), "another ban was taken back");
    unban(&bench, "/bob/devices/phone").await;
    live(&bench, "bob", "phone").await;
}

#[tokio::test]
async fn a_ban_that_is_repeated_is_the_same_ban() {
    let bench = Bench::new().await;
    let first = ban(&bench, "/bob%2F1", r#"{"reason": "spam"}"#).await;
    assert_eq!((first.user.as_str(), first.device, first.reason.as_deref()), ("bob/1", None, Some("spam")));
    assert!(first.since > TimeMs(0));
    let again = ban(&bench, "/bob%2F1", r#"{"reason": "much spam"}"#).await;
    assert_eq!((again.since, again.reason.as_deref()), (first.since, Some("much spam")));
    let device = ban(&bench, "/bob%2F1/devices/phone", "").await;
    assert_eq!(device.device.as_ref().map(|device| device.as_str()), Some("phone"));
    ban(&bench, "/carol", "{}").await;

    let listed = bans(&bench, "").await;
    let names: Vec<_> = listed.bans.iter().map(|ban| (ban.user.as_str(), ban.device.is_some())).collect();
    assert_eq!((names, listed.next), (vec![("bob/1", false), ("bob/1", true), ("carol", false)], None));
    assert_eq!(bans(&bench, "/bob%2F1").await.bans, [again, device]);
    assert!(bans(&bench, "/alice").await.bans.is_empty());
    let page = bans(&bench, "?limit=2").await;
    let rest = bans(&bench, &format!("?limit=2&after={}", page.next.unwrap())).await;
    assert_eq!((page.bans.len(), rest.bans[0].user.as_str(), rest.next), (2, "carol", None));
}

#[tokio::test]
async fn only_operators_are_let_in_and_what_makes_no_sense_is_refused() {
    let bench = Bench::new().await;
    let users = token("bob", Duration::from_secs(60));
    let long = json!({"reason": "x".repeat(1_025)}).to_string();
    let put = Method::PUT;
    for (method, path, token, body, status, code) in [
        (&put, "/bob", None, "", 401, Code::Unauthorized),
        (&put, "/bob", Some(users.as_str()), "", 401, Code::Unauthorized),
        (&put, "/bob", Some("an admin token of the tests, long enougi"), "", 401, Code::Unauthorized),
        (&Method::GET, "", None, "", 401, Code::Unauthorized),
        (&Method::DELETE, "/bob/devices/phone", None, "", 401, Code::Unauthorized),
        (&put, "/bob%00", Some(ADMIN), "", 400, Code::BadFrame),
        (&put, "/bob/devices/my%20phone", Some(ADMIN), "", 400, Code::BadFrame),
        (&put, "/bob", Some(ADMIN), "nonsense", 400, Code::BadFrame),
        (&put, "/bob", Some(ADMIN), long.as_str(), 400, Code::BadFrame),
        (&Method::GET, "?after=x", Some(ADMIN), "", 400, Code::BadFrame),
        (&Method::POST, "/bob", Some(ADMIN), "", 405, Code::MethodNotAllowed),
    ] {
        let (found, answer) = ask(&bench, method.clone(), path, token, body).await;
        let problem: Problem = serde_json::from_slice(&answer).unwrap();
        assert_eq!((found.as_u16(), problem.code), (status, code), "{method} {path}");
    }
    assert!(bench.store.bans(None, None, 9).await.unwrap().is_empty());

    let bench = Bench::with(Options { admin: None, ..options() }).await;
    for token in [None, Some(""), Some(ADMIN)] {
        assert_eq!(ask(&bench, Method::PUT, "/bob", token, "").await.0, StatusCode::NOT_FOUND, "it is off");
    }
    assert!(bench.store.bans(None, None, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_ban_that_could_not_be_told_is_told_when_it_is_repeated() {
    let log = FullLog::new(Topic::Revocations);
    let bench = Bench::on(log.clone(), options()).await;
    let mut phone = live(&bench, "bob", "phone").await;
    let (status, body) = ask(&bench, Method::PUT, "/bob", Some(ADMIN), "").await;
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!((status.as_u16(), problem.code, problem.retry), (503, Code::Unavailable, true));
    assert_eq!(hello(&bench, "bob", "pad").await.end().await, end(BANNED), "it holds for who comes now");
    assert!(is_open(&mut phone).await);
    log.is_full.store(false, Ordering::SeqCst);
    ban(&bench, "/bob", "").await;
    assert_eq!(phone.end().await, end(BANNED));
}

async fn faulty() -> (Arc<FaultyStore>, Bench) {
    let store = Arc::new(MemoryStore::new());
    let rows = FaultyStore::new(store.clone(), Faults::none());
    let bench = Bench::on_rows(memory_log(), rows.clone(), store).await;
    (rows, bench)
}

#[tokio::test]
async fn nobody_is_let_in_while_the_store_does_not_say_who_is_banned() {
    let (rows, bench) = faulty().await;
    let mut open = live(&bench, "bob", "phone").await;
    rows.ban_reads.send_replace(BanReads::Failed);
    assert_eq!(hello(&bench, "bob", "pad").await.end().await, end(("unavailable", 4005)));
    let (status, body) = get(&bench, Some("bob"), "/v1/chats").await;
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!((status.as_u16(), problem.code), (503, Code::Unavailable));
    assert!(is_open(&mut open).await, "who is in stays in");
    rows.ban_reads.send_replace(BanReads::Answered);
    live(&bench, "bob", "pad").await;
}

/// The session has read that it is not banned, and learns of the ban all the same.
#[tokio::test]
async fn a_ban_between_reading_and_beginning_is_not_missed() {
    let (rows, bench) = faulty().await;
    let mut carols = live(&bench, "carol", "phone").await;
    rows.ban_reads.send_replace(BanReads::Held);
    let mut phone = hello(&bench, "bob", "phone").await;
    until(async || rows.ban_reads.receiver_count() > 0).await;
    // What an operator does, without the answer that would be held, too.
    let key = BanKey { user: user("bob"), device: None };
    bench.store.ban(Ban { key, since: TimeMs(1), reason: None }).await.unwrap();
    revoke(&bench, "bob").await;
    // Behind it is another, by which one sees that it was read.
    revoke(&bench, "carol").await;
    assert_eq!(carols.end().await, end(BANNED));
    rows.ban_reads.send_replace(BanReads::Answered);
    assert_eq!(phone.end().await, end(BANNED));
}

async fn revoke(bench: &Bench, name: &str) {
    append(bench, Revocation { user: user(name), device: None }.encode().unwrap()).await;
}

async fn append(bench: &Bench, value: Bytes) {
    let to = Topic::Revocations.partition(Partition(0));
    let append = Append { to, key: Bytes::new(), value, headers: Vec::new() };
    bench.log.append(vec![append]).await.unwrap();
}

type Reads = mpsc::UnboundedReceiver<Result<Vec<Record>, Error>>;

/// What a test says is read of `revocations`; the rest is a log in memory.
struct ToldLog {
    inner: Arc<dyn Log>,
    reads: Mutex<Option<Reads>>,
}

struct ToldReader(Reads);

#[async_trait]
impl Reader for ToldReader {
    async fn next(&mut self, _: usize) -> Result<Vec<Record>, Error> {
        self.0.recv().await.unwrap_or(Err(Error::Closed))
    }
}

#[async_trait]
impl Log for ToldLog {
    fn id(&self) -> LogId {
        self.inner.id()
    }

    fn partitions(&self) -> Partitions {
        self.inner.partitions()
    }

    async fn enqueue(&self, batch: Vec<Append>) -> Result<Pending, Error> {
        self.inner.enqueue(batch).await
    }

    async fn reader(&self, at: &TopicPartition, from: Offset) -> Result<Box<dyn Reader>, Error> {
        if at.topic == Topic::Revocations
            && let Some(reads) = self.reads.lock().take()
        {
            return Ok(Box::new(ToldReader(reads)));
        }
        self.inner.reader(at, from).await
    }

    async fn bounds(&self, at: &TopicPartition) -> Result<Bounds, Error> {
        self.inner.bounds(at).await
    }

    async fn release(&self, at: &TopicPartition, below: Offset) -> Result<(), Error> {
        self.inner.release(at, below).await
    }
}

fn record(value: Bytes) -> Record {
    Record { offset: Offset(9), time: TimeMs(1), key: Bytes::new(), value, headers: Vec::new() }
}

#[tokio::test]
async fn bans_that_were_passed_over_or_cannot_be_read_are_looked_up_and_a_log_that_is_away_is_waited_for() {
    let (say, reads) = mpsc::unbounded_channel();
    let log = Arc::new(ToldLog { inner: memory_log(), reads: Mutex::new(Some(reads)) });
    let store = Arc::new(MemoryStore::new());
    let rows = FaultyStore::new(store.clone(), Faults::none());
    let bench = Bench::on_rows(log, rows.clone(), store).await;
    let ban = async |name: &str| {
        let key = BanKey { user: user(name), device: None };
        bench.store.ban(Ban { key, since: TimeMs(1), reason: None }).await.unwrap();
    };
    let mut open = Vec::new();
    for name in ["alice", "bob", "carol", "dave"] {
        open.push(live(&bench, name, "phone").await);
    }
    // The store is away, too, and is waited for.
    ban("alice").await;
    rows.ban_reads.send_replace(BanReads::Failed);
    say.send(Err(Error::Trimmed { start: Offset(7) })).unwrap();
    assert!(is_open(&mut open[0]).await);
    rows.ban_reads.send_replace(BanReads::Answered);
    assert_eq!(open[0].end().await, end(BANNED));

    ban("bob").await;
    say.send(Ok(vec![record(Bytes::from_static(b"nonsense"))])).unwrap();
    assert_eq!(open[1].end().await, end(BANNED));

    say.send(Err(Error::Unavailable { why: "it is away".to_owned() })).unwrap();
    let carol = Revocation { user: user("carol"), device: None }.encode().unwrap();
    say.send(Ok(vec![record(carol)])).unwrap();
    assert_eq!(open[2].end().await, end(BANNED));
    assert!(is_open(&mut open[3]).await);
}
