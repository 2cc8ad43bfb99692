//! Who may write to whom: the verdict goes into the command, and without one there is none.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use chasqui_auth::{Address, Hook, HookOptions, Outbound, Policy};
use chasqui_domain::{Action, Counter};
use chasqui_runtime::Runtime;
use chasqui_wire::{Code, frames::ServerFrame};
use serde_json::{Value, json};

use crate::{
    bench::{Bench, Judges, options, signed},
    client::{Client, live, try_connect},
};

async fn send(client: &mut Client, id: u64, to: &str) {
    client.say(json!({"type": "send", "id": id.to_string(), "to": to, "text": "hi"})).await;
}

/// The next command of the log: the message's id and whether it is allowed.
async fn verdict(bench: &mut Bench) -> (u64, bool) {
    let Action::Send(send) = bench.command().await.0.action else { panic!("no send") };
    (send.counter.0, send.allowed)
}

fn with_claim(write_to: &Value) -> String {
    signed(&json!({"sub": "alice", "exp": u32::MAX, "friends": write_to}))
}

#[tokio::test]
async fn the_token_says_to_whom_and_the_newest_counts() {
    let mut judges = Judges { policy: Policy::Token, ..Judges::default() };
    judges.tokens.claim = Some("friends".to_owned());
    let mut bench = Bench::judged(options(), judges).await;
    let mut phone = try_connect(&bench).await.unwrap();
    phone.hello(&with_claim(&json!(["bob"])), "phone", None).await;
    assert!(matches!(phone.next().await, ServerFrame::Welcome(_)));
    phone.caught_up().await;
    send(&mut phone, 1, "bob").await;
    assert_eq!(verdict(&mut bench).await, (1, true));
    send(&mut phone, 2, "carol").await;
    assert_eq!(verdict(&mut bench).await, (2, false));

    phone.say(json!({"type": "renew", "token": with_claim(&json!(["carol"]))})).await;
    assert!(matches!(phone.next().await, ServerFrame::Renewed(_)));
    send(&mut phone, 3, "bob").await;
    assert_eq!(verdict(&mut bench).await, (3, false));
    send(&mut phone, 4, "carol").await;
    assert_eq!(verdict(&mut bench).await, (4, true));

    // A token that names nobody lets nobody be written to.
    let mut other = live(&bench, "dave", "phone").await;
    send(&mut other, 1, "bob").await;
    assert_eq!(verdict(&mut bench).await, (1, false));
}

/// Lets everybody write to bob and nobody to anybody else, while it is there.
async fn hook(is_there: Arc<AtomicBool>) -> Policy {
    async fn answer(State(is_there): State<Arc<AtomicBool>>, Json(question): Json<Value>) -> Response {
        if !is_there.load(Ordering::SeqCst) {
            return StatusCode::BAD_GATEWAY.into_response();
        }
        assert_eq!(question["from"], "alice");
        Json(json!({"allowed": question["to"] == "bob"})).into_response()
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/may_write", listener.local_addr().unwrap());
    let router = Router::new().route("/may_write", post(answer)).with_state(is_there);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let options = HookOptions {
        address: Address::parse(&address).unwrap(),
        token: None,
        timeout: Duration::from_secs(60),
        answers_count: Duration::from_secs(600),
    };
    Policy::Hook(Box::new(Hook::new(&Outbound::default(), options, Runtime::real()).unwrap()))
}

#[tokio::test]
async fn what_is_refused_for_a_while_is_not_overtaken() {
    let is_there = Arc::new(AtomicBool::new(false));
    let judges = Judges { policy: hook(is_there.clone()).await, ..Judges::default() };
    let mut bench = Bench::judged(options(), judges).await;
    let mut phone = live(&bench, "alice", "phone").await;
    // The second was on its way already, and comes when it could be judged.
    for (id, comes_back) in [(1, false), (2, true)] {
        is_there.store(comes_back, Ordering::SeqCst);
        send(&mut phone, id, "bob").await;
        let ServerFrame::Failed(failed) = phone.next().await else { panic!("{id} was taken") };
        assert_eq!((failed.id, failed.code, failed.retry), (Some(Counter(id)), Code::Unavailable, true));
    }
    // Another chat has an order of its own.
    for (id, to) in [(7, "carol"), (1, "bob"), (2, "bob"), (3, "bob")] {
        send(&mut phone, id, to).await;
        assert_eq!(verdict(&mut bench).await.0, id);
    }
    phone.nothing_waits().await;
}

#[tokio::test]
async fn without_an_answer_of_the_hook_nothing_is_appended() {
    let is_there = Arc::new(AtomicBool::new(false));
    let judges = Judges { policy: hook(is_there.clone()).await, ..Judges::default() };
    let mut bench = Bench::judged(options(), judges).await;
    let mut phone = live(&bench, "alice", "phone").await;
    for id in [1, 2] {
        send(&mut phone, id, "bob").await;
        let ServerFrame::Failed(failed) = phone.next().await else { panic!("not failed") };
        assert_eq!((failed.id, failed.code, failed.retry), (Some(Counter(id)), Code::Unavailable, true));
        assert!(failed.cursor.is_none());
    }
    is_there.store(true, Ordering::SeqCst);
    for id in [1, 2] {
        send(&mut phone, id, "bob").await;
        // The first in the log: nothing of what failed is there.
        assert_eq!(verdict(&mut bench).await, (id, true));
    }
    send(&mut phone, 3, "carol").await;
    assert_eq!(verdict(&mut bench).await, (3, false));
    // Answers that are known need no hook.
    is_there.store(false, Ordering::SeqCst);
    send(&mut phone, 4, "bob").await;
    assert_eq!(verdict(&mut bench).await, (4, true));
}
