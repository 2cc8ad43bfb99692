//! A WebSocket without manners: says whatever it is told to. What it is answered is held against the documents.

use anyhow::{Context, anyhow, bail, ensure};
use chasqui_client::Direction;
use chasqui_tests::documented;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::frame::Frame},
};

use crate::tokens;

pub(crate) type WebSocket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) struct Socket(pub(crate) WebSocket);

impl Socket {
    pub(crate) async fn open(server: &str) -> anyhow::Result<Self> {
        Ok(Self(connect_async(format!("ws://{server}/v1/socket")).await?.0))
    }

    /// A session that has caught up.
    pub(crate) async fn session(server: &str, user: &str, device: &str) -> anyhow::Result<Self> {
        let mut socket = Self::open(server).await?;
        socket.text(documented_frame(&hello(&tokens::good(user)?, device, None))?).await?;
        socket.until("welcome").await?;
        socket.until("caught_up").await?;
        Ok(socket)
    }

    pub(crate) async fn hello(&mut self, token: &str, device: &str, cursor: Option<&str>) -> anyhow::Result<()> {
        self.say(hello(token, device, cursor)).await
    }

    pub(crate) async fn say(&mut self, frame: Value) -> anyhow::Result<()> {
        self.text(frame.to_string()).await
    }

    pub(crate) async fn text(&mut self, text: impl Into<String>) -> anyhow::Result<()> {
        Ok(self.0.send(Message::text(text.into())).await?)
    }

    pub(crate) async fn binary(&mut self, bytes: &'static [u8]) -> anyhow::Result<()> {
        Ok(self.0.send(Message::binary(bytes)).await?)
    }

    /// Says the same until the connection ends, and reads whatever comes meanwhile; gives the last frame of the protocol.
    pub(crate) async fn floods(self, message: Message) -> anyhow::Result<(Value, Option<u16>)> {
        let (mut write, mut read) = self.0.split();
        let flood = async { while write.send(message.clone()).await.is_ok() {} };
        let end = async {
            let (mut last, mut number) = (Value::Null, None);
            while let Some(Ok(message)) = read.next().await {
                match message {
                    Message::Text(text) => last = understood(&text)?,
                    Message::Close(close) => number = close.map(|close| close.code.into()),
                    _ => {}
                }
            }
            anyhow::Ok((last, number))
        };
        tokio::join!(flood, end).1
    }

    /// One frame of the transport, as it is.
    pub(crate) async fn frame(&mut self, frame: Frame) -> anyhow::Result<()> {
        Ok(self.0.send(Message::Frame(frame)).await?)
    }

    /// The next frame of the protocol.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Value> {
        loop {
            match self.0.next().await.context("the connection is gone")?? {
                Message::Text(text) => return understood(&text),
                Message::Close(close) => bail!("closed with {close:?}"),
                _ => {}
            }
        }
    }

    /// Reads on until a frame of this type.
    pub(crate) async fn until(&mut self, kind: &str) -> anyhow::Result<Value> {
        loop {
            let frame = self.next().await?;
            if frame["type"] == kind {
                return Ok(frame);
            }
            ensure!(frame["type"] != "error", "no {kind} but {frame}");
        }
    }

    /// Reads on until a message was sent or has failed.
    pub(crate) async fn outcome(&mut self) -> anyhow::Result<Value> {
        loop {
            let frame = self.next().await?;
            match frame["type"].as_str() {
                Some("sent" | "failed") => return Ok(frame),
                kind => ensure!(kind == Some("delayed"), "no outcome but {frame}"),
            }
        }
    }

    /// That the next frame is an error of this code, and that the session goes on.
    pub(crate) async fn is_told(&mut self, code: &str) -> anyhow::Result<()> {
        let frame = self.next().await?;
        ensure!(frame["type"] == "error" && frame["code"] == code, "no {code} but {frame}");
        self.goes_on().await
    }

    /// That the session is open and answers.
    pub(crate) async fn goes_on(&mut self) -> anyhow::Result<()> {
        self.say(json!({"type": "receipts", "chats": []})).await?;
        let frame = self.next().await?;
        ensure!(frame["type"] == "receipts", "no answer but {frame}");
        Ok(())
    }

    /// That the connection ends, with this code and the number of its close. Other frames may come before.
    pub(crate) async fn ends(&mut self, code: &str, number: u16) -> anyhow::Result<()> {
        let mut last = Value::Null;
        loop {
            match self.0.next().await.with_context(|| format!("no close behind {last}"))? {
                Ok(Message::Text(text)) => last = understood(&text)?,
                Ok(Message::Close(Some(close))) => {
                    ensure!(last["type"] == "error" && last["code"] == code, "{last} before {close:?}");
                    ensure!(u16::from(close.code) == number && close.reason.as_str() == code, "{close:?}");
                    return Ok(());
                }
                Ok(Message::Close(None)) => bail!("closed without a word behind {last}"),
                Ok(_) => {}
                Err(error) => return Err(error).with_context(|| format!("behind {last}")),
            }
        }
    }

    /// That the connection ends in any way.
    pub(crate) async fn is_cut(&mut self) -> anyhow::Result<()> {
        while let Some(Ok(message)) = self.0.next().await {
            if let Message::Text(text) = message {
                understood(&text)?;
            }
        }
        Ok(())
    }
}

fn hello(token: &str, device: &str, cursor: Option<&str>) -> Value {
    let mut frame = json!({"type": "hello", "token": token, "device": device});
    if let Some(cursor) = cursor {
        frame["cursor"] = cursor.into();
    }
    frame
}

/// A frame of somebody honest, which is one of those that the documents know.
pub(crate) fn documented_frame(frame: &Value) -> anyhow::Result<String> {
    let text = frame.to_string();
    documented::frame(Direction::ToServer, &text).map_err(|why| anyhow!(why))?;
    Ok(text)
}

/// A frame of the server, which is one of those that the documents know.
pub(crate) fn understood(text: &str) -> anyhow::Result<Value> {
    documented::frame(Direction::FromServer, text).map_err(|why| anyhow!(why))?;
    Ok(serde_json::from_str(text)?)
}
