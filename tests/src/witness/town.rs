//! Some people with their devices, and what is between them.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use chasqui_client::Draft;
use chasqui_config::Options;
use chasqui_domain::{ChatId, DeviceId, Seq, UserId};
use futures::future::try_join_all;
use tokio::{select, sync::watch};

use super::{Device, Gate, History, Ledger, Place, Violation, ledger::Shared};

/// Longer than anything here takes, for what would never end.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long tokens are valid: longer than any test.
const TOKEN_LIFE: Duration = Duration::from_secs(60 * 60);

/// Some people with their devices, the chats between them, and one ledger for all.
#[derive(Debug)]
pub struct Town {
    /// The way to the server, which may come and go.
    pub gate: Gate,
    /// All devices.
    pub devices: Vec<Device>,
    /// The chats, by their two users.
    pub chats: Vec<(UserId, UserId)>,
    options: Options,
    ledger: Arc<Shared>,
}

impl Town {
    /// A town whose people chat in pairs. `devices` are names of users and of devices of theirs. `options` are those of
    /// the server, for their secret.
    ///
    /// # Errors
    /// When a name is none, or there is no socket for the gate.
    pub async fn new(options: &Options, devices: &[(&str, &str)], chats: &[(&str, &str)]) -> anyhow::Result<Self> {
        let gate = Gate::open().await?;
        let ledger = Arc::<Shared>::default();
        let user = |name: &str| UserId::new(name).context("a user");
        let chats = chats.iter().map(|(one, other)| Ok((user(one)?, user(other)?))).collect::<anyhow::Result<_>>()?;
        let mut town = Self { gate, devices: Vec::new(), chats, options: options.clone(), ledger };
        for (name, device) in devices {
            let owner = (user(name)?, DeviceId::new(device).context("a device")?);
            let url = format!("ws://{}/v1/socket", town.gate.address());
            let device = Device::connect(url, town.token(&owner.0)?, owner, town.ledger.clone()).await?;
            town.devices.push(device);
        }
        Ok(town)
    }

    /// A token of a user.
    ///
    /// # Errors
    /// When the options have no secret.
    pub fn token(&self, user: &UserId) -> anyhow::Result<String> {
        chasqui::token::mint(&self.options, user, TOKEN_LIFE)
    }

    /// The chats, as their members know them.
    pub fn chat_ids(&self) -> impl Iterator<Item = (ChatId, &UserId, &UserId)> {
        self.chats.iter().map(|(one, other)| (ChatId::direct(one, other), one, other))
    }

    /// Whom a user writes to.
    pub fn peers<'a>(&'a self, user: &'a UserId) -> impl Iterator<Item = &'a UserId> {
        self.chats.iter().filter_map(move |(one, other)| match user {
            user if user == one => Some(other),
            user if user == other => Some(one),
            _ => None,
        })
    }

    /// Looks into the ledger.
    pub fn look<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        self.ledger.look(look)
    }

    /// Waits until something is so, or for ever; what is wrong ends it.
    ///
    /// # Errors
    /// A [`Violation`] when something is wrong; another error when it didn't come to be for very long.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Ledger) -> bool) -> anyhow::Result<()> {
        let came = self.ledger.until(is_so, PATIENCE).await;
        self.look(|ledger| match ledger.wrong.first() {
            Some(wrong) => Err(Violation(wrong.clone()).into()),
            None if came => Ok(()),
            None => Err(anyhow::anyhow!(
                "{what}: not so after {PATIENCE:?}; {} messages have an outcome, and these have none: {:?}",
                ledger.outcomes.len(),
                ledger.open
            )),
        })
    }

    /// Waits until all devices have been told all that was before.
    ///
    /// # Errors
    /// As [`Town::until`].
    pub async fn caught_up(&self) -> anyhow::Result<()> {
        let owners: Vec<_> = self.devices.iter().map(|device| device.owner().clone()).collect();
        self.until("all devices have caught up", |ledger| {
            owners.iter().all(|owner| ledger.views.get(owner).is_some_and(|view| view.caught_up > 0))
        })
        .await
    }

    /// Waits until every message has its outcome, and every device was told of every message.
    ///
    /// # Errors
    /// As [`Town::until`].
    pub async fn settled(&self) -> anyhow::Result<()> {
        let expected: Vec<_> = self
            .chat_ids()
            .flat_map(|(chat, one, other)| {
                let of_chat = move |device: &&Device| [one, other].contains(&device.user());
                self.devices.iter().filter(of_chat).map(move |device| (device.owner().clone(), chat))
            })
            .collect();
        self.until("all is settled", |ledger| {
            ledger.is_settled() && expected.iter().all(|(owner, chat)| ledger.is_level(owner, *chat))
        })
        .await
    }

    /// Everybody reads everything, and everybody is told of it.
    ///
    /// # Errors
    /// As [`Town::until`].
    pub async fn all_read(&self) -> anyhow::Result<()> {
        let mut expected = Vec::new();
        for (chat, one, other) in self.chat_ids() {
            let last = self.look(|ledger| ledger.last_seq(chat));
            for device in self.devices.iter().filter(|device| last > Seq(0) && [one, other].contains(&device.user())) {
                device.read(chat, last).await?;
                for of in [one, other] {
                    expected.push((device.owner().clone(), chat, of.clone(), last));
                }
            }
        }
        self.until("all is read", |ledger| {
            expected.iter().all(|(owner, chat, of, last)| {
                let receipts = ledger.views.get(owner).map(|view| &view.receipts);
                receipts.and_then(|receipts| receipts.get(&(*chat, of.clone()))).is_some_and(|(_, read)| read >= last)
            })
        })
        .await
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
        let peers: Vec<UserId> = self.peers(device.user()).cloned().collect();
        for (number, peer) in peers.iter().cycle().enumerate() {
            if *stop.borrow() {
                break;
            }
            let (user, id) = device.owner();
            device.send(Draft::text(peer.clone(), format!("{number} from {user} at {id}"))).await?;
            let has_room = self.until("messages have their outcome", |it| it.open_of(device.owner()) < ahead);
            select! {
                so = has_room => so?,
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        Ok(())
    }

    /// Every device writes once to all whom its user chats with; returns when all have their outcomes, everywhere.
    ///
    /// # Errors
    /// When a client doesn't take a message; as [`Town::until`].
    pub async fn say(&self, text: &str) -> anyhow::Result<()> {
        for device in &self.devices {
            for peer in self.peers(device.user()) {
                device.send(Draft::text(peer.clone(), text)).await?;
            }
        }
        self.settled().await
    }

    /// The histories of all chats, as each member is given them.
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn histories(&self, place: &Place) -> anyhow::Result<Vec<History>> {
        let mut histories = Vec::new();
        for (chat, one, other) in self.chat_ids() {
            for user in [one, other] {
                histories.push(place.history(&self.token(user)?, user, chat).await?);
            }
        }
        Ok(histories)
    }
}
