//! What one user, and one session, may do in a time.

use std::time::Duration;

use chasqui_domain::Action;
use chasqui_gateway::{Options, Rates};
use chasqui_wire::{Code, frames::ServerFrame};
use serde_json::json;

use crate::{
    bench::{Bench, options, token},
    client::{Client, live, try_connect},
};

/// Far more than any limit here.
const MANY: u64 = 10_000;

fn slow() -> Options {
    let rates = Rates {
        frames_per_second: 0,
        sends_per_second: 1,
        requests_per_second: 1,
        chats_opened_per_hour: 3,
        logins_per_second: 0,
    };
    Options { rates, sessions_per_user_max: 2, ..options() }
}

/// Sends with one id a message until one fails; gives that id and its failure.
async fn until_failed(client: &mut Client, to: impl Fn(u64) -> String) -> (u64, Code, u32) {
    for id in 1..MANY {
        client.say(json!({"type": "send", "id": id.to_string(), "to": to(id), "text": "hi"})).await;
        // The answer to this comes behind a failure.
        client.say(json!({"type": "receipts", "chats": []})).await;
        match client.next().await {
            ServerFrame::Receipts(_) => {}
            ServerFrame::Failed(failed) => {
                assert!(failed.retry && failed.cursor.is_none() && failed.id.unwrap().0 == id, "{failed:?}");
                assert!(matches!(client.next().await, ServerFrame::Receipts(_)));
                return (id, failed.code, failed.retry_in_ms.unwrap());
            }
            other => panic!("neither an answer nor a failure but {other:?}"),
        }
    }
    panic!("nothing failed");
}

#[tokio::test]
async fn who_sends_too_fast_is_told_when_to_try_again_and_nothing_is_appended() {
    let mut bench = Bench::with(slow()).await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut laptop = live(&bench, "alice", "laptop").await;
    let (id, code, retry_in_ms) = until_failed(&mut phone, |_| "bob".to_owned()).await;
    assert!((code, id > 10, (1..=1_001).contains(&retry_in_ms)) == (Code::RateLimited, true, true), "{id} {code:?}");
    // The count is the user's and not the session's; another user has their own.
    let (on_laptop, code, _) = until_failed(&mut laptop, |_| "bob".to_owned()).await;
    assert!(on_laptop < 10 && code == Code::RateLimited, "{on_laptop}");
    let mut bobs = live(&bench, "bob", "phone").await;
    bobs.say(json!({"type": "send", "id": "1", "to": "alice", "text": "hi"})).await;
    for _ in 0..(id - 1) + (on_laptop - 1) {
        assert_eq!(bench.command().await.0.sender.as_str(), "alice");
    }
    assert_eq!(bench.command().await.0.sender.as_str(), "bob");
}

#[tokio::test]
async fn who_sends_on_whatever_is_refused_loses_the_session() {
    let bench = Bench::with(slow()).await;
    let mut phone = live(&bench, "alice", "phone").await;
    let (first, ..) = until_failed(&mut phone, |_| "bob".to_owned()).await;
    for id in first + 1..first + 1_024 {
        phone.say(json!({"type": "send", "id": id.to_string(), "to": "bob", "text": "hi"})).await;
        let ServerFrame::Failed(failed) = phone.next().await else { panic!("{id} was taken") };
        assert_eq!((failed.id.unwrap().0, failed.code), (id, Code::RateLimited));
    }
    // One that is waited for already may come again.
    phone.say(json!({"type": "send", "id": (first + 1).to_string(), "to": "bob", "text": "hi"})).await;
    assert!(matches!(phone.next().await, ServerFrame::Failed(_)));
    phone.say(json!({"type": "send", "id": "9999", "to": "bob", "text": "hi"})).await;
    assert_eq!(phone.end().await, ("too_many_frames".to_owned(), 4007));
}

#[tokio::test]
async fn who_opens_too_many_chats_may_still_write_in_those_that_are() {
    let mut options = slow();
    options.rates.sends_per_second = 0;
    let mut bench = Bench::with(options).await;
    let mut phone = live(&bench, "alice", "phone").await;
    let (id, code, retry_in_ms) = until_failed(&mut phone, |id| format!("user-{id}")).await;
    assert_eq!((id, code), (4, Code::TooManyChats));
    assert!(retry_in_ms > 1_000, "{retry_in_ms}");
    for id in 5..15 {
        phone.say(json!({"type": "send", "id": id.to_string(), "to": "user-1", "text": "hi"})).await;
    }
    for _ in 0..3 + 10 {
        assert!(matches!(bench.command().await.0.action, Action::Send(_)));
    }
    // Bob may open chats of his own.
    let mut bobs = live(&bench, "bob", "phone").await;
    bobs.say(json!({"type": "send", "id": "1", "to": "user-4", "text": "hi"})).await;
    assert_eq!(bench.command().await.0.sender.as_str(), "bob");
}

#[tokio::test]
async fn a_session_that_floods_ends_and_others_of_the_user_do_not() {
    let mut options = slow();
    options.rates.frames_per_second = 1;
    let bench = Bench::with(options).await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut laptop = live(&bench, "alice", "laptop").await;
    for _ in 0..100 {
        phone.raw("{}".to_owned()).await;
    }
    assert_eq!(phone.end_behind_errors().await, ("too_many_frames".to_owned(), 4007));
    laptop.say(json!({"type": "receipts", "chats": []})).await;
    assert!(matches!(laptop.next().await, ServerFrame::Receipts(_)));
}

#[tokio::test]
async fn a_user_has_no_more_sessions_than_allowed_and_does_not_begin_them_without_end() {
    let bench = Bench::with(Options { reconnect_ms: 0, ..slow() }).await;
    let mut sessions = vec![live(&bench, "alice", "phone").await, live(&bench, "alice", "laptop").await];
    let mut third = try_connect(&bench).await.unwrap();
    third.hello(&token("alice", Duration::from_secs(60)), "tablet", None).await;
    assert_eq!(third.end().await, ("too_many_sessions".to_owned(), 4008));
    // The same device may connect again, but not for ever.
    let refused = loop {
        let mut again = try_connect(&bench).await.unwrap();
        again.hello(&token("alice", Duration::from_secs(60)), "phone", None).await;
        match again.next().await {
            ServerFrame::Welcome(_) => sessions.push(again),
            ServerFrame::Error(failure) => break failure,
            other => panic!("neither a welcome nor an error but {other:?}"),
        }
        assert!(sessions.len() < 100, "there is no end");
    };
    assert!(sessions.len() >= 9, "{}", sessions.len());
    let retry_in_ms = refused.retry_in_ms.unwrap();
    assert!(refused.code == Code::TooManySessions && (1..=1_001).contains(&retry_in_ms), "{refused:?}");
    live(&bench, "bob", "phone").await;
}

#[tokio::test]
async fn who_asks_too_fast_is_told_so() {
    let bench = Bench::with(slow()).await;
    let mut served = 0;
    let (status, problem) = loop {
        let (status, body) = crate::rest::get(&bench, Some("alice"), "/v1/chats").await;
        if status != 200 {
            break (status, String::from_utf8(body).unwrap());
        }
        served += 1;
        assert!(served < 100, "nobody is told");
    };
    assert!(status == 429 && problem.contains(r#""code":"rate_limited""#), "{status} {problem}");
    assert!(problem.contains(r#""retry_in_ms":"#), "{problem}");
    assert!(served >= 10, "{served}");
    assert_eq!(crate::rest::get(&bench, Some("bob"), "/v1/chats").await.0, 200);
}
