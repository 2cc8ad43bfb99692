//! What becomes of very many who log in together, by a clock that stands still.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chasqui_domain::TimeMs;
use chasqui_gateway::{Incoming, Outgoing, Rates, TransportError};
use chasqui_runtime::{Driver, Real, Runtime};
use chasqui_telemetry::metrics::{GatewayMetrics, Metrics};
use chasqui_wire::{
    Code,
    frames::{self, Failure, ServerFrame},
};
use futures::{
    SinkExt, StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    future::{self, BoxFuture},
};
use serde_json::json;

use crate::{
    bench::{Bench, Judges, options, token},
    client::live,
};

const STORM: usize = 1_000;

/// The longest that anybody is told to wait.
const WAIT_MAX_MS: u32 = 120_000;

/// A clock that stands still until the test moves it. Who sleeps doesn't notice.
#[derive(Clone)]
struct Clock {
    passed_ms: Arc<AtomicU64>,
    began: TimeMs,
    real: Arc<Real>,
}

impl Clock {
    fn stopped() -> Self {
        let real = Arc::new(Real::new());
        Self { passed_ms: Arc::default(), began: real.now(), real }
    }

    fn set(&self, passed_ms: u64) {
        self.passed_ms.store(passed_ms, Ordering::SeqCst);
    }
}

impl Driver for Clock {
    fn now(&self) -> TimeMs {
        TimeMs(self.began.0 + self.passed_ms.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.passed_ms.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.real.sleep(duration)
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        self.real.fill_random(bytes);
    }

    fn spawn(&self, name: &'static str, future: BoxFuture<'static, ()>) {
        self.real.spawn(name, future);
    }
}

async fn bench(logins_per_second: u32) -> (Bench, Clock, GatewayMetrics) {
    let (clock, metrics) = (Clock::stopped(), Metrics::new().gateway);
    let mut options = options();
    options.rates = Rates { logins_per_second, ..Rates::default() };
    let judges = Judges { runtime: Runtime::new(clock.clone()), metrics: metrics.clone(), ..Judges::default() };
    (Bench::judged(options, judges).await, clock, metrics)
}

/// A connection without a socket; the gateway ends its session when it is dropped.
struct Caller {
    _says: UnboundedSender<Result<Incoming, TransportError>>,
    hears: UnboundedReceiver<Outgoing>,
}

/// Says hello; gives the session, or why there is none.
async fn log_in(bench: &Bench, token: &str) -> Result<Caller, Failure> {
    let ((says, source), (target, mut hears)) = (unbounded(), unbounded());
    let gateway = bench.gateway.clone();
    let target = target.sink_map_err(|error| TransportError(Box::new(error)));
    tokio::spawn(async move { gateway.serve(target, source).await });
    let hello = json!({"type": "hello", "token": token, "device": "phone"}).to_string();
    says.unbounded_send(Ok(Incoming::Text(hello.into()))).unwrap();
    let Some(Outgoing::Text(text)) = hears.next().await else { panic!("no answer") };
    match frames::parse(&text).unwrap() {
        ServerFrame::Welcome(_) => Ok(Caller { _says: says, hears }),
        ServerFrame::Error(failure) => {
            assert_eq!(hears.next().await, Some(Outgoing::Close(failure.code)));
            Err(failure)
        }
        other => panic!("neither a welcome nor an error but {other:?}"),
    }
}

async fn user_logs_in(bench: &Bench, number: usize) -> Result<Caller, Failure> {
    log_in(bench, &token(&format!("user-{number}"), Duration::from_secs(600))).await
}

/// All come at once: who is in, and when the others may come, the earliest first.
async fn storm(bench: &Bench) -> (Vec<Caller>, Vec<(u32, usize)>) {
    let all = future::join_all((0..STORM).map(|number| user_logs_in(bench, number))).await;
    let (mut let_in, mut waits) = (Vec::new(), Vec::new());
    for (number, outcome) in all.into_iter().enumerate() {
        match outcome {
            Ok(caller) => let_in.push(caller),
            Err(failure) => {
                assert_eq!((failure.code, failure.retry), (Code::TooManyLogins, true));
                waits.push((failure.retry_in_ms.unwrap(), number));
            }
        }
    }
    waits.sort_unstable();
    (let_in, waits)
}

#[tokio::test]
async fn a_storm_is_let_in_at_the_rate_and_each_at_the_time_that_was_told() {
    let (bench, clock, metrics) = bench(100).await;
    let mut alice = live(&bench, "alice", "phone").await;
    // By then nobody counts who logged in before.
    clock.set(1_000);
    let (mut sessions, waits) = storm(&bench).await;
    assert_eq!(sessions.len(), 100);
    let each_behind_the_other: Vec<u32> = (1..=900).map(|turn| 10 * turn).collect();
    assert_eq!(waits.iter().map(|(wait, _)| *wait).collect::<Vec<_>>(), each_behind_the_other);
    assert_eq!(metrics.logins_refused.get(), 900);
    alice.nothing_waits().await;
    for (wait, number) in waits {
        clock.set(1_000 + u64::from(wait));
        let Ok(session) = user_logs_in(&bench, number).await else { panic!("not let in after {wait} ms") };
        sessions.push(session);
    }
    assert_eq!((sessions.len(), metrics.logins_refused.get()), (STORM, 900));
    alice.nothing_waits().await;
    for session in &mut sessions {
        assert!(!matches!(session.hears.try_recv(), Ok(Outgoing::Close(_))), "it is still there");
    }
}

#[tokio::test]
async fn nobody_waits_longer_than_the_bound_and_chance_spreads_those_beyond_it() {
    let (bench, ..) = bench(1).await;
    let (sessions, waits) = storm(&bench).await;
    assert_eq!(sessions.len(), 1);
    let waits: Vec<_> = waits.into_iter().map(|(wait, _)| wait).collect();
    assert_eq!((waits.len(), waits[0]), (STORM - 1, 1_000));
    assert!(waits.iter().all(|wait| *wait <= WAIT_MAX_MS), "{waits:?}");
    let (near, far): (Vec<_>, Vec<_>) = waits.into_iter().partition(|wait| *wait <= WAIT_MAX_MS / 2);
    assert_eq!(near, (1..=60).map(|turn| 1_000 * turn).collect::<Vec<_>>(), "turns only");
    // By chance nearly 900 miss a tenth of their span once in 10^40.
    for tenth in 10..20 {
        let tenth = WAIT_MAX_MS / 20 * tenth..WAIT_MAX_MS / 20 * (tenth + 1);
        assert!(far.iter().any(|wait| tenth.contains(wait)), "nobody within {tenth:?}");
    }
}

#[tokio::test]
async fn zero_lets_all_in() {
    let (bench, ..) = bench(0).await;
    let (sessions, waits) = storm(&bench).await;
    assert_eq!((sessions.len(), waits.len()), (STORM, 0));
}

#[tokio::test]
async fn who_has_no_token_keeps_nobody_out() {
    let (bench, ..) = bench(1).await;
    let unproven = future::join_all((0..50).map(|_| log_in(&bench, "nonsense"))).await;
    for outcome in unproven {
        assert_eq!(outcome.err().map(|failure| failure.code), Some(Code::Unauthorized));
    }
    assert!(user_logs_in(&bench, 1).await.is_ok());
    let Err(failure) = user_logs_in(&bench, 2).await else { panic!("two in a second") };
    assert_eq!((failure.code, failure.retry_in_ms), (Code::TooManyLogins, Some(1_000)));
}
