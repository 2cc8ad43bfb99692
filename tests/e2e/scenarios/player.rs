//! A device of a scenario: the client library on its state file, and what it has seen and nobody has asked for yet.

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::{Context, bail, ensure};
use chasqui_client::{Client, Direction, Options, Token, Update, Updates};
use chasqui_domain::DeviceId;
use chasqui_tests::wait::{PATIENCE, within};
use serde_json::Value;
use tokio::{
    runtime::{Builder, Runtime},
    select,
    sync::{oneshot, watch},
    task::{JoinHandle, spawn_blocking},
};

use crate::{format::Device, log::Log};

/// A device whose client comes and goes.
pub(crate) struct Player {
    pub(crate) device: Device,
    state: PathBuf,
    url: String,
    pub(crate) log: Arc<Log>,
    life: Option<Life>,
}

/// One life of its client, on a runtime of its own, so that it can be killed without a last word.
struct Life {
    runtime: Runtime,
    client: Client,
    held: watch::Sender<bool>,
    stop: oneshot::Sender<()>,
    pump: JoinHandle<Updates>,
}

impl Player {
    pub(crate) fn new(device: Device, state: PathBuf, url: String) -> Self {
        let log = Arc::new(Log::default());
        Self { device, state, url, log, life: None }
    }

    pub(crate) async fn connect(&mut self, name: &str, token: String) -> anyhow::Result<()> {
        ensure!(self.life.is_none(), "{} is connected already", self.device);
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let wire = self.log.clone();
        self.log.begins();
        let options = Options {
            device: Some(DeviceId::new(name)?),
            state: Some(self.state.clone()),
            observer: Some(Arc::new(move |direction: Direction, text: &str| wire.frame(direction, text))),
            ..Options::new(&*self.url, Token(token))
        };
        let connecting = runtime.spawn(Client::connect(options));
        let (client, updates) = within("a client starts", connecting).await???;
        let ((held, is_held), (stop, stopped)) = (watch::channel(false), oneshot::channel());
        let pump = runtime.spawn(pump(updates, self.log.clone(), is_held, stopped));
        self.life = Some(Life { runtime, client, held, stop, pump });
        Ok(())
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.life.is_some()
    }

    pub(crate) fn client(&self) -> anyhow::Result<&Client> {
        Ok(&self.life()?.client)
    }

    fn life(&self) -> anyhow::Result<&Life> {
        self.life.as_ref().with_context(|| format!("{} is not connected", self.device))
    }

    /// Ends the client; what was seen is acknowledged and kept.
    pub(crate) async fn disconnect(&mut self) -> anyhow::Result<()> {
        self.life()?;
        let Some(Life { runtime, client, held, stop, pump }) = self.life.take() else { return Ok(()) };
        held.send_replace(false);
        // One that has ended has stopped its pump, too.
        let _ = stop.send(());
        let mut updates = within("the pump stops", pump).await??;
        updates.done();
        within("a client closes", client.close()).await?;
        spawn_blocking(move || runtime.shutdown_timeout(PATIENCE)).await?;
        Ok(())
    }

    /// Ends the client without a last word: it may see again what it has seen.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.life()?;
        let Some(life) = self.life.take() else { return Ok(()) };
        spawn_blocking(move || life.runtime.shutdown_timeout(PATIENCE)).await?;
        self.log.may_repeat();
        Ok(())
    }

    /// The device takes no updates from now on, or takes them again.
    pub(crate) fn hold(&self, is_held: bool) -> anyhow::Result<()> {
        self.life()?.held.send_replace(is_held);
        Ok(())
    }

    /// The cursor that it has kept.
    pub(crate) fn cursor(&self) -> anyhow::Result<String> {
        let state: Value = serde_json::from_slice(&fs::read(&self.state)?)?;
        state["cursor"].as_str().map(str::to_owned).with_context(|| format!("{} has no cursor", self.device))
    }

    /// Puts another in its place.
    pub(crate) fn set_cursor(&self, cursor: &str) -> anyhow::Result<()> {
        ensure!(self.life.is_none(), "{} is connected", self.device);
        let mut state: Value = serde_json::from_slice(&fs::read(&self.state)?)?;
        let Some(state) = state.as_object_mut() else { bail!("the state is no object") };
        state.insert("cursor".to_owned(), Value::from(cursor));
        fs::write(&self.state, serde_json::to_vec(&state)?)?;
        Ok(())
    }
}

impl Drop for Player {
    /// Where a scenario has failed there may be no waiting.
    fn drop(&mut self) {
        if let Some(life) = self.life.take() {
            life.runtime.shutdown_background();
        }
    }
}

/// Writes every update down; each counts as handled when the next is asked for.
async fn pump(
    mut updates: Updates,
    log: Arc<Log>,
    mut is_held: watch::Receiver<bool>,
    mut stop: oneshot::Receiver<()>,
) -> Updates {
    loop {
        let next = async {
            // Without one who holds it, it isn't held.
            let _ = is_held.wait_for(|held| !held).await;
            updates.next().await
        };
        let update: Option<Update> = select! {
            biased;
            _ = &mut stop => return updates,
            update = next => update,
        };
        let Some(update) = update else { return updates };
        log.note(update);
    }
}
