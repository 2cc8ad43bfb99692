//! What tokens do to a session: begin it, end it, and let it go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::http::StatusCode;
use bytes::Bytes;
use chasqui_auth::{Keys, Refresh, Source, SourceError};
use chasqui_domain::TimeMs;
use chasqui_runtime::{Driver, Real, Runtime};
use chasqui_wire::{
    Code,
    frames::{Problem, ServerFrame},
};
use futures::future::BoxFuture;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::json;

use crate::{
    bench::{Bench, Judges, options, token},
    client::{Client, live, try_connect},
    rest::get_with,
};

const HOUR: Duration = Duration::from_secs(3600);

/// The real clocks, which a test can put forward. Who sleeps doesn't notice.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<AtomicU64>, Arc<Real>);

impl Clock {
    pub(crate) fn forward(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn ahead_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Driver for Clock {
    fn now(&self) -> TimeMs {
        TimeMs(self.1.now().0 + self.ahead_ms())
    }

    fn monotonic(&self) -> Duration {
        self.1.monotonic() + Duration::from_millis(self.ahead_ms())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.1.sleep(duration)
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        self.1.fill_random(bytes);
    }

    fn spawn(&self, name: &'static str, future: BoxFuture<'static, ()>) {
        self.1.spawn(name, future);
    }
}

/// A bench whose clock can be put forward without making sessions idle.
async fn bench() -> (Bench, Clock) {
    let clock = Clock::default();
    let mut options = options();
    (options.idle_ms, options.ping_ms) = (u64::from(u32::MAX), u64::from(u32::MAX) - 1);
    let judges = Judges { runtime: Runtime::new(clock.clone()), ..Judges::default() };
    (Bench::judged(options, judges).await, clock)
}

async fn hello(bench: &Bench, token: &str) -> Client {
    let mut client = try_connect(bench).await.unwrap();
    client.hello(token, "phone", None).await;
    client
}

async fn attached(bench: &Bench, token: &str) -> Client {
    let mut client = hello(bench, token).await;
    assert!(matches!(client.next().await, ServerFrame::Welcome(_)));
    client.caught_up().await;
    client
}

/// The session takes frames and answers them.
async fn goes_on(client: &mut Client) {
    client.say(json!({"type": "receipts", "chats": []})).await;
    assert!(matches!(client.next().await, ServerFrame::Receipts(_)));
}

async fn ends_expired(client: &mut Client) {
    client.say(json!({"type": "receipts", "chats": []})).await;
    assert_eq!(client.end().await, ("token_expired".to_owned(), 4006));
}

async fn renew(client: &mut Client, token: &str) -> ServerFrame {
    client.say(json!({"type": "renew", "token": token})).await;
    client.next().await
}

#[tokio::test]
async fn a_session_ends_with_its_token() {
    let (bench, clock) = bench().await;
    let mut client = attached(&bench, &token("alice", HOUR)).await;
    goes_on(&mut client).await;
    clock.forward(HOUR);
    ends_expired(&mut client).await;
}

#[tokio::test]
async fn a_session_wakes_up_for_its_end() {
    let bench = Bench::new().await;
    // Behind all that wakes a new session for other reasons.
    let mut client = hello(&bench, &token("alice", Duration::from_secs(3))).await;
    loop {
        match client.next().await {
            ServerFrame::Error(failure) => {
                assert_eq!(failure.code, Code::TokenExpired);
                return;
            }
            // On a slow machine the token may end before its session begins.
            ServerFrame::Welcome(_) | ServerFrame::CaughtUp(_) => {}
            other => panic!("no end but {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_renewed_session_goes_on_to_the_end_of_the_new_token() {
    let (bench, clock) = bench().await;
    let mut client = attached(&bench, &token("alice", HOUR)).await;
    let before = clock.now().0;
    let ServerFrame::Renewed(renewed) = renew(&mut client, &token("alice", 3 * HOUR)).await else { panic!("no") };
    assert!((before..before + 4 * 3_600_000).contains(&renewed.expires.0), "{renewed:?}");
    assert!(renewed.expires.0 > before + 2 * 3_600_000, "{renewed:?}");
    clock.forward(2 * HOUR);
    goes_on(&mut client).await;
    clock.forward(HOUR);
    ends_expired(&mut client).await;
}

#[tokio::test]
async fn a_renewal_that_is_refused_changes_nothing() {
    let (bench, clock) = bench().await;
    let mut client = attached(&bench, &token("alice", 2 * HOUR)).await;
    let soon_ended = token("alice", HOUR);
    clock.forward(HOUR);
    for (token, code) in [
        (token("bob", 9 * HOUR).as_str(), Code::Unauthorized),
        ("nonsense", Code::Unauthorized),
        (&soon_ended, Code::TokenExpired),
    ] {
        let ServerFrame::Error(failure) = renew(&mut client, token).await else { panic!("not refused") };
        assert_eq!((failure.code, failure.retry), (code, code.retry()));
        goes_on(&mut client).await;
    }
    clock.forward(HOUR);
    ends_expired(&mut client).await;
}

#[tokio::test]
async fn a_token_that_has_ended_is_told_from_one_that_is_none() {
    let (bench, clock) = bench().await;
    let ended = token("alice", HOUR);
    clock.forward(HOUR);
    assert_eq!(hello(&bench, &ended).await.end().await, ("token_expired".to_owned(), 4006));
    assert_eq!(hello(&bench, "nonsense").await.end().await, ("unauthorized".to_owned(), 4501));
    for (token, code) in [(ended.as_str(), Code::TokenExpired), ("nonsense", Code::Unauthorized)] {
        let (status, body) = get_with(&bench, token, "/v1/chats").await;
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, problem.code), (StatusCode::UNAUTHORIZED, code));
    }
}

/// Keys that nobody can read.
struct Away;

#[async_trait]
impl Source for Away {
    async fn read(&self) -> Result<Bytes, SourceError> {
        Err(std::io::Error::other("away").into())
    }
}

#[tokio::test]
async fn while_no_keys_can_be_read_their_tokens_may_come_again_and_others_are_taken() {
    let runtime = Runtime::real();
    let refresh = Refresh { every: HOUR, least: HOUR };
    let mut judges = Judges::default();
    judges.tokens.keys = Some(Keys::new(Arc::new(Away), refresh, runtime));
    let bench = Bench::judged(options(), judges).await;
    let pem = KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_pem();
    let key = EncodingKey::from_ed_pem(pem.as_bytes()).unwrap();
    let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::EdDSA) };
    let token = encode(&header, &json!({"sub": "alice", "exp": u32::MAX}), &key).unwrap();
    assert_eq!(hello(&bench, &token).await.end().await, ("unavailable".to_owned(), 4005));
    assert_eq!(get_with(&bench, &token, "/v1/chats").await.0, StatusCode::SERVICE_UNAVAILABLE);
    live(&bench, "bob", "phone").await;
}
