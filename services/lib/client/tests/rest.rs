//! The REST half against a server that gives prepared answers.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use chasqui_client::{Rest, Token, rest::Error};
use chasqui_domain::{ChatId, Seq, UserId};
use chasqui_wire::{
    Code,
    frames::{ChatsQuery, MessagesQuery, Problem},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

const PATIENCE: Duration = Duration::from_secs(10);

fn chat() -> ChatId {
    ChatId::direct(&UserId::new("alice").unwrap(), &UserId::new("bob").unwrap())
}

/// Answers one question; gives the client, and the question as it came.
async fn answering(answer: impl Into<Vec<u8>>) -> (Rest, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rest = Rest::new(&format!("http://{}", listener.local_addr().unwrap()), Token("t".to_owned())).unwrap();
    let answer = answer.into();
    let served = tokio::spawn(async move {
        let (mut stream, _) = tokio::time::timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        let mut question = Vec::new();
        while !question.ends_with(b"\r\n\r\n") {
            let mut bytes = [0; 1024];
            let read = stream.read(&mut bytes).await.unwrap();
            assert!(read > 0, "a whole question");
            question.extend_from_slice(&bytes[..read]);
        }
        // A client that has read enough hangs up.
        let _ = stream.write_all(&answer).await;
        let _ = stream.shutdown().await;
        String::from_utf8(question).unwrap()
    });
    (rest, served)
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_page_of_messages_is_asked_for_and_read() {
    let message = json!({
        "chat": chat().to_string(), "seq": 6, "time": 1, "from": "bob", "device": "d", "id": "1",
        "content_type": "text/plain", "text": "hi", "mentions": [],
    });
    let (rest, served) = answering(http("200 OK", &json!({"messages": [message], "next": 6}).to_string())).await;
    let query = MessagesQuery { before: Some(Seq(7)), after: None, limit: Some(1), ..MessagesQuery::default() };
    let page = rest.messages(chat(), &query).await.unwrap();
    assert_eq!((page.messages[0].seq, page.next), (Seq(6), Some(Seq(6))));
    let question = served.await.unwrap();
    assert!(question.starts_with(&format!("GET /v1/chats/{}/messages?before=7&limit=1 HTTP/1.1", chat())));
    assert!(question.contains("authorization: Bearer t\r\n"), "{question}");
}

#[tokio::test]
async fn the_chats_are_asked_for_from_behind_one() {
    let (rest, served) = answering(http("200 OK", r#"{"chats":[]}"#)).await;
    let page = rest.chats(&ChatsQuery { limit: None, after: Some(chat()) }).await.unwrap();
    assert_eq!((page.chats.len(), page.next), (0, None));
    assert!(served.await.unwrap().starts_with(&format!("GET /v1/chats?after={} ", chat())));
}

async fn error_of(answer: impl Into<Vec<u8>>) -> Error {
    let (rest, served) = answering(answer).await;
    let error = rest.chats(&ChatsQuery::default()).await.unwrap_err();
    served.await.unwrap();
    error
}

#[tokio::test]
async fn a_refusal_says_why_and_whether_to_ask_again() {
    let failure = |code: Code| serde_json::to_string(&Problem::from(code).with_detail("why")).unwrap();
    let unavailable = error_of(http("503 Service Unavailable", &failure(Code::Unavailable))).await;
    assert!(unavailable.is_retryable());
    assert_eq!(unavailable.to_string(), "the server answers: why");
    let unauthorized = error_of(http("401 Unauthorized", &failure(Code::Unauthorized))).await;
    assert!(!unauthorized.is_retryable());
    assert!(matches!(unauthorized, Error::Refused { problem } if problem.code == Code::Unauthorized));
}

#[tokio::test]
async fn what_is_no_answer_of_ours_is_told_apart() {
    let proxy = error_of(http("502 Bad Gateway", "<html>")).await;
    assert!(matches!(proxy, Error::Status { status: 502 }) && proxy.is_retryable(), "{proxy}");
    let moved = error_of("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await;
    assert!(matches!(moved, Error::Status { status: 302 }) && !moved.is_retryable(), "{moved}");
    let other = error_of(http("200 OK", "<html>")).await;
    assert!(matches!(other, Error::Answer(_)) && !other.is_retryable(), "{other}");
    let cut = error_of("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{").await;
    assert!(matches!(cut, Error::Unreachable(_)) && cut.is_retryable(), "{cut}");
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_kept() {
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n".to_vec();
    answer.resize(33 * 1024 * 1024, b' ');
    let long = error_of(answer).await;
    assert!(matches!(long, Error::TooLarge { .. }) && !long.is_retryable(), "{long}");
}

#[tokio::test]
async fn a_server_that_is_away_may_come_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Rest::new(&url, Token("t".to_owned())).unwrap().chats(&ChatsQuery::default()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)) && error.is_retryable(), "{error}");
}
