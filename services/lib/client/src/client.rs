//! What an app holds.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use chasqui_domain::{ChatId, Counter, DeviceId, Seq};
use chasqui_wire::frames::{SendFrame, Token};
use futures::Stream;
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    time::Instant,
};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::{
    core::Core,
    error::Error,
    options::Options,
    rest::without_userinfo,
    state::{self, StateFile},
    task::{App, Call, Dialer, Task},
    update::{Draft, Update},
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
#[derive(Debug, Clone)]
pub struct Client {
    calls: mpsc::Sender<Call>,
    device: DeviceId,
    unsent: Arc<[SendFrame]>,
    again_at: watch::Receiver<Option<Instant>>,
    tokens: Arc<watch::Sender<Option<Token>>>,
}

impl Client {
    /// Reads the state and begins to connect. That goes on in a task of the tokio runtime that this is called in, for
    /// as long as the [`Updates`] are there and until [`Client::close`].
    ///
    /// # Errors
    /// When the URL is none, or the state can't be read or is another device's. That the server can't be reached is no
    /// error: the client goes on trying, and says so among the updates.
    pub async fn connect(options: Options) -> Result<(Self, Updates), Error> {
        let Options { url, token, user, device, state: path, observer } = options;
        if let Err(error) = url.as_str().into_client_request() {
            return Err(Error::Url { url: without_userinfo(&url), why: error.to_string() });
        }
        let (file, kept) = match path {
            Some(path) => {
                let (file, kept) = blocking(move || StateFile::open(path)).await?;
                (Some(file), kept)
            }
            None => (None, None),
        };
        let state = match (kept, device) {
            (Some(state), Some(given)) if state.device != given => {
                return Err(Error::OtherDevice { kept: state.device, given });
            }
            (Some(state), _) => state,
            // 32 hexadecimal digits are always a device id.
            (None, device) => state::fresh(device).map_err(|_| Error::Closed)?,
        };
        let device = state.device.clone();
        let unsent = state.outbox.unsent().cloned().collect();
        let core = Core::new(state, token, user, rand::random());
        let (calls, taken_calls) = mpsc::channel(CALLS_MAX);
        let (updates, taken_updates) = mpsc::channel(UPDATES_MAX);
        let (pauses, again_at) = watch::channel(None);
        let taken = Arc::new(Taken::default());
        let tokens = Arc::new(watch::Sender::new(None));
        let app = App { calls: taken_calls, updates, taken: taken.clone(), tokens: tokens.clone() };
        let dialer = Dialer { url: url.into(), observer, pauses };
        tokio::spawn(Task::new(core, dialer, file, app).run());
        Ok((Self { calls, device, unsent, again_at, tokens }, Updates { updates: taken_updates, taken, last: 0 }))
    }

    /// The device that this is.
    #[must_use]
    pub fn device(&self) -> &DeviceId {
        &self.device
    }

    /// The messages that had no outcome yet when the state was read, in their order. They are being sent again, and
    /// their outcomes are among the updates.
    #[must_use]
    pub fn unsent(&self) -> &[SendFrame] {
        &self.unsent
    }

    /// When the client connects again; none while it is connected or connecting.
    #[must_use]
    pub fn again_at(&self) -> Option<Instant> {
        *self.again_at.borrow()
    }

    /// Takes a message and gives its id, which is the device's count in that chat: its outcome comes as
    /// [`Update::Sent`] or [`Update::Failed`]. With a state file, the message is durable on this side when this
    /// returns. It is taken without a connection, too.
    ///
    /// # Errors
    /// [`Error::Full`] when too many wait for their outcome; [`Error::ToOneself`]; [`Error::Closed`], behind which the
    /// message may still be found in the state file and sent by the next client on it.
    pub async fn send(&self, draft: Draft) -> Result<Counter, Error> {
        self.call(|reply| Call::Send(Box::new(draft), reply)).await
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

/// Runs what blocks. It ends without an answer only when the runtime is shut down.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Closed)?
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
