use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chasqui_auth::{Hook, HookOptions, Outbound, Policy, WriteTo, url};
use chasqui_domain::{TimeMs, UserId};
use chasqui_runtime::{Driver, Real, Runtime};
use futures::future::{BoxFuture, join_all};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::server::{plain, tls};

/// A clock that the test moves; the rest is real.
#[derive(Clone, Default)]
struct Moved(Arc<AtomicUsize>, Arc<Real>);

impl Driver for Moved {
    fn now(&self) -> TimeMs {
        self.1.now()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst) as u64)
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

/// The operator's server, as the test wants it.
struct Operator {
    asked: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    answers: watch::Sender<Option<(StatusCode, String)>>,
    token: Option<&'static str>,
}

impl Operator {
    fn new(token: Option<&'static str>) -> Arc<Self> {
        Arc::new(Self {
            asked: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            answers: watch::Sender::new(None),
            token,
        })
    }

    fn answer(&self, status: u16, body: &str) {
        self.answers.send_replace(Some((StatusCode::from_u16(status).unwrap(), body.to_owned())));
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn routes(self: &Arc<Self>) -> Router {
        Router::new().route("/may_write", post(answer)).with_state(self.clone())
    }
}

async fn answer(State(operator): State<Arc<Operator>>, headers: HeaderMap, Json(question): Json<Value>) -> Response {
    operator.asked.fetch_add(1, Ordering::SeqCst);
    let at_once = operator.at_once.fetch_add(1, Ordering::SeqCst) + 1;
    operator.most_at_once.fetch_max(at_once, Ordering::SeqCst);
    let answer = operator.answers.subscribe().wait_for(Option::is_some).await.unwrap().clone();
    operator.at_once.fetch_sub(1, Ordering::SeqCst);
    let bearer = headers.get("authorization").map(|value| value.to_str().unwrap());
    if bearer != operator.token {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    assert_eq!(question.as_object().unwrap().len(), 2);
    match (question["from"].as_str().unwrap(), question["to"].as_str().unwrap()) {
        (_, "nobody") => Json(json!({"allowed": false, "why": "nobody is written to"})).into_response(),
        _ => answer.unwrap().into_response(),
    }
}

const PATIENT: Duration = Duration::from_secs(600);

async fn policy(operator: &Arc<Operator>, token: Option<&str>, timeout: Duration) -> (Policy, Moved) {
    let address = plain(operator.routes(), "/may_write").await;
    let moved = Moved::default();
    let options =
        HookOptions { address, token: token.map(str::to_owned), timeout, answers_count: Duration::from_secs(60) };
    let hook = Hook::new(&Outbound::default(), options, Runtime::new(moved.clone())).unwrap();
    (Policy::Hook(Box::new(hook)), moved)
}

async fn ask(policy: &Policy, to: &str) -> Option<bool> {
    let user = |user: &str| UserId::new(user).unwrap();
    policy.may_write(&user("alice"), &WriteTo::Everybody, &user(to)).await.ok()
}

#[tokio::test]
async fn an_answer_counts_for_its_pair_and_its_time() {
    let operator = Operator::new(None);
    operator.answer(200, r#"{"allowed": true}"#);
    let (policy, clock) = policy(&operator, None, PATIENT).await;
    assert_eq!(ask(&policy, "bob").await, Some(true));
    assert_eq!(ask(&policy, "nobody").await, Some(false));
    operator.answer(200, r#"{"allowed": false}"#);
    assert_eq!((ask(&policy, "bob").await, ask(&policy, "nobody").await), (Some(true), Some(false)));
    assert_eq!(operator.asked(), 2);
    clock.0.store(60, Ordering::SeqCst);
    assert_eq!(ask(&policy, "bob").await, Some(false));
    assert_eq!(operator.asked(), 3);
}

#[tokio::test]
async fn anything_but_a_whole_answer_is_none_and_not_kept() {
    let operator = Operator::new(None);
    let (policy, _clock) = policy(&operator, None, PATIENT).await;
    let yes = r#"{"allowed": true}"#;
    for (status, body) in [
        (500, yes),
        (201, yes),
        (204, ""),
        (302, yes),
        (401, yes),
        (200, ""),
        (200, "true"),
        (200, "{}"),
        (200, r#"{"allowed": "true"}"#),
        (200, r#"{"allowed": true"#),
        (200, r#"{"allowed": null}"#),
        (200, r#"{"allowed": true, "allowed": false}"#),
        (200, &format!("{}{yes}", " ".repeat(16 * 1024))),
    ] {
        operator.answer(status, body);
        assert_eq!(ask(&policy, "bob").await, None, "{status} {body}");
    }
    operator.answer(200, yes);
    assert_eq!(ask(&policy, "bob").await, Some(true));
}

#[tokio::test]
async fn a_hook_that_is_away_or_hangs_gives_no_answer() {
    let operator = Operator::new(None);
    let (policy, _clock) = policy(&operator, None, Duration::from_millis(50)).await;
    assert_eq!(ask(&policy, "bob").await, None);
    let options = HookOptions {
        address: chasqui_auth::Address::parse("http://127.0.0.1:1/").unwrap(),
        token: None,
        timeout: PATIENT,
        answers_count: PATIENT,
    };
    let hook = Hook::new(&Outbound::default(), options, Runtime::real()).unwrap();
    assert_eq!(ask(&Policy::Hook(Box::new(hook)), "bob").await, None);
}

#[tokio::test]
async fn the_hook_is_asked_with_its_token() {
    let operator = Operator::new(Some("Bearer open sesame"));
    operator.answer(200, r#"{"allowed": true}"#);
    assert_eq!(ask(&policy(&operator, None, PATIENT).await.0, "bob").await, None);
    assert_eq!(ask(&policy(&operator, Some("open sesame"), PATIENT).await.0, "bob").await, Some(true));
}

#[tokio::test]
async fn the_same_question_is_asked_once_and_not_too_many_at_once() {
    let operator = Operator::new(None);
    let (policy, _clock) = policy(&operator, None, PATIENT).await;
    let same = join_all((0..50).map(|_| ask(&policy, "bob")));
    let users: Vec<_> = (0..200).map(|number| format!("user-{number}")).collect();
    let others = join_all(users.iter().map(|user| ask(&policy, user)));
    let open = async {
        while operator.at_once.load(Ordering::SeqCst) < 64 {
            tokio::task::yield_now().await;
        }
        // Whatever else is on its way has the time to arrive.
        let address = plain(Router::new().route("/", get(async || "")), "/").await;
        let elsewhere = url(&Outbound::default(), address).unwrap();
        for _ in 0..100 {
            elsewhere.read().await.unwrap();
        }
        operator.answer(200, r#"{"allowed": true}"#);
    };
    let (same, others, ()) = futures::join!(same, others, open);
    assert!(same.iter().chain(&others).all(|answer| *answer == Some(true)));
    assert_eq!(operator.asked(), 201);
    assert_eq!(operator.most_at_once.load(Ordering::SeqCst), 64);
}

#[tokio::test]
async fn a_hook_is_asked_over_tls() {
    let operator = Operator::new(None);
    operator.answer(200, r#"{"allowed": true}"#);
    let (address, trusting) = tls(operator.routes(), "/may_write").await;
    let options = HookOptions { address, token: None, timeout: PATIENT, answers_count: PATIENT };
    let of =
        |outbound: &Outbound| Policy::Hook(Box::new(Hook::new(outbound, options.clone(), Runtime::real()).unwrap()));
    assert_eq!(ask(&of(&trusting), "bob").await, Some(true));
    assert_eq!(ask(&of(&Outbound::default()), "bob").await, None);
}
