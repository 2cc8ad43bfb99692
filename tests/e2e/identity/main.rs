//! The real binary, of which nothing is built-in here. With a real OpenID Connect provider: whose tokens it takes, while
//! the provider changes its keys and when it is away, and that a token's list of users is held to. With keys in a file,
//! and with a hook that says who may write to whom: the same for these.

mod file;
mod forged;
mod hook;
mod keys;
mod operator;
mod provider;
mod server;

use anyhow::{Result, ensure};
use chasqui_client::Update;
use chasqui_wire::Code;

use provider::{Provider, Wish};
use server::Chasqui;

const TO_BOB: Wish<'_> = Wish { write_to: &["bob"], audience: None, seconds: None, at_other: false };

#[tokio::test]
async fn users_of_a_provider_write_to_each_other_while_its_keys_change() -> Result<()> {
    let mut provider = Provider::start().await?;
    let server = Chasqui::start(&provider).await?;
    let first = provider.login("alice", TO_BOB).await?;
    let (alice, mut to_alice) = server.connect(&first.access).await?;
    let bobs = provider.login("bob", Wish::default()).await?;
    // A token that is for the app tells as well who it is.
    let (_bob, mut to_bob) = server.connect(&bobs.id).await?;
    for (id, algorithm) in [(1, None), (2, Some("RS256")), (3, Some("EdDSA"))] {
        if let Some(algorithm) = algorithm {
            provider.rotate(algorithm).await?;
            let newer = provider.login("alice", TO_BOB).await?;
            // A new key counts at once, also in an open session; the old one has left the set that was read for it.
            alice.renew(chasqui_client::Token(newer.access.clone()));
            server::update(&mut to_alice, |update| matches!(update, Update::Renewed { .. }).then_some(())).await?;
            ensure!(server.ask(&newer.access).await? == (200, None));
            ensure!(server.ask(&first.access).await? == (401, Some(Code::Unauthorized)));
        }
        let text = format!("message {id}");
        server::send(&alice, "bob", &text).await?;
        let said = server::update(&mut to_bob, |update| match update {
            Update::Message(message) => Some((message.from.as_str().to_owned(), message.text.unwrap_or_default())),
            _ => None,
        });
        ensure!(said.await? == ("alice".to_owned(), text));
    }
    server.stop().await
}

#[tokio::test]
async fn who_is_not_in_the_list_of_the_token_is_not_written_to() -> Result<()> {
    let mut provider = Provider::start().await?;
    let server = Chasqui::start(&provider).await?;
    let (alice, mut to_alice) = server.connect(&provider.login("alice", TO_BOB).await?.access).await?;
    server::send(&alice, "carol", "hello").await?;
    let failed = server::update(&mut to_alice, |update| match update {
        Update::Failed(failed) => Some(failed),
        _ => None,
    });
    let failed = failed.await?;
    // Decided like everything else: it has its place in the sender's own inbox.
    ensure!(failed.code == Code::NotAllowed && failed.cursor.is_some(), "{failed:?}");
    server.stop().await
}

#[tokio::test]
async fn tokens_for_others_of_others_and_forged_ones_are_refused() -> Result<()> {
    let mut provider = Provider::start().await?;
    let server = Chasqui::start(&provider).await?;
    let good = provider.login("alice", Wish::default()).await?;
    for token in [&good.access, &good.id] {
        ensure!(server.ask(token).await? == (200, None));
    }
    let other_audience = provider.login("alice", Wish { audience: Some("another"), ..Wish::default() }).await?;
    let other_issuer = provider.login("alice", Wish { at_other: true, ..Wish::default() }).await?;
    let jwks = reqwest::get(&provider.jwks).await?.json().await?;
    let mut bad = vec![
        ("for another audience", other_audience.access),
        ("of another issuer", other_issuer.access),
        ("without a signature", forged::unsigned(&good.access)?),
        ("without an algorithm", forged::without_algorithm(&good.access)?),
        ("for another user", forged::renamed(&good.access)?),
    ];
    bad.extend(
        forged::signed_with_public_keys(&good.access, &jwks)?.into_iter().map(|token| ("by a public key", token)),
    );
    ensure!(bad.len() > 6, "there are public keys");
    for (what, token) in bad {
        ensure!(server.ask(&token).await? == (401, Some(Code::Unauthorized)), "{what}: {token}");
    }
    let short = provider.login("alice", Wish { seconds: Some(1), ..Wish::default() }).await?;
    while server.ask(&short.access).await? == (200, None) {}
    ensure!(server.ask(&short.access).await? == (401, Some(Code::TokenExpired)));
    server.stop().await
}

#[tokio::test]
async fn while_the_provider_is_away_its_last_keys_count() -> Result<()> {
    let mut provider = Provider::start().await?;
    let mut server = Chasqui::start(&provider).await?;
    let known = provider.login("alice", Wish::default()).await?;
    ensure!(server.ask(&known.access).await? == (200, None));
    provider.rotate("ES256").await?;
    let unknown = provider.login("alice", Wish::default()).await?;
    provider.kill().await?;
    // It may be good: nobody can say now.
    ensure!(server.ask(&unknown.access).await? == (503, Some(Code::Unavailable)));
    ensure!(server.ask(&known.access).await? == (200, None));
    let times = server.stop_complaining("keys can't be read").await?;
    ensure!(times == 1, "it complained {times} times");
    Ok(())
}
