//! A data folder with some history, to be damaged; and what a server makes of it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use chasqui_oracle::{Evidence, Line, Served, judge_so_far};
use chasqui_tests::{
    process::{Server, Setup},
    rest::Refused,
    town::Town,
};
use reqwest::StatusCode;
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
        let mut server = Server::start(&Setup::new(folder.path(), SETTINGS), None)?;
        let mut town = Town::new(DEVICES, CHATS).await?;
        town.begin(server.ready().await?.parse()?).await?;
        for device in &town.devices {
            for peer in town.peers(device.user()) {
                device.send(peer, format!("the first words of {} to {peer}", device.user())).await?;
                // One by one, so that each chat's key is created by itself.
                town.settled().await?;
            }
        }
        for round in 0..LARGE_ROUNDS {
            town.say(&format!("{round}{}", "x".repeat(LARGE_BYTES))).await?;
        }
        town.all_read().await?;
        match how {
            How::Stopped => server.stop().await?,
            How::Killed => {
                // These are the last records of the log.
                town.say("the last words").await?;
                server.kill().await?;
            }
        }
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
    pub(crate) async fn ask(&self, server: &str) -> anyhow::Result<Has> {
        let served = match self.town.served(server).await {
            Ok(served) => served,
            Err(error) if is_internal(&error) => return Ok(Has::Errors),
            Err(error) => return Err(error),
        };
        let has = self.compare(&served)?;
        self.goes_on(server, &served).await?;
        Ok(has)
    }

    fn compare(&self, served: &[Served]) -> anyhow::Result<Has> {
        let evidence =
            Evidence { transcripts: self.town.transcripts(), served: served.to_vec(), ..Evidence::default() };
        if judge_so_far(&evidence).is_ok() {
            return Ok(Has::All);
        }
        let sent = sent(&self.town);
        let mut has = Has::Envelopes;
        let lengths = lengths(served);
        for (chat, members) in self.town.chats()? {
            let chat = chat.to_string();
            let all = self.town.last_seq(&chat);
            if members.iter().any(|user| lengths.get(&(*user, chat.as_str())).copied().unwrap_or_default() < all) {
                has = Has::Beginnings;
            }
        }
        for chat in served.iter().flat_map(|served| &served.chats) {
            for (message, seq) in chat.messages.iter().zip(1..) {
                ensure!(message.seq == seq && message.chat == chat.chat, "{message:?} is in the place of {seq}");
                let mail = (message.from.clone(), message.device.clone(), message.chat.clone(), message.id);
                let text = sent.get(&mail).context("nobody wrote it")?;
                ensure!(message.text.is_empty() || message.text == *text, "{mail:?} says something else");
            }
        }
        Ok(has)
    }

    async fn goes_on(&self, server: &str, before: &[Served]) -> anyhow::Result<()> {
        let mut town = Town::new(NEW_DEVICES, CHATS).await?;
        let had = lengths(before);
        for device in &town.devices {
            for (&(_, chat), &seq) in had.iter().filter(|((user, _), _)| *user == device.user()) {
                device.journal().note(Line::Joins { chat: chat.to_owned(), seq });
            }
        }
        town.begin(server.parse()?).await?;
        town.say("and on it goes").await?;
        let after = town.served(server).await?;
        judge_so_far(&Evidence { transcripts: town.transcripts(), served: after.clone(), ..Evidence::default() })?;
        let (has, sent) = (lengths(&after), sent(&town));
        for (chat, members) in town.chats()? {
            let chat = chat.to_string();
            let new = sent.keys().filter(|(_, _, of, _)| *of == chat).count() as u64;
            for user in members {
                let length = |of: &BTreeMap<_, u64>| of.get(&(user, chat.as_str())).copied().unwrap_or_default();
                let (had, has) = (length(&had), length(&has));
                ensure!(has == had + new, "{chat} had {had} messages for {user}, {new} were sent, and it has {has}");
            }
        }
        Ok(())
    }
}

/// Whether a server has answered that it can't tell.
fn is_internal(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == StatusCode::INTERNAL_SERVER_ERROR)
}

/// How many messages of a chat a user is served.
fn lengths(served: &[Served]) -> BTreeMap<(&str, &str), u64> {
    let chats = served.iter().flat_map(|served| served.chats.iter().map(move |chat| (served.user.as_str(), chat)));
    chats.map(|(user, chat)| ((user, chat.chat.as_str()), chat.messages.len() as u64)).collect()
}

/// What each message said, by its sender, device, chat and id.
fn sent(town: &Town) -> BTreeMap<(String, String, String, u64), String> {
    let mut sent = BTreeMap::new();
    for transcript in town.transcripts() {
        for line in transcript.lines {
            if let Line::Send { chat, id, text } = line {
                sent.insert((transcript.user.clone(), transcript.device.clone(), chat, id), text);
            }
        }
    }
    sent
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
