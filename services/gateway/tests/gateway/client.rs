//! A client over a real WebSocket.

use std::time::Duration;

use chasqui_wire::{
    Code,
    frames::{self, Failure, ServerFrame, Welcome},
};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Bytes, Error, Message},
};

use crate::bench::{Bench, token};

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

pub(crate) async fn try_connect(bench: &Bench) -> Result<Client, Error> {
    let (socket, _) = connect_async(format!("ws://{}/v1/socket", bench.address)).await?;
    Ok(Client(socket))
}

/// Connects, says hello, and reads the welcome.
pub(crate) async fn welcomed(bench: &Bench, name: &str, device: &str, cursor: Option<&str>) -> (Client, Welcome) {
    let mut client = try_connect(bench).await.unwrap();
    client.hello(&token(name, Duration::from_secs(600)), device, cursor).await;
    let ServerFrame::Welcome(welcome) = client.next().await else { panic!("no welcome") };
    assert_eq!((welcome.user.as_str(), welcome.device.as_str()), (name, device));
    assert_eq!(welcome.resumed, welcome.not_resumed.is_none(), "it says why, or that it goes on");
    (client, *welcome)
}

/// The same; gives whether the cursor was taken up.
pub(crate) async fn attach(bench: &Bench, name: &str, device: &str, cursor: Option<&str>) -> (Client, bool) {
    let (client, welcome) = welcomed(bench, name, device, cursor).await;
    (client, welcome.resumed)
}

/// Connects without a cursor, and waits until the session is live.
pub(crate) async fn live(bench: &Bench, name: &str, device: &str) -> Client {
    let (mut client, resumed) = attach(bench, name, device, None).await;
    assert!(!resumed);
    client.caught_up().await;
    client
}

impl Client {
    pub(crate) async fn hello(&mut self, token: &str, device: &str, cursor: Option<&str>) {
        self.say(json!({"type": "hello", "token": token, "device": device, "cursor": cursor})).await;
    }

    pub(crate) async fn say(&mut self, frame: Value) {
        self.raw(frame.to_string()).await;
    }

    pub(crate) async fn raw(&mut self, text: String) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn ping(&mut self) {
        self.0.send(Message::Ping(Bytes::new())).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> ServerFrame {
        loop {
            match self.message().await {
                Some(Message::Text(text)) => return frames::parse(&text).unwrap(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("no frame but {other:?}"),
            }
        }
    }

    /// The next frame, which must be a message.
    pub(crate) async fn message_frame(&mut self) -> frames::Message {
        match self.next().await {
            ServerFrame::Message(message) => *message,
            other => panic!("no message but {other:?}"),
        }
    }

    /// Asks something, whose answer must be the next frame: nothing else was on its way.
    pub(crate) async fn nothing_waits(&mut self) {
        self.say(json!({"type": "receipts", "chats": []})).await;
        match self.next().await {
            ServerFrame::Receipts(_) => {}
            other => panic!("there was more: {other:?}"),
        }
    }

    pub(crate) async fn caught_up(&mut self) -> String {
        match self.next().await {
            ServerFrame::CaughtUp(frame) => frame.cursor,
            other => panic!("not caught up but {other:?}"),
        }
    }

    /// The connection's last words: the error's code, and the number of the close.
    pub(crate) async fn end(&mut self) -> (String, u16) {
        let failure = self.error().await;
        self.closed_with(failure).await
    }

    /// The next frame, which must be an error.
    pub(crate) async fn error(&mut self) -> Failure {
        match self.next().await {
            ServerFrame::Error(failure) => failure,
            other => panic!("no error but {other:?}"),
        }
    }

    /// The last words behind errors that did not end the connection.
    pub(crate) async fn end_behind_errors(&mut self) -> (String, u16) {
        loop {
            match self.next().await {
                ServerFrame::Error(failure) if failure.code == Code::BadFrame => {}
                ServerFrame::Error(failure) => return self.closed_with(failure).await,
                other => panic!("no error but {other:?}"),
            }
        }
    }

    pub(crate) async fn closed_with(&mut self, failure: Failure) -> (String, u16) {
        match self.message().await {
            Some(Message::Close(Some(frame))) => {
                assert_eq!(frame.reason.as_str(), failure.code.as_str());
                (failure.code.as_str().to_owned(), frame.code.into())
            }
            other => panic!("no close but {other:?}"),
        }
    }

    /// The last words of a session that may have caught up before.
    pub(crate) async fn end_behind_caught_up(&mut self) -> (String, u16) {
        loop {
            match self.next().await {
                ServerFrame::CaughtUp(_) => {}
                ServerFrame::Error(failure) => return self.closed_with(failure).await,
                other => panic!("no error but {other:?}"),
            }
        }
    }

    /// Whether the connection ends without a word.
    pub(crate) async fn is_cut(&mut self) -> bool {
        let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("an end in time");
        message.is_none_or(|message| message.is_err())
    }

    async fn message(&mut self) -> Option<Message> {
        let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("a message in time");
        message.transpose().expect("a message")
    }
}
