//! Connections and a storage in memory.

use std::{
    collections::VecDeque,
    future::pending,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use async_trait::async_trait;
use chasqui_client::{
    Client, Close, ConnectError, Connector, Environment, Identity, Incoming, Outgoing, Storage, Token, Transport,
    TransportError, Updates,
};
use chasqui_runtime::Runtime;
use chasqui_testkit::Clock;
use futures::{
    Sink, Stream, StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
};
use serde_json::{Value, json};

/// The client's end of a connection. Flushing takes a turn of the scheduler, as a socket's does at times.
struct Line {
    comes: UnboundedReceiver<Incoming>,
    goes: UnboundedSender<Outgoing>,
    is_flushing: bool,
}

impl Stream for Line {
    type Item = Result<Incoming, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.comes.poll_next_unpin(cx).map(|came| came.map(Ok))
    }
}

impl Sink<Outgoing> for Line {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), TransportError> {
        self.goes.unbounded_send(outgoing).map_err(|error| TransportError(Box::new(error)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.is_flushing = !self.is_flushing;
        if self.is_flushing {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.goes.close_channel();
        Poll::Ready(Ok(()))
    }
}

/// The server's end of a connection.
pub(crate) struct Peer {
    says: UnboundedSender<Incoming>,
    hears: UnboundedReceiver<Outgoing>,
}

impl Peer {
    pub(crate) fn say(&self, frame: &Value) {
        self.says.unbounded_send(Incoming::Text(frame.to_string())).unwrap();
    }

    pub(crate) fn close(&self, number: u16, reason: &str) {
        let close = Close { number, reason: reason.to_owned() };
        self.says.unbounded_send(Incoming::Close(Some(close))).unwrap();
    }

    /// The next frame of this type; others are passed over. None when the client has said goodbye.
    pub(crate) async fn next(&mut self, wanted: &str) -> Option<Value> {
        loop {
            let Outgoing::Text(text) = self.hears.next().await? else { continue };
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame["type"] == wanted {
                return Some(frame);
            }
        }
    }

    /// Hears the hello and welcomes the client.
    pub(crate) async fn welcome(&mut self) -> Value {
        let hello = self.next("hello").await.unwrap();
        self.say(&json!({
            "type": "welcome", "user": "alice", "device": hello["device"], "session": "1", "resumed": true,
            "time": 1, "expires": 600_001,
            "unacked_max": 4, "outstanding_max": 4, "body_bytes_max": 1000, "idle_ms": 60_000,
        }));
        hello
    }
}

type Answer = Result<Box<dyn Transport>, ConnectError>;

/// A server that answers as it was told to, and then not at all.
#[derive(Default)]
pub(crate) struct Server(Mutex<VecDeque<Answer>>);

impl Server {
    /// The next connection succeeds.
    pub(crate) fn accept(&self) -> Peer {
        let ((says, comes), (goes, hears)) = (unbounded(), unbounded());
        self.0.lock().unwrap().push_back(Ok(Box::new(Line { comes, goes, is_flushing: false })));
        Peer { says, hears }
    }

    /// The next connection doesn't.
    pub(crate) fn fail(&self, why: ConnectError) {
        self.0.lock().unwrap().push_back(Err(why));
    }
}

#[async_trait]
impl Connector for Server {
    async fn connect(&self) -> Answer {
        let answer = self.0.lock().unwrap().pop_front();
        match answer {
            Some(answer) => answer,
            None => pending().await,
        }
    }
}

/// What becomes of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Save {
    Done,
    Failed,
    /// It hangs, and has happened or has not.
    Hangs {
        has_happened: bool,
    },
}

/// Clones are the same disk.
#[derive(Clone)]
pub(crate) struct Disk {
    kept: Arc<Mutex<Option<Vec<u8>>>>,
    save: Arc<Mutex<Save>>,
}

impl Disk {
    pub(crate) fn new() -> Self {
        Self { kept: Arc::default(), save: Arc::new(Mutex::new(Save::Done)) }
    }

    pub(crate) fn set(&self, save: Save) {
        *self.save.lock().unwrap() = save;
    }
}

#[async_trait]
impl Storage for Disk {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    async fn load(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.kept.lock().unwrap().clone())
    }

    async fn save(&self, bytes: Vec<u8>) -> io::Result<()> {
        let save = *self.save.lock().unwrap();
        match save {
            Save::Failed => return Err(io::Error::other("full")),
            Save::Hangs { has_happened: false } => pending().await,
            Save::Done | Save::Hangs { has_happened: true } => *self.kept.lock().unwrap() = Some(bytes),
        }
        if save != Save::Done {
            pending::<()>().await;
        }
        Ok(())
    }
}

/// What a client of `server` that keeps its state on `disk` is started with.
pub(crate) fn environment(runtime: Runtime, server: &Arc<Server>, disk: &Disk) -> Environment {
    Environment { runtime, connector: server.clone(), storage: Some(Box::new(disk.clone())), observer: None }
}

pub(crate) fn identity() -> Identity {
    Identity { token: Token("t".to_owned()), user: None, device: None }
}

/// A client on tokio's scheduler, for whom no time goes by.
pub(crate) async fn start(server: &Arc<Server>, disk: &Disk) -> (Client, Updates) {
    Client::start(environment(Runtime::new(Clock::default()), server, disk), identity()).await.unwrap()
}
