//! More connections of one address than it may have, with servers of their own: the others have no such limit, since all
//! who attack them come from this machine.

use std::path::Path;

use anyhow::{Context, ensure};
use chasqui_tests::{
    process::{Server, Setup},
    wait::within,
};
use serde_json::Value;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, client::IntoClientRequest},
};

use crate::{
    siege::{Siege, ensure_problem},
    socket::Socket,
    tokens,
};

const CHATS: &str = "/v1/chats";

/// The honest two have two connections all the time.
async fn siege(folder: &Path, options: &[&str]) -> anyhow::Result<(Server, Siege)> {
    let mut server = Server::start(&Setup::new(folder, options), None)?;
    let siege = Siege::new(server.ready().await?).await?;
    Ok((server, siege))
}

/// Asks as a proxy does whose client has this address.
async fn ask(siege: &Siege, named: &str) -> anyhow::Result<(u16, Value)> {
    let token = tokens::good("mallory")?;
    let head = format!("GET {CHATS} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-forwarded-for: {named}\r\n");
    let question = format!("{head}authorization: Bearer {token}\r\n\r\n");
    let answers = siege.raw_ask("GET", CHATS, question.as_bytes()).await?;
    let answer = answers.first().context("no answer")?;
    Ok((answer.status, answer.json()))
}

async fn is_refused(siege: &Siege, named: &str) -> anyhow::Result<()> {
    let answer = ask(siege, named).await?;
    ensure_problem(&answer, "too_many_connections", 429).with_context(|| format!("from {named:?}"))?;
    ensure!(answer.1["retry"] == true, "{}", answer.1);
    Ok(())
}

/// Whoever goes makes room, as soon as the server has seen it.
async fn gets_in(siege: &Siege, named: &str) -> anyhow::Result<()> {
    within("there is room", async {
        while ask(siege, named).await?.0 != 200 {}
        Ok(())
    })
    .await?
}

async fn session(siege: &Siege, device: &str, named: &str) -> anyhow::Result<Socket> {
    let mut request = format!("ws://{}/v1/socket", siege.server).into_client_request()?;
    request.headers_mut().insert("x-forwarded-for", named.parse()?);
    let mut socket = Socket(connect_async(request).await?.0);
    socket.hello(&tokens::good("mallory")?, device, None).await?;
    socket.until("caught_up").await?;
    Ok(socket)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_full_gets_no_further_connection_and_loses_none() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (server, siege) = siege(folder.path(), &["gateway.connections_per_address_max=4"]).await?;
    // What anybody may write into a header is nobody's address here.
    let mut phone = session(&siege, "phone", "1.1.1.1").await?;
    let mut pad = session(&siege, "pad", "2.2.2.2").await?;
    for number in 0..50 {
        is_refused(&siege, &format!("3.3.3.{number}")).await?;
    }
    let refused = siege.open().await.err().context("a socket beside the four")?.downcast()?;
    ensure!(matches!(&refused, Error::Http(answer) if answer.status() == 429), "{refused}");
    phone.goes_on().await?;
    pad.goes_on().await?;
    siege.pair.until_exchanged(siege.pair.exchanged() + 2).await?;
    drop(pad);
    gets_in(&siege, "1.1.1.1").await?;
    siege.pair.stop().await?;
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_the_address_is_the_last_that_it_names() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let options = ["gateway.connections_per_address_max=2", "gateway.address_header=x-forwarded-for"];
    let (server, siege) = siege(folder.path(), &options).await?;
    let mut phone = session(&siege, "phone", "1.1.1.1").await?;
    let pad = session(&siege, "pad", "9.9.9.9, 1.1.1.1").await?;
    // The honest two fill the address that nobody named.
    for full in ["1.1.1.1", "2.2.2.2, 1.1.1.1", "1.1.1.1, 127.0.0.1", "unknown", ""] {
        is_refused(&siege, full).await?;
    }
    for number in 0..50 {
        let answer = ask(&siege, &format!("1.1.1.1, 3.3.3.{number}")).await?;
        ensure!(answer.0 == 200, "{answer:?}");
    }
    phone.goes_on().await?;
    siege.pair.until_exchanged(siege.pair.exchanged() + 2).await?;
    drop(pad);
    gets_in(&siege, "1.1.1.1").await?;
    siege.pair.stop().await?;
    server.stop().await
}
