//! Two honest people who talk all the time.

use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use chasqui_tests::wait::within;
use futures::{SinkExt, StreamExt, stream::SplitSink};
use serde_json::{Value, json};
use tokio::{
    sync::{Mutex, mpsc, watch},
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use tokio_tungstenite::tungstenite::Message;

use crate::socket::{Socket, WebSocket, documented_frame, understood};

/// One of the two: reads all the time, as clients do.
struct Honest {
    write: SplitSink<WebSocket, Message>,
    frames: mpsc::UnboundedReceiver<anyhow::Result<Value>>,
}

impl Honest {
    async fn connect(server: &str, user: &str) -> anyhow::Result<Self> {
        let (write, mut read) = Socket::session(server, user, "phone").await?.0.split();
        // They acknowledge what they get, so there is never much.
        let (sender, frames) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = read.next().await {
                if let Message::Text(text) = message {
                    let _ = sender.send(understood(&text));
                }
            }
        });
        Ok(Self { write, frames })
    }

    async fn say(&mut self, frame: Value) -> anyhow::Result<()> {
        Ok(self.write.send(Message::text(documented_frame(&frame)?)).await?)
    }

    async fn until(&mut self, kind: &str) -> anyhow::Result<Value> {
        loop {
            let frame = self.frames.recv().await.context("the connection is gone")??;
            if frame["type"] == kind {
                return Ok(frame);
            }
            ensure!(frame["type"] != "error" && frame["type"] != "failed", "no {kind} but {frame}");
        }
    }
}

/// They don't type faster than this, which is less than everybody may.
const PACE: Duration = Duration::from_millis(20);

/// Two who talk until they are stopped.
pub(crate) struct Pair {
    exchanged: watch::Receiver<u64>,
    stop: watch::Sender<bool>,
    talk: Mutex<Option<JoinHandle<anyhow::Result<()>>>>,
}

impl Pair {
    pub(crate) async fn start(server: &str) -> anyhow::Result<Self> {
        let (honest, other) = (Honest::connect(server, "alice").await?, Honest::connect(server, "bob").await?);
        let (stop, stopped) = watch::channel(false);
        let (sender, exchanged) = watch::channel(0);
        let talk = tokio::spawn(talk(honest, other, stopped, sender));
        Ok(Self { exchanged, stop, talk: Mutex::new(Some(talk)) })
    }

    /// How many messages went from one to the other, and were acknowledged.
    pub(crate) fn exchanged(&self) -> u64 {
        *self.exchanged.borrow()
    }

    /// Waits until they have come that far.
    pub(crate) async fn until_exchanged(&self, number: u64) -> anyhow::Result<()> {
        let mut exchanged = self.exchanged.clone();
        let reached = within("the two talk on", exchanged.wait_for(|exchanged| *exchanged >= number)).await?;
        if reached.map(drop).is_ok() {
            return Ok(());
        }
        self.stop().await?;
        Err(anyhow!("the two stopped talking"))
    }

    /// Waits until they have said what they were saying.
    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        match self.talk.lock().await.take() {
            Some(talk) => within("the two stop talking", talk).await??,
            None => Ok(()),
        }
    }
}

async fn talk(
    mut writer: Honest,
    mut reader: Honest,
    stopped: watch::Receiver<bool>,
    exchanged: watch::Sender<u64>,
) -> anyhow::Result<()> {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut id = 0;
    while !*stopped.borrow() {
        id += 1;
        let exchange = exchange(&mut writer, &mut reader, id);
        within("a message reaches the other", exchange).await?.with_context(|| format!("message {id}"))?;
        exchanged.send_modify(|exchanged| *exchanged += 1);
        pace.tick().await;
    }
    Ok(())
}

async fn exchange(writer: &mut Honest, reader: &mut Honest, id: u64) -> anyhow::Result<()> {
    let text = format!("message {id}");
    writer.say(json!({"type": "send", "id": id.to_string(), "to": "bob", "text": text})).await?;
    let sent = writer.until("sent").await?;
    ensure!(sent["seq"] == id && sent["id"].as_str() == Some(&id.to_string()), "{sent}");
    let message = reader.until("message").await?;
    ensure!(message["text"] == text && message["from"] == "alice", "{message}");
    ack(writer, &sent, None).await?;
    ack(reader, &message, Some(&message["seq"])).await
}

async fn ack(socket: &mut Honest, entry: &Value, seq: Option<&Value>) -> anyhow::Result<()> {
    let mut delivered = serde_json::Map::new();
    if let (Some(seq), Some(chat)) = (seq, entry["chat"].as_str()) {
        delivered.insert(chat.to_owned(), seq.clone());
    }
    socket.say(json!({"type": "ack", "cursor": entry["cursor"], "delivered": delivered})).await
}
