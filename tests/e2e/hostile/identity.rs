//! Who says to be somebody else, or wants what is somebody else's.

use anyhow::ensure;
use chasqui_config::DEV_AUTH_SECRET;
use serde_json::json;

use crate::{
    siege::{Siege, ensure_problem},
    tokens,
};

pub(crate) async fn bad_tokens(siege: &Siege) -> anyhow::Result<()> {
    let good = tokens::good("alice")?;
    let payload = good.split('.').nth(1).unwrap_or_default();
    let mut tokens = vec![
        (String::new(), "unauthorized", 4501),
        ("nonsense".to_owned(), "unauthorized", 4501),
        ("a.b.c".to_owned(), "unauthorized", 4501),
        ("x".repeat(10_000), "unauthorized", 4501),
        (tokens::foreign("alice")?, "unauthorized", 4501),
        (tokens::ended("alice")?, "token_expired", 4006),
        // {"alg":"none"}
        (format!("eyJhbGciOiJub25lIn0.{payload}."), "unauthorized", 4501),
        (good[..good.len() - 2].to_owned(), "unauthorized", 4501),
    ];
    for claims in [
        json!({"sub": "alice"}),
        json!({"sub": "", "exp": 9_999_999_999_u64}),
        json!({"sub": 1, "exp": 9_999_999_999_u64}),
        json!({"sub": "alice", "exp": "tomorrow"}),
        json!({"sub": "alice", "exp": 9_999_999_999_u64, "nbf": 9_999_999_998_u64}),
    ] {
        tokens.push((tokens::signed(claims, DEV_AUTH_SECRET)?, "unauthorized", 4501));
    }
    for (token, code, number) in &tokens {
        let mut socket = siege.open().await?;
        socket.hello(token, "phone", None).await?;
        socket.ends(code, *number).await?;
        let answer = siege.ask("GET", "/v1/chats", Some(token)).await?;
        ensure_problem(&answer, code, 401)?;
    }
    ensure_problem(&siege.ask("GET", "/v1/chats", None).await?, "unauthorized", 401)
}

/// Mallory wants what Alice and Bob talk about.
pub(crate) async fn chats_of_others(siege: &Siege) -> anyhow::Result<()> {
    let (_, chats) = siege.ask_as("alice", "/v1/chats").await?;
    let chat = chats["chats"][0]["chat"].as_str().unwrap_or_default().to_owned();
    ensure!(!chat.is_empty(), "{chats}");
    // Whether the chat exists is not told.
    for chat in [&chat, "AcKUOzVCIX6aUPCc_gULE5PWTI8AJLGS"] {
        ensure_problem(&siege.ask_as("mallory", &format!("/v1/chats/{chat}/messages")).await?, "not_a_member", 404)?;
    }
    let (status, chats) = siege.ask_as("mallory", "/v1/chats").await?;
    ensure!(status == 200 && chats["chats"] == json!([]), "{chats}");

    let mut socket = siege.session("mallory", "phone").await?;
    socket.say(json!({"type": "receipts", "chats": [chat]})).await?;
    let receipts = socket.until("receipts").await?;
    ensure!(receipts["chats"] == json!([]), "{receipts}");
    socket.say(json!({"type": "read", "chat": chat, "seq": 1})).await?;
    let failed = socket.until("failed").await?;
    ensure!(failed["code"] == "not_a_member" && failed["chat"] == *chat, "{failed}");
    let cursor = failed["cursor"].clone();
    socket.say(json!({"type": "ack", "cursor": cursor, "delivered": {chat.as_str(): 1}})).await?;
    let failed = socket.until("failed").await?;
    ensure!(failed["code"] == "not_a_member", "{failed}");
    socket.goes_on().await
}

/// Watermarks above what there is.
pub(crate) async fn beyond_the_end(siege: &Siege) -> anyhow::Result<()> {
    let mut socket = siege.session("mallory", "phone").await?;
    socket.say(json!({"type": "send", "id": "1", "to": "trent", "text": "x"})).await?;
    let sent = socket.until("sent").await?;
    let (chat, cursor) = (sent["chat"].as_str().unwrap_or_default(), sent["cursor"].clone());
    socket.say(json!({"type": "read", "chat": chat, "seq": 9_007_199_254_740_993_u64})).await?;
    let failed = socket.until("failed").await?;
    ensure!(failed["code"] == "seq_ahead", "{failed}");
    socket.say(json!({"type": "ack", "cursor": cursor, "delivered": {chat: 2}})).await?;
    let failed = socket.until("failed").await?;
    ensure!(failed["code"] == "seq_ahead", "{failed}");
    socket.say(json!({"type": "read", "chat": chat, "seq": u64::MAX})).await?;
    socket.is_told("bad_frame").await?;
    let (_, page) = siege.ask_as("trent", &format!("/v1/chats/{chat}/messages?after=9007199254740993")).await?;
    ensure!(page["messages"] == json!([]), "{page}");
    Ok(())
}

pub(crate) async fn cursors_of_others(siege: &Siege) -> anyhow::Result<()> {
    let mut alices = siege.session("alice", "another").await?;
    alices.say(json!({"type": "send", "id": "1", "to": "trent", "text": "x"})).await?;
    let cursor = alices.until("sent").await?["cursor"].as_str().unwrap_or_default().to_owned();
    let mut socket = siege.open().await?;
    socket.hello(&tokens::good("mallory")?, "phone", Some(&cursor)).await?;
    let welcome = socket.until("welcome").await?;
    ensure!(welcome["resumed"] == false && welcome["not_resumed"] == "other_user", "{welcome}");
    socket.until("caught_up").await?;
    for cursor in [&cursor, "", "nonsense", &"A".repeat(100_000)] {
        socket.say(json!({"type": "ack", "cursor": cursor})).await?;
        socket.is_told("bad_frame").await?;
    }
    Ok(())
}
