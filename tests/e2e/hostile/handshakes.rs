//! What comes before a session: heads, bodies and questions over HTTP.

use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{interval, timeout},
};
use tokio_tungstenite::{connect_async, tungstenite::client::IntoClientRequest};

use crate::{
    answers::{Answer, answers_to},
    siege::{Siege, ensure_problem, rest_of},
};

const HEAD: &str = "GET /v1/chats HTTP/1.1\r\nhost: x\r\n";
const UPGRADE: &str = "GET /v1/socket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Nothing at all, half a head, and a head that comes a byte at a time: closed within `gateway.hello_ms`, without an
/// answer. A body that doesn't come holds nobody up.
pub(crate) async fn drawn_out(siege: &Siege) -> anyhow::Result<()> {
    for begun in ["", "G", HEAD, UPGRADE] {
        let answer = siege.raw(begun.as_bytes()).await?;
        ensure!(answer.is_empty(), "{begun}: {answer}");
    }
    let (mut read, mut write) = siege.tcp().await?.into_split();
    let trickle = async {
        let mut pace = interval(Duration::from_millis(20));
        let head = format!("{UPGRADE}x-slow: ");
        for byte in head.bytes().chain(std::iter::repeat(b'x')) {
            if write.write_all(&[byte]).await.is_err() {
                break;
            }
            pace.tick().await;
        }
    };
    let (end, ()) = tokio::join!(read.read_u8(), trickle);
    ensure!(end.is_err(), "an answer to half a question");
    for body in ["content-length: 10000\r\n\r\nx", "transfer-encoding: chunked\r\n\r\n5\r\nab"] {
        let answers = siege.raw_ask("GET", "/v1/chats", format!("{HEAD}{body}").as_bytes()).await?;
        ensure!(answers.len() == 1 && answers[0].status == 401, "{answers:?}");
    }
    // A socket without a hello.
    siege.open().await?.ends("hello_timeout", 4000).await
}

pub(crate) async fn garbage(siege: &Siege) -> anyhow::Result<()> {
    let long = format!("{HEAD}x-long: {}\r\n\r\n", "x".repeat(100_000));
    let many = format!("{HEAD}{}\r\n", "x: y\r\n".repeat(1_000));
    let tall = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(70_000));
    for (bytes, status) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), "400"),
        (b"hello?\r\n\r\n".to_vec(), "400"),
        (b"GET / HTTP/9.9\r\n\r\n".to_vec(), "400"),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n".to_vec(), "400"),
        (b"GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n".to_vec(), "400"),
        (long.into_bytes(), "431"),
        (many.into_bytes(), "431"),
        (tall.into_bytes(), "431"),
    ] {
        let answer = siege.raw(&bytes).await?;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
        ensure!(answer.split(' ').nth(1) == Some(status), "{shown}: not {status} but {answer:?}");
    }
    let long = siege.raw_ask("GET", "/v1/chats", format!("{HEAD}content-length: 16385\r\n\r\n").as_bytes()).await?;
    ensure!(long.len() == 1 && long[0].status == 413, "{long:?}");
    // HTTP/2 is not spoken.
    let answer = siege.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
    ensure!(!answer.contains(" 200 "), "{answer}");
    // A question behind a question has its answer, and the end of the first is found.
    let two = format!("{HEAD}\r\n{HEAD}connection: close\r\n\r\n");
    let two = siege.raw_ask("GET", "/v1/chats", two.as_bytes()).await?;
    ensure!(two.iter().map(|answer| answer.status).eq([401, 401]), "{two:?}");
    Ok(())
}

pub(crate) async fn wrong_questions(siege: &Siege) -> anyhow::Result<()> {
    for method in ["POST", "PUT", "DELETE", "PATCH", "DANCE"] {
        for path in ["/v1/chats", "/v1/socket"] {
            ensure_problem(&siege.ask(method, path, None).await?, "method_not_allowed", 405)?;
        }
    }
    for path in ["/", "/v1", "/v2/chats", "/v1/chats/", "/../etc/passwd", "/v1/%00", "//v1/chats"] {
        ensure_problem(&siege.ask("GET", path, None).await?, "not_found", 404)?;
    }
    for query in ["limit=x", "limit=-1", "after=%ff", "after=AcKU"] {
        ensure_problem(&siege.ask_as("mallory", &format!("/v1/chats?{query}")).await?, "bad_frame", 400)?;
    }
    for chat in ["x", "%2e%2e", &"A".repeat(5_000)] {
        ensure_problem(&siege.ask_as("mallory", &format!("/v1/chats/{chat}/messages")).await?, "bad_frame", 400)?;
    }
    // No handshake.
    ensure_problem(&siege.ask("GET", "/v1/socket", None).await?, "upgrade_required", 426)?;
    for (from, to, status, header) in [
        ("version: 13", "version: 8", 426, "sec-websocket-version: 13\r\n"),
        ("upgrade: websocket", "upgrade: h2c", 426, "upgrade: websocket\r\n"),
        ("sec-websocket-key", "x-websocket-key", 400, "\r\n"),
    ] {
        let request = format!("{}\r\n", UPGRADE.replace(from, to));
        let answers = siege.raw_ask("GET", "/v1/socket", request.as_bytes()).await?;
        let is_told = |answer: &Answer| answer.status == status && answer.head.contains(header);
        ensure!(answers.len() == 1 && is_told(&answers[0]), "{to}: {answers:?}");
    }
    Ok(())
}

/// The offer is not taken up; a frame with its bit is refused (in `frames::broken_transport`).
pub(crate) async fn compression(siege: &Siege) -> anyhow::Result<()> {
    let mut request = format!("ws://{}/v1/socket", siege.server).into_client_request()?;
    let offer = "permessage-deflate; client_max_window_bits, x-webkit-deflate-frame".parse()?;
    request.headers_mut().insert("sec-websocket-extensions", offer);
    let (_, response) = connect_async(request).await?;
    ensure!(response.headers().get("sec-websocket-extensions").is_none(), "{response:?}");
    // The same bytes as everybody's: nothing else came along.
    let mut socket = siege.tcp().await?;
    socket.write_all(format!("{UPGRADE}\r\n").as_bytes()).await?;
    let answer = timeout(Duration::from_secs(30), rest_of(&mut socket)).await?;
    let (head, _) = answer.split_once("\r\n\r\n").context("no answer")?;
    let answers = answers_to("GET", "/v1/socket", &format!("{head}\r\n\r\n"))?;
    ensure!(answers[0].status == 101, "{answers:?}");
    Ok(())
}
