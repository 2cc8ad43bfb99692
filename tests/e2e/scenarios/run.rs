//! Does what a file says, step by step, and then makes sure that there was nothing else.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use chasqui_client::{ChangeAsked, Draft, Error, Group, Update};
use chasqui_domain::{Role, Seq, TimeMs, UserId};
use chasqui_tests::{servers::Place, wait::within};
use chasqui_wire::{
    Code,
    frames::{self, Failed, Token},
};
use tokio::time::sleep;

use crate::{
    check::LAST,
    format::{Change, Create, Device, Edit, Everybody, React, RoleOf, Seen, Send, Source, Step, WriteTo},
    names::Names,
    player::Player,
    seen::{compare, role_name},
    world::World,
};

struct Run {
    world: World,
    players: BTreeMap<Device, Player>,
    names: Names,
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
    let mut run = Run { world, players, names: Names::default() };
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
            Step::Create(create) => self.create(create).await,
            Step::Change(change) => self.change(change).await,
            Step::Read { device, with, seq } => {
                let chat = self.names.chat(&device.user, with)?;
                let reading = self.player(device)?.client()?.read(chat, Seq(*seq));
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
                let chat = self.names.chat(&device.user, with)?.to_string();
                self.player(device)?.log.until_marked(&chat, of, *delivered, *read).await
            }
            Step::Counts { device, with, seq, delivered, read } => {
                let chat = self.names.chat(&device.user, with)?.to_string();
                self.player(device)?.log.until_counted(&chat, *seq, *delivered, *read).await
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
            Step::Later { than } => later(self.names.time(than)?).await,
            Step::Chats(asked) => self.world.chats(asked, &self.names).await,
            Step::History(asked) => self.world.history(asked, &self.names).await,
            Step::PutRead { user, with, seq, fails } => {
                self.world.put_read(user, self.names.chat(user, with)?, *seq, fails.as_deref()).await
            }
            Step::Receipts(asked) => self.world.receipts(asked, &self.names).await,
            Step::Has(asked) => self.world.has(asked, &self.names).await,
            Step::Members(asked) => self.world.members(asked, &self.names).await,
            Step::Reactions(asked) => self.world.reactions(asked, &self.names).await,
            Step::Changes(asked) => self.world.changes(asked, &self.names).await,
            Step::Devices { user, devices } => self.world.devices(user, devices).await,
        }
    }

    fn player(&mut self, device: &Device) -> anyhow::Result<&mut Player> {
        self.players.get_mut(device).with_context(|| format!("there is no device {device}"))
    }

    async fn send(&mut self, send: &Send) -> anyhow::Result<()> {
        let Send { device, to, r#as: name, text, bytes, reply_to, mentions, meta } = send;
        let text = text.clone().unwrap_or_else(|| "x".repeat(bytes.unwrap_or_default()));
        let mentions = users(mentions)?;
        let draft = Draft {
            reply_to: reply_to.map(Seq),
            mentions,
            meta: meta.clone(),
            ..Draft::text(self.names.to(to)?, text)
        };
        let (chat, own) = (self.names.chat(&device.user, to)?, self.names.unused());
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
        self.names.asks(device, Some(chat), id, name);
        Ok(())
    }

    async fn create(&mut self, create: &Create) -> anyhow::Result<()> {
        let Create { device, r#as: name, members, title, picture } = create;
        let group = Group { members: users(members)?, title: title.clone(), picture: picture.clone() };
        let id = within("a client takes a group", self.player(device)?.client()?.create(group)).await??;
        self.names.asks(device, None, id, name);
        Ok(())
    }

    async fn change(&mut self, change: &Change) -> anyhow::Result<()> {
        let Change { device, with, r#as: name, .. } = change;
        let (to, chat, asked) = (self.names.to(with)?, self.names.chat(&device.user, with)?, asked(change)?);
        let id = within("a client takes a change", self.player(device)?.client()?.change(to, asked)).await??;
        self.names.asks(device, Some(chat), id, name);
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
            match (wanted, &update) {
                (Seen::Sent { of, .. }, Update::Sent { sent, .. }) => self.names.is_sent(of, sent.time),
                (Seen::Done { of, .. }, Update::Done { done, .. }) => self.names.is_done(of, done.chat),
                _ => {}
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

fn users(names: &[String]) -> anyhow::Result<Vec<UserId>> {
    Ok(names.iter().map(UserId::new).collect::<Result<_, _>>()?)
}

/// What a step asks to be changed.
fn asked(change: &Change) -> anyhow::Result<ChangeAsked> {
    let Change { add, remove, role, title, picture, edit, delete, react, pin, unpin, .. } = change;
    if let Some(Edit { seq, text }) = edit {
        let edit = frames::Edit {
            seq: Seq(*seq),
            text: Some(text.clone()),
            content_type: None,
            body: None,
            reply_to: None,
            mentions: Vec::new(),
            meta: None,
        };
        return Ok(ChangeAsked::Edit(Box::new(edit)));
    }
    if let Some(React { seq, reaction }) = react {
        return Ok(ChangeAsked::React { seq: Seq(*seq), reaction: reaction.clone() });
    }
    match (delete, pin, unpin) {
        (Some(seq), _, _) => return Ok(ChangeAsked::Delete { seq: Seq(*seq) }),
        (_, Some(seq), _) => return Ok(ChangeAsked::Pin { seq: Seq(*seq) }),
        (_, _, Some(seq)) => return Ok(ChangeAsked::Unpin { seq: Seq(*seq) }),
        _ => {}
    }
    Ok(match (add, remove, role) {
        (Some(add), _, _) => ChangeAsked::Add { users: users(add)? },
        (_, Some(remove), _) => ChangeAsked::Remove { user: UserId::new(remove)? },
        (_, _, Some(RoleOf { user, role })) => ChangeAsked::Role { user: UserId::new(user)?, role: role_of(role)? },
        _ if change.leave => ChangeAsked::Leave {},
        _ => ChangeAsked::Describe { title: title.clone(), picture: picture.clone() },
    })
}

fn role_of(name: &str) -> anyhow::Result<Role> {
    let is_it = |role: &Role| role_name(*role) == name;
    [Role::Member, Role::Admin, Role::Owner].into_iter().find(is_it).with_context(|| format!("{name:?} is no role"))
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
