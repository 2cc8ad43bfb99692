//! Too much of everything.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, ensure};
use futures::{SinkExt, StreamExt, future};
use serde_json::json;
use tokio::{io::AsyncWriteExt, time::sleep};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    answers::answers_to,
    siege::{Siege, rest_of},
    socket::{Socket, understood},
    tokens,
};

/// As the server was told.
const SESSIONS_PER_USER_MAX: usize = 5;

/// So many refused messages does a session wait for, of which the last 64 may be left unsaid at its end.
const REFUSED_LEAST: usize = 1_024 - 64;

/// So many messages may wait for their outcome.
const IN_STEP: u64 = 64;

const MILLION: usize = 1_000_000;

pub(crate) async fn tiny_frames(siege: &Siege) -> anyhow::Result<()> {
    for message in [Message::text("{}"), Message::text(""), Message::Ping("x".into()), Message::Pong("x".into())] {
        let socket = siege.session("mallory", "phone").await?;
        let (last, number) = socket.floods(message.clone()).await?;
        ensure!(last["code"] == "too_many_frames" && number == Some(4007), "{message:?}: {last} {number:?}");
    }
    // All at once, and nobody reads what the server has to say.
    let mut socket = siege.session("mallory", "phone").await?;
    let frame = b"\x81\x80mask";
    let all: Vec<u8> = frame.iter().copied().cycle().take(frame.len() * MILLION).collect();
    // It may close before it has taken all.
    let _ = socket.0.get_mut().write_all(&all).await;
    socket.ends("too_many_frames", 4007).await
}

/// Far more messages than a user may send, whatever comes of them: what is too much fails, all behind it too, and then
/// the session ends.
pub(crate) async fn messages(siege: &Siege) -> anyhow::Result<()> {
    let (mut write, mut read) = siege.session("mallory", "phone").await?.0.split();
    let flood = async {
        for id in 1..=3_000 {
            let frame = json!({"type": "send", "id": id.to_string(), "to": "trent", "text": "x"});
            // It may close before it has taken all.
            if write.send(Message::text(frame.to_string())).await.is_err() {
                break;
            }
        }
    };
    let outcomes = async {
        let (mut failed, mut first) = (0, None);
        loop {
            let Message::Text(text) = read.next().await.context("no word of the end")?? else { continue };
            let frame = understood(&text)?;
            match frame["type"].as_str() {
                Some("failed") => {
                    ensure!(frame["code"] == *first.get_or_insert_with(|| frame["code"].clone()), "{frame}");
                    ensure!(frame["retry"] == true, "{frame}");
                    failed += 1;
                }
                Some("error") => {
                    ensure!(frame["code"] == "too_many_frames", "{frame}");
                    return anyhow::Ok(failed);
                }
                Some(kind) => ensure!(kind == "delayed" || kind == "sent", "{frame}"),
                None => anyhow::bail!("{frame}"),
            }
        }
    };
    let ((), failed) = tokio::join!(flood, outcomes);
    ensure!(failed? >= REFUSED_LEAST, "fewer were refused than the end is for");
    Ok(())
}

/// As many messages at a time as may wait, as fast as they are taken: at some time it is too fast, and not for ever.
pub(crate) async fn messages_in_step(siege: &Siege) -> anyhow::Result<()> {
    let mut socket = siege.session("mallory", "phone").await?;
    let (mut next, mut refusals) = (1_u64, 0);
    while refusals < 3 {
        let ids = next..next + IN_STEP;
        for id in ids.clone() {
            socket.say(json!({"type": "send", "id": id.to_string(), "to": "victor", "text": "x"})).await?;
        }
        let (mut cursor, mut wait) = (json!(null), None);
        for _ in ids {
            let outcome = socket.outcome().await?;
            if outcome["type"] == "sent" {
                ensure!(outcome["id"].as_str() == Some(&next.to_string()), "not {next} but {outcome}");
                cursor = outcome["cursor"].clone();
                next += 1;
                continue;
            }
            ensure!(outcome["code"] == "rate_limited" && outcome["retry"] == true, "{outcome}");
            wait = outcome["retry_in_ms"].as_u64();
            ensure!(wait.is_some(), "no time to come back at: {outcome}");
        }
        if cursor.is_string() {
            socket.say(json!({"type": "ack", "cursor": cursor})).await?;
        }
        if let Some(wait) = wait {
            sleep(Duration::from_millis(wait)).await;
            refusals += 1;
        }
    }
    ensure!(next > 1_000, "only {next} were taken");
    Ok(())
}

pub(crate) async fn questions(siege: &Siege) -> anyhow::Result<()> {
    let token = tokens::good("mallory")?;
    let mut socket = siege.tcp().await?;
    let question = format!("GET /v1/chats HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    let all = question.repeat(2_000) + &question.replace("host: x", "host: x\r\nconnection: close");
    let (mut read, mut write) = socket.split();
    let mut answers = Vec::new();
    let (_, written) =
        tokio::join!(tokio::io::AsyncReadExt::read_to_end(&mut read, &mut answers), write.write_all(all.as_bytes()));
    written?;
    let mut counts = BTreeMap::new();
    for answer in answers_to("GET", "/v1/chats", &String::from_utf8(answers)?)? {
        *counts.entry(answer.status).or_insert(0) += 1;
        let is_limited = answer.json()["code"] == "rate_limited";
        ensure!(is_limited == (answer.status == 429), "{answer:?}");
    }
    ensure!(counts.keys().eq(&[200, 429]) && counts.values().sum::<usize>() == 2_001, "{counts:?}");
    Ok(())
}

/// One device that connects all the time, and one user with ever more devices.
pub(crate) async fn connects_again_and_again(siege: &Siege) -> anyhow::Result<()> {
    let token = tokens::good("mallory")?;
    let mut ends = BTreeMap::new();
    for number in 0..1_000 {
        let mut socket = siege.open().await?;
        let device = if number % 2 == 0 { "phone".to_owned() } else { format!("device-{number}") };
        socket.hello(&token, &device, None).await?;
        let first = socket.next().await?;
        let end = if first["type"] == "welcome" { "welcome".to_owned() } else { first["code"].to_string() };
        *ends.entry(end).or_insert(0) += 1;
    }
    ensure!(ends.keys().map(String::as_str).eq(["\"too_many_sessions\"", "welcome"]), "{ends:?}");
    Ok(())
}

/// Far more connections than may have no session. Each gives way to those behind it; who is honest gets in.
pub(crate) async fn never_says_who(siege: &Siege) -> anyhow::Result<()> {
    let mut silent = Vec::new();
    for number in 0..3_000 {
        let mut socket = siege.tcp().await?;
        if number % 2 == 0 {
            // It may have given way already.
            let _ = socket.write_all(UPGRADE).await;
        }
        silent.push(socket);
        if number % 100 == 0 {
            let user = format!("honest-{number}");
            let mut honest = Socket::session(&siege.server, &user, "phone").await.with_context(|| user.clone())?;
            honest.goes_on().await?;
            let (status, _) = siege.ask_as(&user, "/v1/chats").await?;
            ensure!(status == 200, "{status}");
        }
    }
    future::join_all(silent.iter_mut().map(rest_of)).await;
    Ok(())
}

const UPGRADE: &[u8] = b"GET /v1/socket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Some that never read while much is sent to them: they are ended as `slow`, which they don't read either.
pub(crate) async fn never_reads(siege: &Siege) -> anyhow::Result<()> {
    let mut deaf = Vec::new();
    for number in 0..SESSIONS_PER_USER_MAX {
        deaf.push(siege.session("mallory", &format!("deaf-{number}")).await?);
    }
    let mut writer = siege.session("peggy", "phone").await?;
    let text = "x".repeat(60_000);
    for id in 1..=300_u64 {
        writer.say(json!({"type": "send", "id": id.to_string(), "to": "mallory", "text": text})).await?;
        let sent = writer.until("sent").await?;
        writer.say(json!({"type": "ack", "cursor": sent["cursor"]})).await?;
    }
    // Their places are free again when they are gone.
    let token = tokens::good("mallory")?;
    loop {
        let mut socket = siege.open().await?;
        socket.hello(&token, "ears", None).await?;
        let first = socket.next().await?;
        if first["type"] == "welcome" {
            break;
        }
        ensure!(first["code"] == "too_many_sessions", "{first}");
    }
    for socket in &mut deaf {
        socket.is_cut().await?;
    }
    Ok(())
}

/// Asks for much over HTTP and reads none of it.
pub(crate) async fn asks_without_reading(siege: &Siege) -> anyhow::Result<()> {
    let (_, chats) = siege.ask_as("peggy", "/v1/chats").await?;
    let chat = chats["chats"][0]["chat"].as_str().context("no chat")?;
    let token = tokens::good("peggy")?;
    let question =
        format!("GET /v1/chats/{chat}/messages?limit=200 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    let mut sockets = Vec::new();
    for _ in 0..50 {
        let mut socket = siege.tcp().await?;
        socket.write_all(question.repeat(5).as_bytes()).await?;
        sockets.push(socket);
    }
    siege.pair.until_exchanged(siege.pair.exchanged() + 5).await
}
