//! Clients that draw out or overdo what they do, on connections that are no sessions.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use chasqui_gateway::Bounds;
use futures::FutureExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{interval, timeout},
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, client::IntoClientRequest},
};

use crate::{
    bench::{Bench, UNAUTHENTICATED_MAX, bounds, memory_log, options, until},
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
    for _ in 0..UNAUTHENTICATED_MAX {
        sockets.push(try_connect(&bench).await.unwrap());
        silent.push(TcpStream::connect(bench.address).await.unwrap());
    }
    let first = live(&bench, "alice", "phone").await;
    let second = live(&bench, "bob", "phone").await;
    assert_eq!(rest_of(&mut silent[0]).await, "");
    assert!(sockets[0].is_cut().await);
    drop((first, second));
}

#[tokio::test]
async fn who_had_no_time_yet_is_not_cut_and_whoever_comes_waits() {
    let bounds = Bounds { newcomer_time: Duration::from_secs(3_600), ..bounds(&options()) };
    let bench = Bench::bounded(memory_log(), options(), bounds).await;
    let mut silent = Vec::new();
    for _ in 0..UNAUTHENTICATED_MAX {
        silent.push(TcpStream::connect(bench.address).await.unwrap());
    }
    let mut late = TcpStream::connect(bench.address).await.unwrap();
    late.write_all(&[HEAD, b"connection: close\r\n\r\n"].concat()).await.unwrap();
    // Each of them is answered once it asks, and makes room.
    let mut asks = silent.pop().unwrap();
    asks.write_all(&[HEAD, b"connection: close\r\n\r\n"].concat()).await.unwrap();
    assert!(rest_of(&mut asks).await.starts_with("HTTP/1.1 401 "));
    assert!(rest_of(&mut late).await.starts_with("HTTP/1.1 401 "));
    for socket in &mut silent {
        assert!(socket.read_u8().now_or_never().is_none(), "it was cut");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_before_it_is_read() {
    let bench = Bench::new().await;
    let mut socket = TcpStream::connect(bench.address).await.unwrap();
    socket.write_all(&[HEAD, b"content-length: 1025\r\n\r\n"].concat()).await.unwrap();
    let answer = rest_of(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("request_too_large"), "{answer}");
}

#[tokio::test]
async fn an_address_has_no_more_connections_than_allowed() {
    let bounds = Bounds { connections_per_address_max: 2, ..bounds(&options()) };
    let bench = Bench::bounded(memory_log(), options(), bounds).await;
    let alice = live(&bench, "alice", "phone").await;
    let silent = TcpStream::connect(bench.address).await.unwrap();
    let Err(Error::Http(response)) = try_connect(&bench).await else { panic!("a third was let in") };
    assert_eq!(response.status(), 429);
    assert!(String::from_utf8_lossy(response.body().as_deref().unwrap()).contains("too_many_connections"));
    drop((alice, silent));
    until(async || try_connect(&bench).await.is_ok()).await;
}

#[tokio::test]
async fn behind_a_proxy_the_address_is_the_one_that_it_names() {
    let address_header = Some(HeaderName::from_static("x-forwarded-for"));
    let bounds = Bounds { connections_per_address_max: 1, address_header, ..bounds(&options()) };
    let bench = Bench::bounded(memory_log(), options(), bounds).await;
    let connect = async |address: &'static str| {
        let mut request = format!("ws://{}/v1/socket", bench.address).into_client_request().unwrap();
        request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static(address));
        connect_async(request).await
    };
    let one = connect("1.1.1.1").await.unwrap();
    let _other = connect("2.2.2.2").await.unwrap();
    let Err(Error::Http(response)) = connect("9.9.9.9, 1.1.1.1").await else { panic!("a second was let in") };
    assert_eq!(response.status(), 429);
    drop(one);
    until(async || connect("1.1.1.1").await.is_ok()).await;
}
