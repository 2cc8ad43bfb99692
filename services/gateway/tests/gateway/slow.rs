//! Clients that draw out what they do, on connections that are not sessions yet.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{interval, timeout},
};

use crate::{
    bench::{Bench, options},
    client::{live, try_connect},
};

const PATIENCE: Duration = Duration::from_secs(10);
const HEAD: &[u8] = b"GET /v1/chats HTTP/1.1\r\nhost: x\r\n";

async fn hasty() -> Bench {
    let mut options = options();
    options.hello_ms = 50;
    Bench::with(options).await
}

/// What comes until the connection is closed.
async fn rest_of(socket: &mut TcpStream) -> String {
    let mut read = Vec::new();
    // A reset is an end, too.
    let _ = timeout(PATIENCE, socket.read_to_end(&mut read)).await.expect("an end in time");
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn a_head_that_does_not_come_or_does_not_end_is_not_waited_for() {
    let bench = hasty().await;
    for begun in [&b""[..], &HEAD[..5], HEAD] {
        let mut socket = TcpStream::connect(bench.address).await.unwrap();
        socket.write_all(begun).await.unwrap();
        assert_eq!(rest_of(&mut socket).await, "");
    }
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_not_waited_for() {
    let bench = hasty().await;
    let (mut read, mut write) = TcpStream::connect(bench.address).await.unwrap().into_split();
    let trickle = async {
        write.write_all(HEAD).await.unwrap();
        let mut pace = interval(Duration::from_millis(5));
        while write.write_all(b"x").await.is_ok() {
            pace.tick().await;
        }
    };
    let end = timeout(PATIENCE, read.read_u8());
    let (_, end) = tokio::join!(trickle, end);
    assert!(end.expect("an end in time").is_err(), "an answer to half a question");
}

#[tokio::test]
async fn a_kept_connection_without_questions_is_closed() {
    let bench = hasty().await;
    let mut socket = TcpStream::connect(bench.address).await.unwrap();
    socket.write_all(&[HEAD, b"\r\n"].concat()).await.unwrap();
    let answer = rest_of(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("unauthorized"), "{answer}");
}

#[tokio::test]
async fn what_is_no_question_or_too_long_is_refused() {
    let bench = Bench::new().await;
    let long = format!("x: {}\r\n\r\n", "x".repeat(20_000));
    let many = "x: y\r\n".repeat(200) + "\r\n";
    for (bytes, status) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), 400),
        ([HEAD, long.as_bytes()].concat(), 431),
        ([HEAD, many.as_bytes()].concat(), 431),
    ] {
        let mut socket = TcpStream::connect(bench.address).await.unwrap();
        socket.write_all(&bytes).await.unwrap();
        let answer = rest_of(&mut socket).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status} is not {answer}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_end_holds_nobody_up() {
    let bench = Bench::new().await;
    let mut socket = TcpStream::connect(bench.address).await.unwrap();
    socket.write_all(&[HEAD, b"content-length: 1000\r\n\r\nx"].concat()).await.unwrap();
    let answer = rest_of(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test]
async fn who_proves_nothing_gives_way_to_whoever_comes_and_takes_no_place_of_a_session() {
    let mut options = options();
    options.sessions_max = 2;
    let bench = Bench::with(options).await;
    // Half of them are sockets, half have asked nothing.
    let (mut sockets, mut silent) = (Vec::new(), Vec::new());
    for _ in 0..crate::bench::UNAUTHENTICATED_MAX {
        sockets.push(try_connect(&bench).await.unwrap());
        silent.push(TcpStream::connect(bench.address).await.unwrap());
    }
    let first = live(&bench, "alice", "phone").await;
    let second = live(&bench, "bob", "phone").await;
    assert_eq!(rest_of(&mut silent[0]).await, "");
    assert!(sockets[0].is_cut().await);
    drop((first, second));
}
