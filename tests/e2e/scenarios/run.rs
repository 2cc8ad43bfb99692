//! Does what a file says, step by step, and then makes sure that there was nothing else.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use chasqui_client::{Draft, Error, Update};
use chasqui_domain::{Counter, Seq, TimeMs, UserId};
use chasqui_tests::{servers::Place, wait::within};
use chasqui_wire::{
    Code,
    frames::{Failed, Token},
};
use tokio::time::sleep;

use crate::{
    asked::Times,
    check::LAST,
    format::{Device, Everybody, Seen, Send, Source, Step, WriteTo},
    player::Player,
    seen::{Names, chat_of, compare},
    world::World,
};

struct Run {
    world: World,
    players: BTreeMap<Device, Player>,
    names: Names,
    times: Times,
}

/// Runs a scenario with its files in a folder, and with options beside its own.
pub(crate) async fn run(place: Place, options: &[String], source: &Source, folder: &Path) -> anyhow::Result<()> {
    let world = World::new(place, options, &source.scenario, folder).await?;
    let player = |device: &Device| {
        let state = folder.join(format!("{}-{}.json", device.user, device.name));
        let url = format!("ws://{}/v1/socket", world.gate(&device.user)?);
        anyhow::Ok((device.clone(), Player::new(device.clone(), state, url)))
    };
    let players = source.scenario.devices.iter().map(|device| player(device.get_ref())).collect::<Result<_, _>>()?;
    let last = player(&Device { user: LAST.to_owned(), name: "device".to_owned() })?.1;
    let mut run = Run { world, players, names: Names::new(), times: Times::new() };
    for step in &source.scenario.steps {
        run.step(step.get_ref()).await.with_context(|| source.place(step))?;
    }
    run.nothing_else(last).await.context("at the end")
}

impl Run {
    async fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        match step {
            Step::Connect { device, name, cursor, cursor_of, token_s, write_to } => {
                let cursor = match cursor_of {
                    Some(other) => Some(self.player(other)?.cursor()?),
                    None => cursor.clone(),
                };
                let player = self.player(device)?;
                if let Some(cursor) = cursor {
                    player.set_cursor(&cursor)?;
                }
                let token = World::token(&device.user, *token_s, write_to.as_ref())?;
                player.connect(name.as_ref().unwrap_or(&device.name), token).await
            }
            Step::Disconnect { device } => self.player(device)?.disconnect().await,
            Step::Kill { device } => self.player(device)?.kill().await,
            Step::Send(send) => self.send(send).await,
            Step::Read { device, with, seq } => {
                let reading = self.player(device)?.client()?.read(chat_of(&device.user, with)?, Seq(*seq));
                Ok(within("a client takes a read", reading).await??)
            }
            Step::Renew { device, of, write_to } => {
                let token = World::token(of.as_ref().unwrap_or(&device.user), None, write_to.as_ref())?;
                self.player(device)?.client()?.renew(Token(token));
                Ok(())
            }
            Step::Hold { device } => self.player(device)?.hold(true),
            Step::Take { device, sent } => self.take(device, *sent).await,
            Step::See { device, updates, any_order } => self.see(device, updates, *any_order).await,
            Step::Marks { device, with, of, delivered, read } => {
                let chat = chat_of(&device.user, with)?.to_string();
                self.player(device)?.log.until_marked(&chat, of, *delivered, *read).await
            }
            Step::StopServer => self.world.stop().await,
            Step::KillServer => self.world.kill().await,
            Step::StartServer { kill_at } => self.world.start(kill_at.as_deref()).await,
            Step::ServerDies => self.world.dies().await,
            Step::RestartServer => {
                self.world.stop().await?;
                self.world.start(None).await
            }
            Step::Ban { user, device } => self.world.ban(user, device.as_deref(), true).await,
            Step::Unban { user, device } => self.world.ban(user, device.as_deref(), false).await,
            Step::Later { than } => later(*self.times.get(than).context("a message without a time")?).await,
            Step::Chats(asked) => self.world.chats(asked).await,
            Step::History(asked) => self.world.history(asked, &self.times).await,
            Step::PutRead { user, with, seq, fails } => self.world.put_read(user, with, *seq, fails.as_deref()).await,
            Step::Receipts(asked) => self.world.receipts(asked).await,
            Step::Has(asked) => self.world.has(asked).await,
            Step::Devices { user, devices } => self.world.devices(user, devices).await,
        }
    }

    fn player(&mut self, device: &Device) -> anyhow::Result<&mut Player> {
        self.players.get_mut(device).with_context(|| format!("there is no device {device}"))
    }

    async fn send(&mut self, send: &Send) -> anyhow::Result<()> {
        let Send { device, to, r#as: name, text, bytes, reply_to, mentions, meta } = send;
        let text = text.clone().unwrap_or_else(|| "x".repeat(bytes.unwrap_or_default()));
        let mentions = mentions.iter().map(UserId::new).collect::<Result<_, _>>()?;
        let draft =
            Draft { reply_to: reply_to.map(Seq), mentions, meta: meta.clone(), ..Draft::text(UserId::new(to)?, text) };
        let chat = chat_of(&device.user, to)?;
        let own = Counter(u64::MAX - self.names.len() as u64);
        let player = self.player(device)?;
        let id = match within("a client takes a message", player.client()?.send(draft)).await? {
            Ok(id) => id,
            // What a client refuses by itself is as good as refused by the server.
            Err(Error::TooLarge { .. }) => {
                let code = Code::BodyTooLarge;
                player.log.note(Update::Failed(Box::new(Failed {
                    cursor: None,
                    chat: Some(chat),
                    to: None,
                    id: Some(own),
                    code,
                    retry: code.retry(),
                    retry_in_ms: None,
                    message: code.meaning().to_owned(),
                    epoch: None,
                })));
                own
            }
            Err(error) => return Err(error.into()),
        };
        self.names.insert((device.clone(), chat.to_string(), id.0), name.clone());
        Ok(())
    }

    async fn see(&mut self, device: &Device, updates: &[Seen], any_order: bool) -> anyhow::Result<()> {
        let mut wanted: Vec<&Seen> = updates.iter().collect();
        while !wanted.is_empty() {
            let update =
                self.player(device)?.log.next().await.with_context(|| format!("{device} must see {wanted:?}"))?;
            let is_it = |wanted: &&Seen| compare(device, &self.names, wanted, &update).is_ok();
            let at = if any_order { wanted.iter().position(is_it) } else { None }.unwrap_or_default();
            let wanted = wanted.remove(at);
            compare(device, &self.names, wanted, &update).with_context(|| format!("{device} must see {wanted:?}"))?;
            if let (Seen::Sent { of, .. }, Update::Sent { sent, .. }) = (wanted, &update) {
                self.times.insert(of.clone(), sent.time);
            }
        }
        Ok(())
    }

    /// Takes updates again, of which the server must have sent just so many.
    async fn take(&mut self, device: &Device, sent: usize) -> anyhow::Result<()> {
        let player = self.player(device)?;
        player.log.until_written(sent).await?;
        ensure!(player.log.entries() == sent, "the server has written {} entries", player.log.entries());
        player.hold(false)
    }

    /// Somebody writes to everybody who is connected: that must be all that they see.
    async fn nothing_else(mut self, mut last: Player) -> anyhow::Result<()> {
        let there: Vec<Device> = self
            .players
            .values()
            .filter(|it| it.is_connected() && !it.log.has_ended())
            .map(|it| it.device.clone())
            .collect();
        if !there.is_empty() {
            let everybody = WriteTo::Everybody(Everybody::Star);
            last.connect("device", World::token(LAST, None, Some(&everybody))?).await?;
        }
        let mut users: Vec<&String> = there.iter().map(|device| &device.user).collect();
        users.dedup();
        for user in users {
            within("a message", last.client()?.send(Draft::text(UserId::new(user)?, "the end"))).await??;
        }
        for device in there {
            let update = self.player(&device)?.log.next().await.with_context(|| device.to_string())?;
            let is_last = matches!(&update, Update::Message(it) if it.from.as_str() == LAST);
            ensure!(is_last, "{device} sees {update:?}");
        }
        for (device, player) in &mut self.players {
            if player.is_connected() {
                player.disconnect().await.with_context(|| device.to_string())?;
            }
            player.log.is_empty().with_context(|| device.to_string())?;
        }
        if last.is_connected() {
            last.disconnect().await?;
        }
        self.world.stop().await
    }
}

/// Waits until the clock, which is the server's as well, is past a time.
async fn later(than: TimeMs) -> anyhow::Result<()> {
    let passed = async {
        while SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() <= u128::from(than.0) {
            sleep(Duration::from_millis(1)).await;
        }
        anyhow::Ok(())
    };
    within("the clock goes on", passed).await?
}
