//! Some people with their devices, and what is between them.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use chasqui_domain::{ChatId, UserId};
use chasqui_oracle::{Broken, Evidence, Served, Transcript, judge, judge_so_far};
use futures::future::try_join_all;
use tempfile::TempDir;
use tokio::{select, sync::watch};

use crate::{device::Device, gate::Gate, journal::Journal, missing::missing, process, rest::Rest, wait::Pulse};

/// Some people who chat in pairs, at devices that reach a server through a gate.
#[derive(Debug)]
pub struct Town {
    /// The way to the server, which may come and go.
    pub gate: Gate,
    /// All devices.
    pub devices: Vec<Device>,
    /// The two users of each chat.
    chats: Vec<(String, String)>,
    tokens: BTreeMap<String, String>,
    journals: Vec<(String, Arc<Journal>)>,
    pulse: Pulse,
    /// The devices' states.
    _folder: TempDir,
}

impl Town {
    /// A town whose devices have not begun. `devices` are names of users and of devices of theirs.
    ///
    /// # Errors
    /// When a name is none, there is no socket for the gate, or the binary gives no token.
    pub async fn new(devices: &[(&str, &str)], chats: &[(&str, &str)]) -> anyhow::Result<Self> {
        let (gate, pulse, folder) = (Gate::open().await?, Pulse::default(), tempfile::tempdir()?);
        let (mut all, mut tokens, mut journals) = (Vec::new(), BTreeMap::new(), Vec::new());
        for &(user, name) in devices {
            let token = process::token(user)?;
            tokens.insert(user.to_owned(), token.clone());
            let state = folder.path().join(format!("{user}-{name}.json"));
            let device = Device::new(user, name, &gate.address().to_string(), token, state, pulse.clone())?;
            journals.push((user.to_owned(), device.journal().clone()));
            all.push(device);
        }
        let chats = chats.iter().map(|&(one, other)| (one.to_owned(), other.to_owned())).collect();
        Ok(Self { gate, devices: all, chats, tokens, journals, pulse, _folder: folder })
    }

    /// Begins all devices at a server; returns when all have caught up.
    ///
    /// # Errors
    /// When one can't begin, or doesn't catch up.
    pub async fn begin(&mut self, server: SocketAddr) -> anyhow::Result<()> {
        self.gate.lead_to(Some(server));
        for device in &mut self.devices {
            device.begin().await?;
        }
        self.settled().await
    }

    /// The users who have devices.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.tokens.keys().map(String::as_str)
    }

    /// The chats, with their members.
    ///
    /// # Errors
    /// When a name is none.
    pub fn chats(&self) -> anyhow::Result<Vec<(ChatId, [&str; 2])>> {
        let chat =
            |(one, other): &(String, String)| anyhow::Ok(ChatId::direct(&UserId::new(one)?, &UserId::new(other)?));
        self.chats.iter().map(|both| Ok((chat(both)?, [both.0.as_str(), both.1.as_str()]))).collect()
    }

    /// Whom a user writes to.
    pub fn peers<'a>(&'a self, user: &'a str) -> impl Iterator<Item = &'a str> {
        self.chats.iter().filter_map(move |(one, other)| match user {
            user if user == one => Some(other.as_str()),
            user if user == other => Some(one.as_str()),
            _ => None,
        })
    }

    /// What the devices write down.
    pub fn journals(&self) -> impl Iterator<Item = &Journal> {
        self.journals.iter().map(|(_, journal)| &**journal)
    }

    /// The last message of a chat that a device saw.
    #[must_use]
    pub fn last_seq(&self, chat: &str) -> u64 {
        self.journals()
            .filter_map(|journal| journal.view(|view| view.seen.get(chat).copied()))
            .max()
            .unwrap_or_default()
    }

    /// What the devices saw.
    #[must_use]
    pub fn transcripts(&self) -> Vec<Transcript> {
        self.journals().map(Journal::transcript).collect()
    }

    /// Waits until something is so.
    ///
    /// # Errors
    /// When that hangs.
    pub async fn until(&self, what: &str, is_so: impl Fn() -> bool) -> anyhow::Result<()> {
        let missing = || if is_so() { Vec::new() } else { vec![what.to_owned()] };
        self.pulse.until_nothing_is_missing(missing).await
    }

    /// Waits until every message has its outcome, and every device has every message.
    ///
    /// # Errors
    /// When that hangs.
    pub async fn settled(&self) -> anyhow::Result<()> {
        self.pulse.until_nothing_is_missing(|| missing(&self.journals)).await
    }

    /// Everybody reads everything, and every device is told of it.
    ///
    /// # Errors
    /// When a client doesn't take it, or it hangs.
    pub async fn all_read(&self) -> anyhow::Result<()> {
        let mut expected = Vec::new();
        for (chat, members) in self.chats()? {
            let (chat, last) = (chat.to_string(), self.last_seq(&chat.to_string()));
            for device in self.devices.iter().filter(|device| last > 0 && members.contains(&device.user())) {
                device.read(&chat, last).await?;
                expected.extend(members.map(|member| (device, (chat.clone(), member.to_owned()), last)));
            }
        }
        let is_told = |(device, of, last): &&(&Device, (String, String), u64)| {
            device.journal().view(|view| view.watermarks.get(of).is_some_and(|(_, read)| read >= last))
        };
        let missing = || {
            let missing = expected.iter().filter(|expected| !is_told(expected));
            missing
                .map(|(device, of, last)| format!("{} {}: {of:?} reads {last}", device.user(), device.name()))
                .collect()
        };
        self.pulse.until_nothing_is_missing(missing).await
    }

    /// Lets every device write to all whom its user chats with, in turn, until it is stopped. A device goes on when less
    /// than `ahead` of its messages have no outcome.
    ///
    /// # Errors
    /// When a client doesn't take a message.
    pub async fn chatter(&self, ahead: usize, stop: &watch::Receiver<bool>) -> anyhow::Result<()> {
        let talks = self.devices.iter().map(|device| self.talk(device, ahead, stop.clone()));
        try_join_all(talks).await.map(drop)
    }

    async fn talk(&self, device: &Device, ahead: usize, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        let (user, name, journal) = (device.user(), device.name(), device.journal());
        let peers: Vec<&str> = self.peers(user).collect();
        for (number, peer) in peers.iter().cycle().enumerate() {
            if *stop.borrow() {
                break;
            }
            device.send(peer, format!("{number} from {user} at {name} to {peer}")).await?;
            // A client that finds no server waits longer and longer; whoever stops this notices when it hangs.
            select! {
                () = self.pulse.until(|| journal.view(|view| view.open.len()) < ahead) => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        Ok(())
    }

    /// Every device writes once to all whom its user chats with, what nobody has written yet; returns when it has arrived
    /// everywhere.
    ///
    /// # Errors
    /// When a client doesn't take a message, or it hangs.
    pub async fn say(&self, text: &str) -> anyhow::Result<()> {
        for device in &self.devices {
            for peer in self.peers(device.user()) {
                device.send(peer, format!("{} at {} to {peer}: {text}", device.user(), device.name())).await?;
            }
        }
        self.settled().await
    }

    /// What each user is served.
    ///
    /// # Errors
    /// When the server doesn't answer well.
    pub async fn served(&self, server: &str) -> anyhow::Result<Vec<Served>> {
        let mut all = Vec::new();
        for (user, token) in &self.tokens {
            all.push(Rest::new(server, user, token).everything().await?);
        }
        Ok(all)
    }

    /// All that devices saw by now is served, whatever is under way.
    ///
    /// # Errors
    /// [`Broken`] when it isn't; when the server doesn't answer well.
    pub async fn check(&self, server: &str) -> anyhow::Result<()> {
        let transcripts = self.transcripts();
        let served = self.served(server).await?;
        Ok(judge_so_far(&Evidence { transcripts, served, ..Evidence::default() })?)
    }

    /// Waits until all is settled and read, and judges.
    ///
    /// # Errors
    /// [`Broken`] when a promise was broken; when something hangs.
    pub async fn end(&self, server: &str) -> anyhow::Result<()> {
        self.settled().await?;
        self.all_read().await?;
        let served = self.served(server).await?;
        Ok(judge(&Evidence { transcripts: self.transcripts(), served, ..Evidence::default() })?)
    }

    /// An error of a run, or the promises that were broken by then: what hangs may follow from them.
    #[must_use]
    pub fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let evidence = Evidence { transcripts: self.transcripts(), ..Evidence::default() };
        match judge_so_far(&evidence) {
            Err(broken) if !error.is::<Broken>() => anyhow::Error::from(broken).context(format!("{error:#}")),
            _ => error,
        }
    }
}
