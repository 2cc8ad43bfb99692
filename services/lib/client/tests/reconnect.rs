//! The client against a server that plays its part frame by frame.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "these are tests")]

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chasqui_client::{Asked, Client, Direction, Draft, End, Observer, Options, Token, Update, Updates};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use support::{chat, message, user};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

/// Nothing takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(10);

async fn until(updates: &mut Updates, is_wanted: impl Fn(&Update) -> bool) -> Update {
    tokio::time::timeout(PATIENCE, support::until(updates, is_wanted)).await.expect("an update in time")
}

struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    /// Takes the next connection; gives its hello, too.
    async fn accept(listener: &TcpListener, resumed: bool) -> (Self, Value) {
        let (stream, _) = tokio::time::timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        let mut peer = Self(accept_async(stream).await.unwrap());
        let hello = peer.next("hello").await;
        let device = hello["device"].clone();
        peer.say(json!({
            "type": "welcome", "user": "alice", "device": device, "session": "1", "resumed": resumed,
            "time": 1, "expires": 600_001,
            "unacked_max": 4, "outstanding_max": 4, "body_bytes_max": 1000, "idle_ms": 60_000,
        }))
        .await;
        (peer, hello)
    }

    async fn say(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next frame of this type; others are passed over.
    async fn next(&mut self, wanted: &str) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("a frame in time");
            let Message::Text(text) = message.expect("a frame").unwrap() else { continue };
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame["type"] == wanted {
                return frame;
            }
        }
    }
}

fn options(listener: &TcpListener) -> Options {
    Options::new(format!("ws://{}/v1/socket", listener.local_addr().unwrap()), Token("t".to_owned()))
}

#[tokio::test]
async fn a_message_and_the_place_in_the_inbox_outlive_connections_and_processes() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let state = Some(folder.path().join("state"));
    let options = Options { state, ..options(&listener) };

    let (client, mut updates) = Client::connect(options.clone()).await.unwrap();
    let id = client.send(Draft::text(user("bob"), "first")).await.unwrap();
    let (mut peer, hello) = Peer::accept(&listener, false).await;
    assert_eq!((&hello["device"], &hello["cursor"]), (&json!(client.device().as_str()), &Value::Null));
    let first = peer.next("send").await;
    assert_eq!((&first["id"], &first["text"]), (&json!(id.to_string()), &json!("first")));
    peer.say(message(1)).await;
    until(&mut updates, |update| matches!(update, Update::Message(_))).await;
    updates.done();
    let ack = peer.next("ack").await;
    assert_eq!((&ack["cursor"], &ack["delivered"]), (&json!("c1"), &json!({chat().to_string(): 1})));
    assert_eq!(client.again_in(), None);
    drop(peer);

    until(&mut updates, |update| matches!(update, Update::Disconnected { .. })).await;
    while client.again_in().is_none() {
        tokio::task::yield_now().await;
    }
    let (mut peer, hello) = Peer::accept(&listener, true).await;
    assert_eq!((&hello["cursor"], client.again_in()), (&json!("c1"), None));
    assert_eq!(peer.next("send").await, first);
    let closing = tokio::spawn(client.close());
    while let Some(Ok(_)) = peer.0.next().await {}
    closing.await.unwrap();
    while updates.next().await.is_some() {}

    let (client, mut updates) = Client::connect(options).await.unwrap();
    let unsent: Vec<_> = client.unsent().iter().filter_map(Asked::message).collect();
    let unsent: Vec<_> = unsent.iter().map(|frame| (frame.id, frame.text.as_deref())).collect();
    assert_eq!(unsent, [(id, Some("first"))]);
    let (mut peer, again) = Peer::accept(&listener, true).await;
    assert_eq!((&again["cursor"], &again["device"]), (&json!("c1"), &hello["device"]));
    assert_eq!(peer.next("send").await, first);
    let chat = chat().to_string();
    peer.say(json!({"type": "sent", "cursor": "c2", "chat": chat, "id": "1", "seq": 2, "time": 1, "repeated": true}))
        .await;
    until(&mut updates, |update| matches!(update, Update::Sent { to: Some(_), .. })).await;
    assert_eq!(client.send(Draft::text(user("bob"), "second")).await.unwrap(), id.next());
}

#[tokio::test]
async fn what_was_handled_before_closing_does_not_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let state = Some(folder.path().join("state"));
    let options = Options { state, ..options(&listener) };
    // In the first life the user is new; in the later ones there is nothing to save but the place.
    for life in 1..=16 {
        let (client, mut updates) = Client::connect(options.clone()).await.unwrap();
        let (mut peer, hello) = Peer::accept(&listener, true).await;
        let kept = if life == 1 { Value::Null } else { json!(format!("c{}", life - 1)) };
        assert_eq!(hello["cursor"], kept, "life {life}");
        peer.say(message(life)).await;
        until(&mut updates, |update| matches!(update, Update::Message(_))).await;
        updates.done();
        let hear = async move { peer.next("ack").await["cursor"].clone() };
        let ((), acked) = tokio::join!(client.close(), hear);
        assert_eq!(acked, json!(format!("c{life}")));
    }
}

#[tokio::test]
async fn a_refused_client_ends_and_says_why() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, mut updates) = Client::connect(options(&listener)).await.unwrap();
    let (mut peer, _) = Peer::accept(&listener, false).await;
    peer.say(json!({"type": "error", "code": "replaced", "retry": false, "message": "."})).await;
    let closed = tokio::spawn(async move { while let Some(Ok(_)) = peer.0.next().await {} });
    let end = until(&mut updates, |update| matches!(update, Update::Ended(_))).await;
    assert!(matches!(end, Update::Ended(End::Refused(code)) if code.as_str() == "replaced"));
    assert!(updates.next().await.is_none());
    assert!(client.send(Draft::text(user("bob"), "late")).await.is_err());
    closed.await.unwrap();
}

#[tokio::test]
async fn a_client_whose_token_has_ended_waits_for_another_and_comes_back_with_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, mut updates) = Client::connect(options(&listener)).await.unwrap();
    let (mut peer, hello) = Peer::accept(&listener, false).await;
    assert_eq!(hello["token"], "t");
    client.renew(Token("u".to_owned()));
    assert_eq!(peer.next("renew").await, json!({"type": "renew", "token": "u"}));
    peer.say(json!({"type": "renewed", "expires": 300_001})).await;
    until(&mut updates, |update| matches!(update, Update::Renewed { .. })).await;
    peer.say(json!({"type": "error", "code": "token_expired", "retry": true, "retry_in_ms": 1, "message": "."})).await;
    drop(peer);
    let left = Duration::ZERO;
    until(&mut updates, |update| *update == Update::TokenExpires { left }).await;
    assert_eq!(client.again_in(), None);
    client.renew(Token("v".to_owned()));
    let (_peer, hello) = Peer::accept(&listener, true).await;
    assert_eq!(hello["token"], "v");
}

#[tokio::test]
async fn an_observer_sees_every_frame_as_it_goes_over_the_wire() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let observer: Observer = Arc::new(move |way, text: &str| log.lock().unwrap().push((way, text.to_owned())));
    let options = Options { observer: Some(observer), ..options(&listener) };
    let (client, mut updates) = Client::connect(options).await.unwrap();
    let (mut peer, hello) = Peer::accept(&listener, false).await;
    // One of a type that is not known, too.
    let of_tomorrow = json!({"type": "typing", "of": "tomorrow"});
    peer.say(of_tomorrow.clone()).await;
    peer.say(message(1)).await;
    until(&mut updates, |update| matches!(update, Update::Message(_))).await;
    let seen: Vec<(Direction, Value)> =
        seen.lock().unwrap().iter().map(|(way, text)| (*way, serde_json::from_str(text).unwrap())).collect();
    assert_eq!(seen[0], (Direction::ToServer, hello));
    assert_eq!(seen[1].1["type"], "welcome");
    assert_eq!(seen[2..], [(Direction::FromServer, of_tomorrow), (Direction::FromServer, message(1))]);
    drop(client);
}
