//! What a server says that it has counted.

use anyhow::{Context, Result, ensure};
use chasqui::server::Server;
use chasqui_client::{Draft, Update};
use chasqui_config::DEV_ADMIN_TOKEN;
use chasqui_domain::{Seq, UserId};
use chasqui_testkit::CrashDisk;
use reqwest::Client;

use crate::bench::{client, get, options, sent_of, serving, text_of, update};

async fn metrics(server: &Server, token: &str) -> Result<(u16, String)> {
    let url = format!("http://{}/metrics", server.address());
    let answer = Client::new().get(url).bearer_auth(token).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

/// What an operator is told.
pub(crate) async fn metrics_of(server: &Server) -> Result<String> {
    Ok(metrics(server, DEV_ADMIN_TOKEN).await?.1)
}

/// What a series stands at.
pub(crate) fn value(text: &str, series: &str) -> Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    Ok(line.with_context(|| format!("{series} is not in\n{text}"))?.parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_chat_the_counters_say_so() -> Result<()> {
    let server = serving(CrashDisk::new().mount(), options()).await?;
    let (alice, mut to_alice) = client(&server, "alice").await?;
    let (bob, mut to_bob) = client(&server, "bob").await?;
    update(&mut to_bob, |update| matches!(update, Update::CaughtUp).then_some(())).await?;
    alice.send(Draft::text(UserId::new("bob")?, "hello")).await?;
    let sent = update(&mut to_alice, sent_of).await?;
    update(&mut to_bob, text_of).await?;
    to_bob.done();
    bob.read(sent.chat, sent.seq).await?;
    update(&mut to_alice, |update| match update {
        Update::Receipt(receipt) if receipt.read > Seq(0) => Some(()),
        _ => None,
    })
    .await?;
    ensure!(get(&server, "alice", "/v1/chats").await?.0 == 200);
    ensure!(get(&server, "alice", &format!("/v1/chats/{}/receipts", sent.chat)).await?.0 == 200);
    ensure!(get(&server, "alice", "/v1/nothing").await?.0 == 404);

    let (status, text) = metrics(&server, DEV_ADMIN_TOKEN).await?;
    ensure!(status == 200, "{text}");
    for (series, expected) in [
        ("chasqui_frames_in_total{type=\"hello\"}", 2.0),
        ("chasqui_frames_in_total{type=\"send\"}", 1.0),
        ("chasqui_frames_in_total{type=\"read\"}", 1.0),
        ("chasqui_frames_out_total{type=\"welcome\"}", 2.0),
        ("chasqui_frames_out_total{type=\"message\"}", 1.0),
        ("chasqui_outcomes_total{code=\"sent\"}", 1.0),
        ("chasqui_sessions", 2.0),
        ("chasqui_append_duration_seconds_count", 1.0),
        ("chasqui_http_requests_total{method=\"GET\",route=\"/v1/chats\",status=\"200\"}", 1.0),
        ("chasqui_http_requests_total{method=\"GET\",route=\"/v1/chats/{chat}/receipts\",status=\"200\"}", 1.0),
        ("chasqui_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"}", 1.0),
        ("chasqui_lives_total", 1.0),
        ("chasqui_ready", 1.0),
    ] {
        ensure!(value(&text, series)? == expected, "{series} is not {expected} in\n{text}");
    }
    ensure!(value(&text, "chasqui_connections")? >= 2.0, "{text}");
    let done: Vec<_> = text.lines().filter(|line| line.starts_with("chasqui_role_done{role=\"sequencer\"")).collect();
    ensure!(done.len() == 1 && done.iter().any(|line| !line.ends_with(" 0")), "{text}");
    ensure!(text.ends_with("# EOF\n"), "{text}");
    for secret in ["alice", "bob", &sent.chat.to_string()] {
        ensure!(!text.contains(secret), "{secret} is in\n{text}");
    }
    server.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_operators_see_them_and_nobody_without_a_token() -> Result<()> {
    let server = serving(CrashDisk::new().mount(), options()).await?;
    let (status, problem) = metrics(&server, "chasqui-dev-admin-token-known-to-everybodz").await?;
    ensure!(status == 401 && problem.contains("unauthorized"), "{problem}");
    ensure!(get(&server, "alice", "/metrics").await?.0 == 401);
    server.stop().await?;

    let mut options = options();
    options.admin.token = None;
    let server = serving(CrashDisk::new().mount(), options).await?;
    ensure!(metrics(&server, DEV_ADMIN_TOKEN).await?.0 == 404);
    server.stop().await?;
    Ok(())
}
