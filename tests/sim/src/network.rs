//! Connections between devices and gateways, in the transports that both sides know.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use async_trait::async_trait;
use chasqui_client::{Close, ConnectError, Connector};
use chasqui_gateway::Gateway;
use chasqui_wire::Code;
use futures::{Sink, SinkExt, Stream, StreamExt};
use parking_lot::Mutex;

use crate::{
    pipe::{Cut, Line, Receiver, Sender, pipe},
    process::Process,
    trace::Trace,
};

/// What goes to a gateway.
enum Up {
    Text(String),
    Ping,
    Pong,
}

/// What goes to a device.
enum Down {
    Text(String),
    Ping,
    Pong,
    Close(Code),
}

/// A life of a gateway that takes connections.
#[derive(Clone)]
pub(crate) struct Listener {
    /// Its process.
    pub(crate) process: Process,
    /// The gateway.
    pub(crate) gateway: Arc<Gateway>,
}

/// Who listens, and who is connected. Clones are the same.
#[derive(Clone)]
pub(crate) struct Network(Arc<Inner>);

struct Inner {
    /// Every gateway's lives, in the order in which they began to listen.
    listeners: Mutex<Vec<Vec<Listener>>>,
    connections: Mutex<Vec<Connection>>,
    trace: Trace,
}

struct Connection {
    device: String,
    line: Line,
}

impl Network {
    /// A network with so many gateways, none of which listens.
    #[must_use]
    pub(crate) fn new(gateways: usize, trace: Trace) -> Self {
        let listeners = Mutex::new(vec![Vec::new(); gateways]);
        Self(Arc::new(Inner { listeners, connections: Mutex::default(), trace }))
    }

    /// From now on a life of a gateway takes its connections.
    pub(crate) fn listen(&self, gateway: usize, listener: Listener) {
        if let Some(lives) = self.0.listeners.lock().get_mut(gateway) {
            lives.retain(|life| life.process.is_alive());
            lives.push(listener);
        }
    }

    /// The gateways that can be reached, each at the last of its lives that is there.
    #[must_use]
    pub(crate) fn listeners(&self) -> Vec<Listener> {
        let listeners = self.0.listeners.lock();
        let last = |lives: &Vec<Listener>| lives.iter().rfind(|life| life.process.is_alive()).cloned();
        listeners.iter().filter_map(last).collect()
    }

    /// Breaks the connections of a device.
    pub(crate) fn cut(&self, device: &str) {
        self.each(device, Line::cut);
    }

    /// Lets nothing through on the connections of a device before a time.
    pub(crate) fn hold(&self, device: &str, until: Duration) {
        self.each(device, |line| line.hold(until));
    }

    fn each(&self, device: &str, act: impl Fn(&Line)) {
        let of_device: Vec<_> = {
            let connections = self.0.connections.lock();
            connections.iter().filter(|it| it.device == device).map(|it| it.line.clone()).collect()
        };
        of_device.iter().for_each(act);
    }
}

/// How a device reaches a gateway: any that it can.
pub(crate) struct Dialer {
    /// The device's process.
    pub(crate) process: Process,
    /// Where it dials.
    pub(crate) network: Network,
}

#[async_trait]
impl Connector for Dialer {
    async fn connect(&self) -> Result<Box<dyn chasqui_client::Transport>, ConnectError> {
        let scheduler = self.process.scheduler();
        let latency = self.process.roll(|dice| dice.ms(0..50));
        scheduler.sleep(latency).await;
        let listeners = self.network.listeners();
        if listeners.is_empty() {
            return Err(ConnectError::Failed(failed(Cut)));
        }
        let at = self.process.roll(|dice| dice.below(listeners.len()));
        let Listener { process: server, gateway } = listeners[at].clone();
        let line = Line::default();
        let (up, from_device) = pipe(scheduler, &line, latencies(&self.process));
        let (down, from_gateway) = pipe(scheduler, &line, latencies(&server));
        self.network.0.trace.note(|| format!("{} connects to {}", self.process.name(), server.name()));
        {
            let mut connections = self.network.0.connections.lock();
            let device = self.process.name().to_owned();
            connections.retain(|connection| connection.device != device || !connection.line.is_over());
            connections.push(Connection { device, line });
        }
        let down = Arc::new(Mutex::new(down));
        let (target, source) = (ServerTarget { down: down.clone() }, ServerSource { up: from_device, down });
        server.run(async move { gateway.serve(target, source).await });
        Ok(Box::new(DeviceEnd { up, down: from_gateway, is_over: false }))
    }
}

/// Mostly short, now and then long.
fn latencies(process: &Process) -> impl FnMut() -> Duration + Send + 'static {
    let process = process.clone();
    move || {
        process.roll(|dice| match dice.below(20) {
            0 => dice.ms(0..200),
            1..6 => dice.ms(0..10),
            _ => Duration::ZERO,
        })
    }
}

fn failed(cut: Cut) -> chasqui_client::TransportError {
    chasqui_client::TransportError(Box::new(cut))
}

/// A device's end.
struct DeviceEnd {
    up: Sender<Up>,
    down: Receiver<Down>,
    is_over: bool,
}

impl Stream for DeviceEnd {
    type Item = Result<chasqui_client::Incoming, chasqui_client::TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        use chasqui_client::Incoming;
        let this = &mut *self;
        if this.is_over {
            return Poll::Ready(None);
        }
        let incoming = match ready!(this.down.poll_next_unpin(cx)) {
            Some(Ok(Down::Text(text))) => Incoming::Text(text),
            Some(Ok(Down::Ping)) => {
                this.up.push(Up::Pong);
                Incoming::Alive
            }
            Some(Ok(Down::Pong)) => Incoming::Alive,
            Some(Ok(Down::Close(code))) => {
                this.is_over = true;
                let close = code.close().map(|number| Close { number, reason: code.as_str().to_owned() });
                Incoming::Close(close)
            }
            Some(Err(cut)) => {
                this.is_over = true;
                return Poll::Ready(Some(Err(failed(cut))));
            }
            None => return Poll::Ready(None),
        };
        Poll::Ready(Some(Ok(incoming)))
    }
}

impl Sink<chasqui_client::Outgoing> for DeviceEnd {
    type Error = chasqui_client::TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.up.poll_ready_unpin(cx).map_err(failed)
    }

    fn start_send(mut self: Pin<&mut Self>, outgoing: chasqui_client::Outgoing) -> Result<(), Self::Error> {
        let frame = match outgoing {
            chasqui_client::Outgoing::Text(text) => Up::Text(text),
            chasqui_client::Outgoing::Ping => Up::Ping,
        };
        self.up.start_send_unpin(frame).map_err(failed)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.up.poll_flush_unpin(cx).map_err(failed)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.up.poll_close_unpin(cx).map_err(failed)
    }
}

type Shared<T> = Arc<Mutex<Sender<T>>>;

/// A gateway's end: what comes.
struct ServerSource {
    up: Receiver<Up>,
    /// To answer pings.
    down: Shared<Down>,
}

impl Stream for ServerSource {
    type Item = Result<chasqui_gateway::Incoming, chasqui_gateway::TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        use chasqui_gateway::{Incoming, TransportError};
        let incoming = match ready!(self.up.poll_next_unpin(cx)) {
            Some(Ok(Up::Text(text))) => Ok(Incoming::Text(text.into())),
            Some(Ok(Up::Ping)) => {
                self.down.lock().push(Down::Pong);
                Ok(Incoming::Ping)
            }
            Some(Ok(Up::Pong)) => Ok(Incoming::Pong),
            Some(Err(cut)) => Err(TransportError(Box::new(cut))),
            None => return Poll::Ready(None),
        };
        Poll::Ready(Some(incoming))
    }
}

/// A gateway's end: what goes.
struct ServerTarget {
    down: Shared<Down>,
}

impl Sink<chasqui_gateway::Outgoing> for ServerTarget {
    type Error = chasqui_gateway::TransportError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.down.lock().poll_ready_unpin(cx).map_err(broken)
    }

    fn start_send(self: Pin<&mut Self>, outgoing: chasqui_gateway::Outgoing) -> Result<(), Self::Error> {
        let frame = match outgoing {
            chasqui_gateway::Outgoing::Text(text) => Down::Text(text.as_str().to_owned()),
            chasqui_gateway::Outgoing::Ping => Down::Ping,
            chasqui_gateway::Outgoing::Close(code) => Down::Close(code),
        };
        self.down.lock().start_send_unpin(frame).map_err(broken)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.down.lock().poll_flush_unpin(cx).map_err(broken)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.down.lock().poll_close_unpin(cx).map_err(broken)
    }
}

fn broken(cut: Cut) -> chasqui_gateway::TransportError {
    chasqui_gateway::TransportError(Box::new(cut))
}
