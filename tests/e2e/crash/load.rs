//! Devices that write and read, and are now and then closed or killed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::ensure;
use chasqui_tests::{
    device::{Device, Ending},
    dice::Dice,
    journal::Journal,
    wait::Pulse,
};
use tokio::{select, sync::watch, task::JoinSet};

use crate::cast;

/// So many messages of a device wait for their outcome at most.
const OPEN_MAX: usize = 4;

/// A device does so many things, on average, until it is closed or killed.
const ENDS_ONCE_IN: u64 = 150;

/// One message in so many begins a new chat, and one in so many when new chats are wanted.
const NEW_CHAT_ONCE_IN: (u64, u64) = (400, 8);

/// The load.
pub(crate) struct Load {
    devices: JoinSet<anyhow::Result<Device>>,
    stop: watch::Sender<bool>,
    wants_new_chats: Arc<AtomicBool>,
    pub(crate) progress: Progress,
}

/// How far the load has come.
#[derive(Clone)]
pub(crate) struct Progress {
    pub(crate) pulse: Pulse,
    pub(crate) journals: Vec<(String, Arc<Journal>)>,
}

impl Load {
    /// Begins.
    pub(crate) fn start(devices: Vec<Device>, pulse: &Pulse, dice: &mut Dice) -> Self {
        let (stop, stopping) = watch::channel(false);
        let wants_new_chats = Arc::<AtomicBool>::default();
        let journals = devices.iter().map(|device| (device.user().to_owned(), device.journal().clone())).collect();
        let mut tasks = JoinSet::new();
        for device in devices {
            let (dice, pulse, wants_new_chats) = (dice.split(), pulse.clone(), wants_new_chats.clone());
            let writer = Writer { device, dice, pulse, wants_new_chats, sent: 0, new_chats: 0 };
            tasks.spawn(writer.run(stopping.clone()));
        }
        Self { devices: tasks, stop, wants_new_chats, progress: Progress { pulse: pulse.clone(), journals } }
    }

    /// Whether there are to be many new chats.
    pub(crate) fn want_new_chats(&self, wanted: bool) {
        self.wants_new_chats.store(wanted, Ordering::Relaxed);
    }

    /// Waits until a device fails.
    pub(crate) async fn failed(&mut self) -> anyhow::Error {
        match self.devices.join_next().await {
            Some(Ok(Err(error))) => error,
            Some(Err(error)) => error.into(),
            Some(Ok(Ok(_))) | None => anyhow::anyhow!("a device has stopped by itself"),
        }
    }

    /// Writes nothing more, and gives the devices back.
    pub(crate) async fn stop(mut self) -> anyhow::Result<Vec<Device>> {
        self.stop.send_replace(true);
        let mut devices = Vec::new();
        while let Some(device) = self.devices.join_next().await {
            devices.push(device??);
        }
        Ok(devices)
    }
}

impl Progress {
    /// How many messages were accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.journals.iter().map(|(_, journal)| journal.view(|view| view.accepted)).sum()
    }

    /// Waits until so many are.
    pub(crate) async fn wait_for_accepted(&self, wanted: u64) -> anyhow::Result<()> {
        let missing = || {
            let accepted = self.accepted();
            if accepted >= wanted { Vec::new() } else { vec![format!("{} messages", wanted - accepted)] }
        };
        self.pulse.until_nothing_is_missing(missing).await
    }

    /// Waits until everything that is under way now has its outcome.
    pub(crate) async fn wait_for_outcomes(&self) -> anyhow::Result<()> {
        let open = |journal: &Journal| journal.view(|view| view.open.clone());
        let before: Vec<_> = self.journals.iter().map(|(_, journal)| (journal, open(journal))).collect();
        let missing = || {
            let still = before.iter().flat_map(|(journal, before)| &open(journal) & before);
            still.map(|of| format!("the outcome of {of:?}")).collect()
        };
        self.pulse.until_nothing_is_missing(missing).await
    }
}

struct Writer {
    device: Device,
    dice: Dice,
    pulse: Pulse,
    wants_new_chats: Arc<AtomicBool>,
    sent: u64,
    new_chats: u64,
}

impl Writer {
    async fn run(mut self, mut stop: watch::Receiver<bool>) -> anyhow::Result<Device> {
        self.device.begin().await?;
        while !*stop.borrow_and_update() {
            select! {
                _ = stop.changed() => continue,
                room = self.room() => room?,
            }
            self.act().await?;
        }
        Ok(self.device)
    }

    /// Waits until another message may be sent. A client that often finds no server waits longer and longer before it
    /// looks again, so there is no saying how long that takes; a round that gets nowhere is noticed as a whole.
    async fn room(&self) -> anyhow::Result<()> {
        let journal = self.device.journal();
        let refused = journal.view(|view| view.refused.clone());
        ensure!(refused.is_empty(), "nothing was to be refused: {refused:?}");
        self.pulse.until(|| journal.view(|view| view.open.len()) < OPEN_MAX).await;
        Ok(())
    }

    async fn act(&mut self) -> anyhow::Result<()> {
        if self.dice.once_in(ENDS_ONCE_IN) {
            let ending = if self.dice.once_in(2) { Ending::Kill } else { Ending::Close };
            self.device.end(ending).await?;
            self.device.begin().await
        } else if self.dice.once_in(5) {
            self.read().await
        } else {
            let to = self.peer();
            let text = format!("{} writes {} to {to}", self.device.name(), self.sent);
            self.sent += 1;
            self.device.send(&to, text).await
        }
    }

    /// Opens a chat, often up to its end.
    async fn read(&mut self) -> anyhow::Result<()> {
        let seen: Vec<_> =
            self.device.journal().view(|view| view.seen.iter().map(|(chat, seq)| (chat.clone(), *seq)).collect());
        let Some((chat, last)) = self.dice.one_of(&seen).cloned() else { return Ok(()) };
        let seq = if self.dice.once_in(3) { 1 + self.dice.below(last) } else { last };
        self.device.read(&chat, seq).await
    }

    fn peer(&mut self) -> String {
        let is_wanted = self.wants_new_chats.load(Ordering::Relaxed);
        let once_in = if is_wanted { NEW_CHAT_ONCE_IN.1 } else { NEW_CHAT_ONCE_IN.0 };
        if self.dice.once_in(once_in) {
            self.new_chats += 1;
            return format!("stranger {} of {}", self.new_chats, self.device.name());
        }
        let others: Vec<_> = cast::users().into_iter().filter(|user| *user != self.device.user()).collect();
        self.dice.one_of(&others).copied().unwrap_or("ana").to_owned()
    }
}
