//! The shell around the core: brings it frames, time and the app's calls, and does what it asks for.

use std::{future::pending, sync::Arc, time::Duration};

use chasqui_domain::{ChatId, Counter, Seq};
use chasqui_runtime::Runtime;
use chasqui_wire::frames::Token;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    asked::Wish,
    client::Taken,
    core::{Core, State, Tick},
    dialer::{Dialer, Dialing},
    error::Error,
    socket::{self, Incoming, Socket},
    state,
    storage::Storage,
    update::{End, Update},
};

/// So many calls are taken before the state is saved, once for all of them.
const CALLS_AT_ONCE: usize = 64;
/// So many frames are written before others have their turn.
const FRAMES_AT_ONCE: usize = 64;

type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// What an app asks for.
#[derive(Debug)]
pub(crate) enum Call {
    Ask(Box<Wish>, Reply<Counter>),
    Read(ChatId, Seq, Reply<()>),
    Close(Reply<()>),
}

/// The ways to and from the app.
pub(crate) struct App {
    pub(crate) calls: mpsc::Receiver<Call>,
    pub(crate) updates: mpsc::Sender<(u64, Update)>,
    pub(crate) taken: Arc<Taken>,
    /// Kept here, too, so that there is always one who can send.
    pub(crate) tokens: Arc<watch::Sender<Option<Token>>>,
}

/// The connection.
enum Line {
    /// There is none to be.
    None,
    Dialing(Dialing),
    Open(Socket),
}

/// What happened.
enum Happened {
    Called(Option<Call>),
    Dialed(Result<Socket, socket::Error>),
    Came(Result<Incoming, socket::Error>),
    /// An update was told, time went by, or the app has brought something that every turn looks for.
    Turn,
    AppGone,
}

pub(crate) struct Task {
    core: Core,
    dialer: Dialer,
    storage: Option<Box<dyn Storage>>,
    app: App,
    are_calls_open: bool,
    tokens: watch::Receiver<Option<Token>>,
    runtime: Runtime,
    line: Line,
    /// Ids to give back once they are saved.
    given: Vec<(Reply<Counter>, Counter)>,
    closing: Vec<Reply<()>>,
}

impl Task {
    pub(crate) fn new(core: Core, dialer: Dialer, storage: Option<Box<dyn Storage>>, app: App) -> Self {
        let (line, tokens) = (Line::Dialing(dialer.dial(Duration::ZERO)), app.tokens.subscribe());
        let (runtime, given, closing) = (dialer.runtime.clone(), Vec::new(), Vec::new());
        Self { core, dialer, storage, app, are_calls_open: true, tokens, runtime, line, given, closing }
    }

    /// Runs until the app or the server ends the client.
    pub(crate) async fn run(mut self) {
        while !self.core.has_ended() {
            self.listen();
            if !self.closing.is_empty() {
                break;
            }
            self.work().await;
            if self.core.has_ended() {
                break;
            }
            match self.wait().await {
                Happened::AppGone => break,
                happened => self.handle(happened),
            }
        }
        self.finish().await;
    }

    fn now(&self) -> Duration {
        self.runtime.monotonic()
    }

    /// Takes what the app has brought. Every turn begins with it, so that [`Task::wait`] needs not be fair to the app.
    fn listen(&mut self) {
        for _ in 0..CALLS_AT_ONCE {
            let Ok(call) = self.app.calls.try_recv() else { break };
            self.call(call);
        }
        if self.tokens.has_changed().is_ok_and(|has_changed| has_changed) {
            self.renew();
        }
        self.core.taken(self.app.taken.number(), self.now());
    }

    /// Saves and writes what is due.
    async fn work(&mut self) {
        self.save().await;
        if let Err(error) = self.write().await {
            self.lost(&error);
        }
    }

    async fn save(&mut self) {
        let Some(state) = self.core.to_save(self.now()) else { return };
        if let Some(storage) = &self.storage
            && let Err(why) = keep(storage.as_ref(), state).await
        {
            // Dropping the replies tells the senders; whether the ids are on the disk is not known.
            self.given.clear();
            self.core.end(End::State(why));
            return;
        }
        self.core.saved();
        for (reply, id) in self.given.drain(..) {
            // A sender that no longer waits sees the outcome among the updates.
            let _ = reply.send(Ok(id));
        }
    }

    async fn write(&mut self) -> Result<(), socket::Error> {
        let tick = self.core.tick(self.now());
        let now = self.now();
        let Line::Open(socket) = &mut self.line else { return Ok(()) };
        match tick {
            Tick::Nothing => {}
            Tick::Ping => socket.ping().await?,
            Tick::HangUp => return Err(socket::Error::TooLong),
        }
        let mut is_dirty = false;
        for _ in 0..FRAMES_AT_ONCE {
            let Some(frame) = self.core.next_frame(now) else { break };
            socket.feed(&frame).await?;
            is_dirty = true;
        }
        if is_dirty { socket.flush().await } else { Ok(()) }
    }

    /// Waits until something happens. The order is fixed, since chance would make no two runs alike, and it starves nobody:
    /// an end comes first, and once; updates and the line, of which one is waited for at a time, come before what every
    /// turn looks at anyway, and does up to a bound before it waits here. So neither an app that calls without pause nor
    /// a server that talks without pause keeps the other waiting for more than a turn.
    async fn wait(&mut self) -> Happened {
        let now = self.now();
        let has_updates = self.core.has_updates();
        if has_updates {
            // Who isn't listened to can give no sign of life.
            self.core.heard(now);
        }
        let has_frames = self.core.has_frames(now) && matches!(self.line, Line::Open(_));
        let pause =
            if has_frames { Some(Duration::ZERO) } else { self.core.deadline(now).map(|at| at.saturating_sub(now)) };
        let turn = async {
            match pause {
                Some(pause) => self.runtime.sleep(pause).await,
                None => pending().await,
            }
        };
        let line = async {
            match &mut self.line {
                Line::None => pending().await,
                Line::Dialing(dialing) => Happened::Dialed(dialing.await),
                Line::Open(socket) => Happened::Came(socket.next().await),
            }
        };
        tokio::select! {
            biased;
            () = self.app.updates.closed() => Happened::AppGone,
            permit = self.app.updates.reserve(), if has_updates => match permit {
                Ok(permit) => {
                    if let Some(update) = self.core.next_update() {
                        permit.send(update);
                    }
                    Happened::Turn
                }
                Err(_) => Happened::AppGone,
            },
            happened = line, if !has_updates => happened,
            call = self.app.calls.recv(), if self.are_calls_open => Happened::Called(call),
            _ = self.tokens.changed() => {
                self.tokens.mark_changed();
                Happened::Turn
            }
            () = self.app.taken.changed() => Happened::Turn,
            () = turn => Happened::Turn,
        }
    }

    fn handle(&mut self, happened: Happened) {
        match happened {
            Happened::Called(Some(call)) => self.call(call),
            Happened::Called(None) => self.are_calls_open = false,
            Happened::Dialed(Ok(socket)) => {
                self.line = Line::Open(socket);
                self.core.connected(self.now());
            }
            Happened::Came(Ok(Incoming::Frame(frame))) => self.core.frame(frame, self.now()),
            Happened::Came(Ok(Incoming::Alive)) => self.core.heard(self.now()),
            Happened::Dialed(Err(error)) | Happened::Came(Err(error)) => self.lost(&error),
            Happened::Turn | Happened::AppGone => {}
        }
    }

    fn call(&mut self, call: Call) {
        match call {
            Call::Ask(wish, reply) => match self.core.ask(*wish) {
                Ok(id) => self.given.push((reply, id)),
                Err(error) => drop(reply.send(Err(error))),
            },
            Call::Read(chat, seq, reply) => drop(reply.send(self.core.read(chat, seq, self.now()))),
            Call::Close(reply) => self.closing.push(reply),
        }
    }

    fn renew(&mut self) {
        let Some(token) = self.tokens.borrow_and_update().clone() else { return };
        self.core.renew(token);
        if matches!(self.line, Line::None) && self.core.may_connect() {
            self.line = Line::Dialing(self.dialer.dial(Duration::ZERO));
        }
    }

    fn lost(&mut self, error: &socket::Error) {
        let again_in = self.core.disconnected(&error.parting());
        tracing::debug!(%error, ?again_in, "no connection");
        self.line = again_in.map_or(Line::None, |again_in| Line::Dialing(self.dialer.dial(again_in)));
    }

    /// Tells the server and the storage what is still untold, and the app that it is over.
    async fn finish(mut self) {
        // Nothing more is taken, so nobody waits for an answer.
        self.app.calls.close();
        if !self.core.has_ended() {
            // What was handled by now is untold, too.
            self.core.taken(self.app.taken.number(), self.now());
            self.core.close();
            self.work().await;
        } else {
            // The server hears no more. What was handled must not come again, though, if there is another client.
            self.core.taken(self.app.taken.number(), self.now());
            self.core.close();
            self.save().await;
        }
        if let Line::Open(socket) = &mut self.line {
            socket.close().await;
        }
        // Another client may have the state from here on.
        self.storage = None;
        for reply in self.closing.drain(..) {
            let _ = reply.send(Ok(()));
        }
        while let Some(update) = self.core.next_update() {
            if self.app.updates.send(update).await.is_err() {
                return;
            }
        }
    }
}

/// Saves the state; gives why it couldn't, for an app that gets it as text.
async fn keep(storage: &dyn Storage, state: &State) -> Result<(), String> {
    let bytes = state::to_bytes(state).map_err(|error| error.to_string())?;
    let failed = |error| format!("the state in {} can't be kept: {error}", storage.place());
    storage.save(bytes).await.map_err(failed)
}
