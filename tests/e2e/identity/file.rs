//! Keys in a file, which changes while the server runs.

use anyhow::{Result, ensure};
use chasqui_wire::Code;

use crate::{
    keys::{Key, KeyFile},
    server::Chasqui,
};

const TAKEN: (u16, Option<Code>) = (200, None);
const REFUSED: (u16, Option<Code>) = (401, Some(Code::Unauthorized));
const NOBODY_KNOWS: (u16, Option<Code>) = (503, Some(Code::Unavailable));

async fn start(file: &KeyFile, more: &[&str]) -> Result<Chasqui> {
    let mut options = file.options();
    options.extend(["policy.mode=open"].iter().chain(more).map(|&option| option.to_owned()));
    Chasqui::with(options).await
}

#[tokio::test]
async fn a_token_of_a_new_key_has_the_file_read_again() -> Result<()> {
    let (old, new) = (Key::new("old")?, Key::new("new")?);
    let file = KeyFile::with(&old)?;
    // It would be read again in five minutes.
    let server = start(&file, &[]).await?;
    ensure!(server.ask(&old.token("alice")?).await? == TAKEN);
    ensure!(server.ask(&new.token("alice")?).await? == REFUSED);
    file.change_to(&new)?;
    ensure!(server.ask(&new.token("alice")?).await? == TAKEN);
    ensure!(server.ask(&old.token("alice")?).await? == REFUSED);
    server.stop().await
}

#[tokio::test]
async fn the_keys_of_the_file_count_as_it_changes_and_the_last_ones_while_it_is_broken() -> Result<()> {
    let (first, second, third) = (Key::new("first")?, Key::new("second")?, Key::new("third")?);
    let file = KeyFile::with(&first)?;
    let mut server = start(&file, &["auth.jwks_refresh_ms=300"]).await?;
    let alices = [first.token("alice")?, second.token("alice")?, third.token("alice")?];
    ensure!(server.ask(&alices[0]).await? == TAKEN);
    // Nobody names the new key, so that only time has the file read again.
    file.change_to(&second)?;
    server.until(&alices[0], REFUSED).await?;
    ensure!(server.ask(&alices[1]).await? == TAKEN);

    file.replace("{\"keys\": [")?;
    // Each has it read, a while after the last time: the last good keys are older than they may be otherwise.
    for _ in 0..6 {
        ensure!(server.ask(&alices[2]).await? == NOBODY_KNOWS);
        ensure!(server.ask(&alices[1]).await? == TAKEN);
    }

    file.change_to(&third)?;
    // Not always at once: a token may come while the broken file is still being read.
    server.until(&alices[2], TAKEN).await?;
    server.until(&alices[1], REFUSED).await?;
    let times = server.stop_complaining("keys can't be read").await?;
    ensure!(times == 1, "it complained {times} times");
    Ok(())
}
