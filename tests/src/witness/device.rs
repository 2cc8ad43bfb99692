//! One client, whose updates go into the ledger.

use std::sync::Arc;

use anyhow::Context;
use chasqui_client::{Client, Draft, Options, Token};
use chasqui_domain::{ChatId, DeviceId, Seq, UserId};
use tokio::task::JoinHandle;

use super::ledger::{Mail, Owner, Shared};

/// One client, whose updates go into the ledger. Dropping it ends it.
#[derive(Debug)]
pub struct Device {
    owner: Owner,
    client: Client,
    ledger: Arc<Shared>,
    listening: JoinHandle<()>,
}

impl Device {
    pub(super) async fn connect(url: String, token: String, owner: Owner, ledger: Arc<Shared>) -> anyhow::Result<Self> {
        let (user, device) = owner.clone();
        let options = Options { url, token: Token(token), device: Some(device), state: None };
        let (client, mut updates) = Client::connect(options).await.context("a client")?;
        let (told, listener) = (owner.clone(), ledger.clone());
        let listening = tokio::spawn(async move {
            while let Some(update) = updates.next().await {
                listener.change(|ledger| ledger.tell(&told, update));
            }
        });
        Ok(Self { owner: (user, client.device().clone()), client, ledger, listening })
    }

    /// Whose it is.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.owner.0
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &DeviceId {
        &self.owner.1
    }

    /// The user and the device.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Gives the client a message to send.
    ///
    /// # Errors
    /// When the client doesn't take it.
    pub async fn send(&self, draft: Draft) -> anyhow::Result<Mail> {
        let chat = ChatId::direct(self.user(), &draft.to);
        let id = self.client.send(draft.clone()).await.context("a message is taken")?;
        let mail = Mail { from: self.owner.clone(), chat, id };
        self.ledger.change(|ledger| ledger.offer(mail.clone(), draft));
        Ok(mail)
    }

    /// The user opens a chat up to a seq.
    ///
    /// # Errors
    /// When the client doesn't take it.
    pub async fn read(&self, chat: ChatId, seq: Seq) -> anyhow::Result<()> {
        self.client.read(chat, seq).await.context("a watermark is taken")
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
