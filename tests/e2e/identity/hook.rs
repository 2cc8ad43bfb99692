//! A server of the operator's says who may write to whom.

use anyhow::{Context, Result, ensure};
use chasqui_client::{To, Update, Updates};
use chasqui_wire::{Code, frames::Failed};

use crate::{
    keys::{Key, KeyFile},
    operator::{Mood, Operator},
    server::{Chasqui, heard, send, update},
};

const TEXTS: [&str; 3] = ["one", "two", "three"];

/// A client has so many messages under way in a chat.
const UNDER_WAY: usize = 2;

async fn start(operator: &Operator, more: &[&str]) -> Result<(Chasqui, Key)> {
    let key = Key::new("key")?;
    let file = KeyFile::with(&key)?;
    let options = [file.options(), operator.options(), more.iter().map(|&option| option.to_owned()).collect()].concat();
    let server = Chasqui::with(options).await?;
    // The file has to be there until the keys were read.
    ensure!(server.chats(&key.token("alice")?).await? == 0);
    Ok((server, key))
}

/// Why the next message to a user is not taken; none when it is.
async fn refusal(updates: &mut Updates, to: &str) -> Result<Option<Box<Failed>>> {
    let outcome = |update| match update {
        Update::Sent { to: Some(To::User(user)), .. } if user.as_str() == to => Some(None),
        Update::Retrying(failed) if failed.to.as_ref().is_some_and(|user| user.as_str() == to) => Some(Some(failed)),
        // One that was decided is told of by its chat.
        Update::Failed(failed) => Some(Some(failed)),
        _ => None,
    };
    update(updates, outcome).await
}

#[tokio::test]
async fn the_hook_is_asked_once_and_what_it_says_is_held_to() -> Result<()> {
    let operator = Operator::start()?;
    operator.close_to("carol");
    let (server, key) = start(&operator, &[]).await?;
    let (alice, mut to_alice) = server.connect(&key.token("alice")?).await?;
    let (_bob, mut to_bob) = server.connect(&key.token("bob")?).await?;
    for text in TEXTS {
        send(&alice, "bob", text).await?;
        ensure!(refusal(&mut to_alice, "bob").await?.is_none());
        ensure!(heard(&mut to_bob).await? == text);
        send(&alice, "carol", text).await?;
        let failed = refusal(&mut to_alice, "carol").await?.context("it was taken")?;
        ensure!(failed.code == Code::NotAllowed && !failed.retry, "{failed:?}");
    }
    ensure!((operator.answered("alice", "bob"), operator.answered("alice", "carol")) == (1, 1));
    ensure!(server.chats(&key.token("carol")?).await? == 0);
    server.stop().await
}

#[tokio::test]
async fn what_it_says_counts_no_longer_than_it_is_told_to() -> Result<()> {
    let operator = Operator::start()?;
    let (server, key) = start(&operator, &["policy.hook_cache_ms=0"]).await?;
    let (alice, mut to_alice) = server.connect(&key.token("alice")?).await?;
    send(&alice, "bob", "one").await?;
    ensure!(refusal(&mut to_alice, "bob").await?.is_none());
    operator.close_to("bob");
    send(&alice, "bob", "two").await?;
    let failed = refusal(&mut to_alice, "bob").await?.context("it was taken")?;
    ensure!(failed.code == Code::NotAllowed && operator.answered("alice", "bob") == 2, "{failed:?}");
    server.stop().await
}

#[tokio::test]
async fn what_a_hook_without_an_answer_holds_up_comes_in_order_when_it_is_back() -> Result<()> {
    let mut operator = Operator::start()?;
    let (mut server, key) = start(&operator, &["policy.hook_timeout_ms=500"]).await?;
    let (alice, mut to_alice) = server.connect(&key.token("alice")?).await?;
    let (_bob, mut to_bob) = server.connect(&key.token("bob")?).await?;
    send(&alice, "bob", "hello").await?;
    ensure!(refusal(&mut to_alice, "bob").await?.is_none());
    ensure!(heard(&mut to_bob).await? == "hello");
    for (mood, user) in [(Mood::Away, "carol"), (Mood::Fails, "dave"), (Mood::Hangs, "erin")] {
        let token = key.token(user)?;
        let (_client, mut to_user) = server.connect(&token).await?;
        operator.turn(mood).await?;
        for text in TEXTS {
            send(&alice, user, text).await?;
        }
        for _ in 0..UNDER_WAY {
            let failed = refusal(&mut to_alice, user).await?.with_context(|| format!("{mood:?}: it was taken"))?;
            ensure!(
                failed.code == Code::Unavailable && failed.retry && failed.cursor.is_none(),
                "{mood:?}: {failed:?}"
            );
        }
        // What it has said before counts on.
        send(&alice, "bob", user).await?;
        ensure!(heard(&mut to_bob).await? == user);
        ensure!(server.chats(&token).await? == 0, "{mood:?}: something is delivered");

        operator.turn(Mood::Answers).await?;
        for text in TEXTS {
            ensure!(heard(&mut to_user).await? == text, "{mood:?}: not {text}");
        }
        ensure!(operator.answered("alice", user) == 1, "{mood:?}: it was asked again");
    }
    ensure!(operator.answered("alice", "bob") == 1);
    let times = server.stop_complaining("a message can't be judged").await?;
    ensure!(times >= 3, "it complained {times} times");
    Ok(())
}
