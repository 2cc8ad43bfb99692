//! A device: the real client on connections and a disk that may fail, and an app that writes down what it is told.

mod deeds;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chasqui_client::{Client, Draft, Environment, Group, Identity, Storage, Token, Updates};
use chasqui_domain::{ChatId, DeviceId, Seq, UserId};
use chasqui_oracle::{InGroup, Line};
use chasqui_testkit::transcript;
use chasqui_wire::frames::ChangeAsked;
use futures::{
    channel::oneshot,
    future::{Either, select},
};
use parking_lot::Mutex;

use crate::{
    journal::{Journal, View},
    network::{Dialer, Network},
    process::Process,
};

/// What a device asks for that makes a group.
pub(crate) const MAKES: &str = "a group";

/// A device.
pub(crate) struct Device {
    user: UserId,
    id: DeviceId,
    token: Token,
    journal: Journal,
    index: usize,
    disk: Arc<Mutex<Option<Vec<u8>>>>,
    life: Mutex<Option<Life>>,
}

/// One life of its app.
struct Life {
    process: Process,
    app: Arc<App>,
    stop: Option<oneshot::Sender<()>>,
}

#[derive(Default)]
struct App {
    client: Mutex<Option<Client>>,
    /// Calls that have no answer yet.
    calls: AtomicUsize,
    /// Until then it takes nothing.
    naps_until: Mutex<Duration>,
}

impl Device {
    /// A device that was never on.
    #[must_use]
    pub(crate) fn new(user: UserId, id: DeviceId, token: Token, journal: Journal) -> Self {
        let index = journal.begin(user.as_str(), id.as_str());
        Self { user, id, token, journal, index, disk: Arc::default(), life: Mutex::default() }
    }

    /// What its processes are called.
    #[must_use]
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.user, self.id)
    }

    /// Whose it is.
    #[must_use]
    pub(crate) fn user(&self) -> &UserId {
        &self.user
    }

    /// What it has come to.
    #[must_use]
    pub(crate) fn view(&self) -> View {
        self.journal.view(self.index)
    }

    /// The process of its app.
    #[must_use]
    pub(crate) fn process(&self) -> Option<Process> {
        self.life.lock().as_ref().map(|life| life.process.clone()).filter(Process::is_alive)
    }

    /// Opens the app in a process.
    pub(crate) fn begin(&self, process: Process, network: Network) {
        let (stop, stopped) = oneshot::channel();
        let app = Arc::<App>::default();
        *self.life.lock() = Some(Life { process: process.clone(), app: app.clone(), stop: Some(stop) });
        self.journal.note(self.index, Line::Began);
        let environment = Environment {
            runtime: process.runtime(),
            connector: Arc::new(Dialer { process: process.clone(), network }),
            storage: Some(Box::new(Disk { content: self.disk.clone(), process: process.clone() })),
            observer: None,
        };
        let identity =
            Identity { token: self.token.clone(), user: Some(self.user.clone()), device: Some(self.id.clone()) };
        let (journal, index) = (self.journal.clone(), self.index);
        process.clone().run(async move {
            let started = Client::start(environment, identity).await;
            let (client, updates) = match started {
                Ok(started) => started,
                Err(error) => {
                    let code = format!("the client doesn't start: {error}");
                    return journal.note(index, Line::Failed { chat: None, id: None, code, retry: false });
                }
            };
            *app.client.lock() = Some(client.clone());
            let mut updates = pump(updates, &app, &process, &journal, index, stopped).await;
            app.client.lock().take();
            while app.calls.load(Ordering::Relaxed) > 0 {
                process.scheduler().sleep(Duration::from_millis(1)).await;
            }
            updates.done();
            client.close().await;
            journal.note(index, Line::Ended { killed: false });
            let scheduler = process.scheduler().clone();
            // A process can't end itself while it runs.
            scheduler.clone().spawn(crate::scheduler::WORLD, async move { process.kill() });
        });
    }

    /// Ends the app without a last word.
    pub(crate) fn kill(&self) {
        let Some(life) = self.life.lock().take().filter(|life| life.process.is_alive()) else { return };
        life.process.kill();
        self.journal.note(self.index, Line::Ended { killed: true });
    }

    /// Closes the app; it takes a while.
    pub(crate) fn close(&self) {
        if let Some(stop) = self.life.lock().as_mut().and_then(|life| life.stop.take()) {
            // One that has ended needs no word.
            let _ = stop.send(());
        }
    }

    /// The app takes nothing before a time.
    pub(crate) fn nap(&self, until: Duration) {
        if let Some(life) = self.life.lock().as_ref() {
            *life.app.naps_until.lock() = until;
        }
    }

    /// Sends so many messages, one after the other.
    pub(crate) fn send(&self, to: &UserId, texts: Vec<String>) {
        let Some((process, app, client)) = self.client() else { return };
        let (to, chat) = (to.clone(), ChatId::direct(&self.user, to).to_string());
        let (journal, index) = (self.journal.clone(), self.index);
        process.run(async move {
            for text in texts {
                let (chat, to) = (chat.clone(), to.clone());
                journal.note(index, Line::Sending { to: to.to_string(), chat: chat.clone(), text: text.clone() });
                // A client that has too much already, or was closed meanwhile, doesn't take it.
                let Ok(id) = client.send(Draft::text(to, text.clone())).await else { break };
                journal.note(index, Line::Send { chat, id: id.0, text });
            }
            app.calls.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Opens the chat with another user as far as the device has seen it.
    pub(crate) fn read(&self, with: &UserId) {
        let chat = ChatId::direct(&self.user, with);
        let Some(seq) = self.view().seen.get(&chat.to_string()).copied() else { return };
        let Some((process, app, client)) = self.client() else { return };
        let (journal, index) = (self.journal.clone(), self.index);
        process.run(async move {
            journal.note(index, Line::Reading { chat: chat.to_string(), seq });
            // One that was closed meanwhile doesn't take it.
            let _ = client.read(chat, Seq(seq)).await;
            app.calls.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Asks for a group with others, and says which it is to be.
    pub(crate) fn create_group(&self, members: Vec<UserId>, asked: Arc<Mutex<Option<ChatId>>>) {
        let Some((process, app, client)) = self.client() else { return };
        let (journal, index, user, device) = (self.journal.clone(), self.index, self.user.clone(), self.id.clone());
        process.run(async move {
            let group = Group { members, title: "group".to_owned(), picture: None };
            if let Ok(id) = client.create(group).await {
                let chat = ChatId::group(&user, &device, id);
                let what = MAKES.to_owned();
                let says = None;
                journal.note(index, Line::Group(InGroup::Asked { chat: chat.to_string(), id: id.0, what, says }));
                *asked.lock() = Some(chat);
            }
            app.calls.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Sends so many messages to a group, one after the other.
    pub(crate) fn send_to_group(&self, group: ChatId, texts: Vec<String>) {
        let Some((process, app, client)) = self.client_in(group) else { return };
        let (journal, index, chat) = (self.journal.clone(), self.index, group.to_string());
        process.run(async move {
            for text in texts {
                journal.note(index, Line::Group(InGroup::Writing { chat: chat.clone(), text: text.clone() }));
                let Ok(id) = client.send(Draft::text(group, text.clone())).await else { break };
                let (chat, what) = (chat.clone(), format!("{text:?}"));
                journal.note(index, Line::Group(InGroup::Asked { chat, id: id.0, what, says: None }));
            }
            app.calls.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Opens a group as far as the device has seen it.
    pub(crate) fn read_group(&self, group: ChatId) {
        let chat = group.to_string();
        let Some(seq) = self.view().seen.get(&chat).copied() else { return };
        let Some((process, app, client)) = self.client() else { return };
        let (journal, index) = (self.journal.clone(), self.index);
        process.run(async move {
            journal.note(index, Line::Group(InGroup::Reading { chat, seq }));
            let _ = client.read(group, Seq(seq)).await;
            app.calls.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Asks for a change of a group.
    pub(crate) fn change_group(&self, group: ChatId, change: ChangeAsked) {
        let Some((process, app, client)) = self.client_in(group) else { return };
        let (journal, index, chat) = (self.journal.clone(), self.index, group.to_string());
        process.run(async move {
            let what = format!("{change:?}");
            if let Ok(id) = client.change(group, change).await {
                journal.note(index, Line::Group(InGroup::Asked { chat, id: id.0, what, says: None }));
            }
            app.calls.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Begins a call of the app that is about a group. Whoever asked for that has no other way to know which it is than
    /// to be told.
    fn client_in(&self, group: ChatId) -> Option<(Process, Arc<App>, Client)> {
        let (view, chat) = (self.view(), group.to_string());
        if view.has_made.contains(&chat) && !view.knows(&chat) { None } else { self.client() }
    }

    /// Begins a call of the app.
    fn client(&self) -> Option<(Process, Arc<App>, Client)> {
        let life = self.life.lock();
        let life = life.as_ref().filter(|life| life.process.is_alive())?;
        let client = life.app.client.lock().clone()?;
        life.app.calls.fetch_add(1, Ordering::Relaxed);
        Some((life.process.clone(), life.app.clone(), client))
    }
}

/// Writes everything down until it is told to stop.
async fn pump(
    mut updates: Updates,
    app: &App,
    process: &Process,
    journal: &Journal,
    index: usize,
    mut stopped: oneshot::Receiver<()>,
) -> Updates {
    let scheduler = process.scheduler();
    loop {
        let next = async {
            loop {
                let nap = app.naps_until.lock().saturating_sub(scheduler.now());
                if nap.is_zero() {
                    break;
                }
                // It may be woken earlier.
                scheduler.sleep(nap.min(Duration::from_secs(1))).await;
            }
            updates.next().await
        };
        match select(&mut stopped, std::pin::pin!(next)).await {
            Either::Left(_) => break,
            Either::Right((None, _)) => break,
            Either::Right((Some(update), _)) => {
                // What the app does with it takes a while now and then.
                let busy = process.roll(|dice| if dice.in_a_thousand(100) { dice.ms(0..200) } else { Duration::ZERO });
                scheduler.sleep(busy).await;
                transcript::lines(update).into_iter().for_each(|line| journal.note(index, line));
            }
        }
    }
    updates
}

/// A device's disk, of one file.
struct Disk {
    content: Arc<Mutex<Option<Vec<u8>>>>,
    process: Process,
}

impl Disk {
    async fn wait(&self) {
        let wait = self.process.roll(|dice| if dice.in_a_thousand(50) { dice.ms(0..500) } else { dice.ms(0..2) });
        self.process.scheduler().sleep(wait).await;
    }
}

#[async_trait]
impl Storage for Disk {
    fn place(&self) -> String {
        "a disk".to_owned()
    }

    async fn load(&self) -> io::Result<Option<Vec<u8>>> {
        self.wait().await;
        Ok(self.content.lock().clone())
    }

    async fn save(&self, bytes: Vec<u8>) -> io::Result<()> {
        self.wait().await;
        *self.content.lock() = Some(bytes);
        self.process.writes();
        self.wait().await;
        Ok(())
    }
}
