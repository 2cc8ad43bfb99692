//! A data folder with some history, to be damaged; and what a server makes of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use chasqui_client::Draft;
use chasqui_domain::{Seq, UserId};
use chasqui_tests::{
    binary::Binary,
    in_process::options,
    witness::{History, Mail, Place, Town, was_sent},
};
use tempfile::TempDir;

const CHATS: &[(&str, &str)] = &[("alice", "bob"), ("bob", "carol")];
const DEVICES: &[(&str, &str)] = &[("alice", "phone"), ("bob", "phone"), ("carol", "phone")];
/// They come after the damage.
const NEW_DEVICES: &[(&str, &str)] = &[("alice", "new"), ("bob", "new"), ("carol", "new")];

/// Small segments, so that there are sealed ones; and a store that is flushed at a stop alone, so that a kill always
/// leaves the same: everything in the log, and next to nothing in the store.
pub(crate) const SETTINGS: &[&str] = &["log.segment_bytes=1048576", "store.flush_interval_ms=3600000"];

/// What makes segments fill up.
const LARGE_BYTES: usize = 50_000;
const LARGE_ROUNDS: usize = 4;

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Stopped,
    Killed,
}

/// What a server serves of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Has {
    /// All of it.
    All,
    /// All messages, and of some not what they say.
    Envelopes,
    /// The beginnings of chats.
    Beginnings,
    /// It says that it can't tell.
    Errors,
}

/// A data folder and what people remember of it.
pub(crate) struct Base {
    folder: TempDir,
    town: Town,
}

impl Base {
    pub(crate) async fn new(how: How) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut binary = Binary::serve(&folder.path().join("data"), SETTINGS)?;
        let town = Town::new(&options(), DEVICES, CHATS).await?;
        town.gate.lead_to(Some(binary.ready().await?.address()));
        town.caught_up().await?;
        for device in &town.devices {
            let peers: Vec<UserId> = town.peers(device.user()).cloned().collect();
            for peer in peers {
                device.send(Draft::text(peer, "the first words")).await?;
                // One by one, so that each chat's key is created by itself.
                town.settled().await?;
            }
        }
        for _ in 0..LARGE_ROUNDS {
            town.say(&"x".repeat(LARGE_BYTES)).await?;
        }
        town.all_read().await?;
        match how {
            How::Stopped => binary.stop().await?,
            How::Killed => {
                // These are the last records of the log.
                town.say("the last words").await?;
                binary.kill().await?
            }
        };
        town.gate.lead_to(None);
        Ok(Self { folder, town })
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A copy to be damaged.
    pub(crate) fn copy(&self) -> anyhow::Result<TempDir> {
        let copy = tempfile::tempdir()?;
        copy_folder(&self.data(), &copy.path().join("data"))?;
        Ok(copy)
    }

    /// What a server has of what was sent. Whatever that is, it must go on: new messages get the next seqs.
    pub(crate) async fn ask(&self, place: &Place) -> anyhow::Result<Has> {
        let histories = match self.town.histories(place).await {
            Ok(histories) => histories,
            Err(error) if error.to_string().contains("gives 500") => return Ok(Has::Errors),
            Err(error) => return Err(error),
        };
        let has = self.compare(&histories)?;
        self.goes_on(place, &histories).await?;
        Ok(has)
    }

    fn compare(&self, histories: &[History]) -> anyhow::Result<Has> {
        let sent = self.town.look(|ledger| was_sent(&ledger.outcomes, ledger, histories));
        if sent.is_ok() {
            return Ok(Has::All);
        }
        let mut has = Has::Envelopes;
        for history in histories {
            let all = self.town.look(|ledger| ledger.last_seq(history.chat));
            if (history.messages.len() as u64) < all.0 {
                has = Has::Beginnings;
            }
            for (message, seq) in history.messages.iter().zip(1..) {
                ensure!(message.seq == Seq(seq), "{message:?} is in the place of {seq}");
                let from = (message.from.clone(), message.device.clone());
                let mail = Mail { from, chat: message.chat, id: message.id };
                let offered = self.town.look(|ledger| ledger.offered.get(&mail).cloned());
                let text = offered.context("nobody wrote it")?.text;
                ensure!(message.text.is_none() || message.text == text, "{mail:?} says something else");
            }
        }
        Ok(has)
    }

    async fn goes_on(&self, place: &Place, before: &[History]) -> anyhow::Result<()> {
        let town = Town::new(&options(), NEW_DEVICES, CHATS).await?;
        town.gate.lead_to(Some(place.address()));
        town.caught_up().await?;
        town.say("and on it goes").await?;
        let histories = town.histories(place).await?;
        let outcomes = town.look(|ledger| ledger.outcomes.clone());
        town.look(|ledger| was_sent(&outcomes, ledger, &histories))?;
        for (before, after) in before.iter().zip(&histories) {
            let new = outcomes.keys().filter(|mail| mail.chat == after.chat).count();
            let (had, has) = (before.messages.len(), after.messages.len());
            ensure!(has == had + new, "{} had {had} messages, {new} were sent, and it has {has}", after.chat);
        }
        Ok(())
    }
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().context("a name")?);
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}
