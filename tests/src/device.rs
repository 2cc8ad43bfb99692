//! A device: the client library on its state file, and a journal of all that it says.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, anyhow, bail};
use chasqui_client::{Client, Draft, Error, Options, To, Token, Updates};
use chasqui_domain::{ChatId, Counter, DeviceId, Seq, UserId};
use chasqui_oracle::Line;
use chasqui_testkit::transcript::{lines, said};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
    time::sleep,
};

use crate::{
    journal::Journal,
    wait::{PATIENCE, Pulse, within},
};

/// About how long a process that is being started has the handles of its parent.
const HANDED_ON: Duration = Duration::from_millis(5);

/// A device of a user, whose client can be ended and begun again.
#[derive(Debug)]
pub struct Device {
    user: UserId,
    options: Options,
    journal: Arc<Journal>,
    life: Option<Life>,
}

/// One life of the client. It has a runtime of its own, so that it can be killed without a last word.
#[derive(Debug)]
struct Life {
    runtime: Runtime,
    client: Client,
    stop: oneshot::Sender<()>,
    pump: JoinHandle<Updates>,
}

/// How a client ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As a process ends by a signal: what was not saved is gone.
    Kill,
    /// What was handled is acknowledged and saved.
    Close,
}

impl Device {
    /// A device that has not begun. `server` is its address, such as `127.0.0.1:7600`.
    ///
    /// # Errors
    /// When the names are none.
    pub fn new(
        user: &str,
        name: &str,
        server: &str,
        token: String,
        state: PathBuf,
        pulse: Pulse,
    ) -> anyhow::Result<Self> {
        let journal = Arc::new(Journal::new(user, name, pulse));
        let wire = journal.clone();
        let options = Options {
            observer: Some(Arc::new(move |direction, text: &str| wire.frame(direction, text))),
            device: Some(DeviceId::new(name)?),
            state: Some(state),
            ..Options::new(format!("ws://{server}/v1/socket"), Token(token))
        };
        Ok(Self { user: UserId::new(user)?, options, journal, life: None })
    }

    /// Whose it is.
    #[must_use]
    pub fn user(&self) -> &str {
        self.user.as_str()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.options.device.as_ref().map_or("", DeviceId::as_str)
    }

    /// What it writes down.
    #[must_use]
    pub fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// The chat of its user with another.
    ///
    /// # Errors
    /// When the other is no user.
    pub fn chat_with(&self, other: &str) -> anyhow::Result<String> {
        Ok(ChatId::direct(&self.user, &UserId::new(other)?).to_string())
    }

    /// Begins on its state. The app opens again what was open.
    ///
    /// # Errors
    /// When it has begun already, or the client can't start.
    pub async fn begin(&mut self) -> anyhow::Result<()> {
        if self.life.is_some() {
            bail!("the device has begun already");
        }
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        self.journal.note(Line::Began);
        let connecting = runtime.spawn(connect(self.options.clone()));
        let started = async { anyhow::Ok(within("a client starts", connecting).await???) };
        let (client, updates) = match started.await {
            Ok(started) => started,
            Err(error) => {
                // It may not be dropped here, where nothing may block.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let (stop, stopped) = oneshot::channel();
        let pump = runtime.spawn(pump(updates, self.journal.clone(), stopped));
        self.life = Some(Life { runtime, client, stop, pump });
        let opened = self.journal.view(|view| view.opened.clone());
        for (chat, seq) in opened {
            self.read(&chat, seq).await?;
        }
        Ok(())
    }

    /// Ends its client.
    ///
    /// # Errors
    /// When it hangs or has ended by itself.
    pub async fn end(&mut self, ending: Ending) -> anyhow::Result<()> {
        let Life { runtime, client, stop, pump } = self.life.take().context("the device has not begun")?;
        let mut unheard = None;
        let closed = match ending {
            Ending::Kill => {
                // What the client says while its runtime ends is no word of a killed one. The updates stay: without them it
                // would close.
                let _ = stop.send(());
                let stopped = async { anyhow::Ok(within("the pump stops", pump).await??) };
                stopped.await.map(|updates| unheard = Some(updates))
            }
            Ending::Close => close(client, stop, pump).await,
        };
        // Waits for a file that is being written; everything else is dropped where it stands.
        spawn_blocking(move || runtime.shutdown_timeout(PATIENCE)).await?;
        drop(unheard);
        self.journal.note(Line::Ended { killed: ending == Ending::Kill });
        closed
    }

    /// Sends a text that no other message has.
    ///
    /// # Errors
    /// When the client doesn't take it.
    pub async fn send(&self, to: &str, text: String) -> anyhow::Result<()> {
        self.send_draft(Draft::text(UserId::new(to)?, text)).await.map(drop)
    }

    /// Sends a message that says what no other says; gives its id.
    ///
    /// # Errors
    /// When the client doesn't take it.
    pub async fn send_draft(&self, draft: Draft) -> anyhow::Result<Counter> {
        let (to, chat) = match &draft.to {
            To::User(user) => (user.to_string(), ChatId::direct(&self.user, user).to_string()),
            To::Group(chat) => (chat.to_string(), chat.to_string()),
        };
        let said = said(&draft);
        self.journal.note(Line::Sending { to, chat: chat.clone(), text: said.clone() });
        let id = within("a client takes a message", self.client()?.send(draft)).await??;
        self.journal.note(Line::Send { chat, id: id.0, text: said });
        Ok(id)
    }

    /// Opens a chat up to a message.
    ///
    /// # Errors
    /// When the client doesn't take it.
    pub async fn read(&self, chat: &str, seq: u64) -> anyhow::Result<()> {
        self.journal.note(Line::Reading { chat: chat.to_owned(), seq });
        within("a client takes a read", self.client()?.read(ChatId::parse(chat)?, Seq(seq))).await??;
        Ok(())
    }

    fn client(&self) -> anyhow::Result<&Client> {
        self.life.as_ref().map(|life| &life.client).context("the device has not begun")
    }
}

impl Drop for Device {
    /// Where a test has failed there may be no waiting.
    fn drop(&mut self) {
        if let Some(life) = self.life.take() {
            life.runtime.shutdown_background();
        }
    }
}

/// Starts a client. The lock on the state of the one before goes with its last handle, and a process that is being started
/// from this one has all handles for a moment.
async fn connect(options: Options) -> Result<(Client, Updates), Error> {
    loop {
        match Client::connect(options.clone()).await {
            Err(Error::InUse { .. }) => sleep(HANDED_ON).await,
            started => return started,
        }
    }
}

async fn close(client: Client, stop: oneshot::Sender<()>, pump: JoinHandle<Updates>) -> anyhow::Result<()> {
    stop.send(()).map_err(|()| anyhow!("the client has ended by itself"))?;
    let mut updates = within("the pump stops", pump).await??;
    updates.done();
    within("a client closes", client.close()).await
}

/// Writes everything down, one update after the other; each counts as handled once it is written.
async fn pump(mut updates: Updates, journal: Arc<Journal>, mut stop: oneshot::Receiver<()>) -> Updates {
    loop {
        let update = tokio::select! {
            biased;
            _ = &mut stop => return updates,
            update = updates.next() => update,
        };
        let Some(update) = update else { return updates };
        lines(update).into_iter().for_each(|line| journal.note(line));
    }
}
