//! What an app holds.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use chasqui_domain::{ChatId, Counter, DeviceId, Seq};
use chasqui_runtime::Runtime;
use chasqui_wire::frames::{ChangeAsked, Token};
use futures::Stream;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::{
    asked::{Asked, Wish},
    core::{Core, State},
    dialer::Dialer,
    error::Error,
    options::{Environment, Identity, Options},
    state,
    state_file::StateFile,
    storage::Storage,
    task::{App, Call, Task},
    update::{Draft, Group, To, Update},
    websocket::WebSocket,
};

/// So many updates wait for the app; then the socket is no longer read.
const UPDATES_MAX: usize = 256;
/// So many calls wait for the client's task.
const CALLS_MAX: usize = 64;

/// How far the app has come, told from its stream to the client's task.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    number: AtomicU64,
    changed: Notify,
}

impl Taken {
    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// Waits until it has come further since the last wait.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn set(&self, number: u64) {
        if self.number.fetch_max(number, Ordering::AcqRel) < number {
            self.changed.notify_one();
        }
    }
}

/// A handle to a client; its clones are the same client. Dropping all of them leaves it running for its [`Updates`].
#[derive(Clone)]
pub struct Client {
    calls: mpsc::Sender<Call>,
    device: DeviceId,
    unsent: Arc<[Asked]>,
    runtime: Runtime,
    /// By the runtime's monotonic clock.
    again_at: watch::Receiver<Option<Duration>>,
    tokens: Arc<watch::Sender<Option<Token>>>,
}

impl Client {
    /// Takes the state file and begins to connect. That goes on in a task of the tokio runtime that this is called in, for
    /// as long as the [`Updates`] are there and until [`Client::close`].
    ///
    /// # Errors
    /// When the URL is none, another client has the state file, or as [`Client::start`].
    pub async fn connect(options: Options) -> Result<(Self, Updates), Error> {
        let Options { url, token, user, device, state: path, observer } = options;
        let connector = Arc::new(WebSocket::new(url)?);
        let storage: Option<Box<dyn Storage>> = match path {
            Some(path) => Some(Box::new(StateFile::open(path).await?)),
            None => None,
        };
        let environment = Environment { runtime: Runtime::real(), connector, storage, observer };
        Self::start(environment, Identity { token, user, device }).await
    }

    /// Reads the state and begins to connect, in an environment that the caller brings. Everything else goes on in one
    /// task of its runtime, for as long as the [`Updates`] are there and until [`Client::close`]. That task may be killed
    /// at any await: what is left is what a crash of the process would have left.
    ///
    /// # Errors
    /// When the state can't be read or is another device's. That the server can't be reached is no error: the client goes
    /// on trying, and says so among the updates.
    pub async fn start(environment: Environment, identity: Identity) -> Result<(Self, Updates), Error> {
        let Environment { runtime, connector, storage, observer } = environment;
        let Identity { token, user, device } = identity;
        let kept = match &storage {
            Some(storage) => load(storage.as_ref()).await?,
            None => None,
        };
        let state = match (kept, device) {
            (Some(state), Some(given)) if state.device != given => {
                return Err(Error::OtherDevice { kept: state.device, given });
            }
            (Some(state), _) => state,
            // 32 hexadecimal digits are always a device id.
            (None, device) => state::fresh(device, &runtime).map_err(|_| Error::Closed)?,
        };
        let device = state.device.clone();
        let unsent = state.outbox.unsent().cloned().collect();
        let core = Core::new(state, token, user, u64::from_be_bytes(runtime.random()));
        let (calls, taken_calls) = mpsc::channel(CALLS_MAX);
        let (updates, taken_updates) = mpsc::channel(UPDATES_MAX);
        let (pauses, again_at) = watch::channel(None);
        let taken = Arc::new(Taken::default());
        let tokens = Arc::new(watch::Sender::new(None));
        let app = App { calls: taken_calls, updates, taken: taken.clone(), tokens: tokens.clone() };
        let dialer = Dialer { runtime: runtime.clone(), connector, observer, again_at: pauses };
        runtime.spawn("client", Task::new(core, dialer, storage, app).run()).detach();
        let client = Self { calls, device, unsent, runtime, again_at, tokens };
        Ok((client, Updates { updates: taken_updates, taken, last: 0 }))
    }

    /// The device that this is.
    #[must_use]
    pub fn device(&self) -> &DeviceId {
        &self.device
    }

    /// What had no outcome yet when the state was read, in its order. It is being asked again, and the outcomes are among
    /// the updates.
    #[must_use]
    pub fn unsent(&self) -> &[Asked] {
        &self.unsent
    }

    /// In what time the client connects again; none while it is connected or connecting.
    #[must_use]
    pub fn again_in(&self) -> Option<Duration> {
        let again_at = *self.again_at.borrow();
        again_at.map(|at| at.saturating_sub(self.runtime.monotonic()))
    }

    /// Takes a message and gives its id, which is the device's count in that chat: its outcome comes as
    /// [`Update::Sent`] or [`Update::Failed`]. With a state file, the message is durable on this side when this
    /// returns. It is taken without a connection, too.
    ///
    /// # Errors
    /// [`Error::Full`] when too many wait for their outcome; [`Error::ToOneself`]; [`Error::Closed`], behind which the
    /// message may still be found in the state file and sent by the next client on it.
    pub async fn send(&self, draft: Draft) -> Result<Counter, Error> {
        self.ask(Wish::Send(draft)).await
    }

    /// Asks for a group and gives the id of that, which is the device's count of groups: its outcome, with the group's chat, comes
    /// as [`Update::Done`] or [`Update::Failed`]. Otherwise as [`Client::send`].
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn create(&self, group: Group) -> Result<Counter, Error> {
        self.ask(Wish::Create(group)).await
    }

    /// Asks for a change of a group, or for something to be done to a message of any chat, and gives its id, which is the device's count in that chat: its outcome comes as
    /// [`Update::Done`] or [`Update::Failed`]. Otherwise as [`Client::send`].
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn change(&self, to: impl Into<To>, change: ChangeAsked) -> Result<Counter, Error> {
        self.ask(Wish::Change(to.into(), change)).await
    }

    async fn ask(&self, wish: Wish) -> Result<Counter, Error> {
        self.call(|reply| Call::Ask(Box::new(wish), reply)).await
    }

    /// The user has opened a chat up to a seq. The client repeats it until the server has confirmed it.
    ///
    /// # Errors
    /// [`Error::Full`] when too many chats wait for a confirmation; [`Error::Closed`].
    pub async fn read(&self, chat: ChatId, seq: Seq) -> Result<(), Error> {
        self.call(|reply| Call::Read(chat, seq, reply)).await
    }

    /// Brings another token of the same user: for the open session, and for those that follow. What becomes of it comes as
    /// [`Update::Renewed`] or [`Update::NotRenewed`], or, without a session, with the next one. A client that waits for a
    /// token connects at once. Of several that are brought in a row the last counts.
    pub fn renew(&self, token: Token) {
        self.tokens.send_replace(Some(token));
    }

    /// Acknowledges what was handled, saves the state, and ends the client. Messages without an outcome stay in the
    /// state file.
    pub async fn close(self) {
        // One that has ended already is closed.
        let _ = self.call(Call::Close).await;
    }

    async fn call<T>(&self, call: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Call) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.calls.send(call(reply)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }
}

async fn load(storage: &dyn Storage) -> Result<Option<State>, Error> {
    let bytes = storage.load().await.map_err(|source| Error::State { place: storage.place(), source })?;
    let parse = |bytes: Vec<u8>| state::parse(&bytes).map_err(|why| Error::BadState { place: storage.place(), why });
    bytes.map(parse).transpose()
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("device", &self.device).finish_non_exhaustive()
    }
}

/// What the app is told, in order; ends when the client has ended. Must be read on, or the client stands still: no
/// message gets its outcome. Dropping it ends the client.
#[derive(Debug)]
pub struct Updates {
    updates: mpsc::Receiver<(u64, Update)>,
    taken: Arc<Taken>,
    last: u64,
}

impl Updates {
    /// The next update; the one before counts as handled. Cancel safe.
    pub async fn next(&mut self) -> Option<Update> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Says that the last update was handled, before the next is asked for.
    pub fn done(&mut self) {
        self.taken.set(self.last);
    }
}

impl Stream for Updates {
    type Item = Update;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update>> {
        self.done();
        self.updates.poll_recv(cx).map(|next| {
            let (number, update) = next?;
            self.last = number;
            Some(update)
        })
    }
}
