//! The server of a scenario, its operator, and those who ask it over HTTP.

use std::{net::SocketAddr, path::Path};

use anyhow::{Context, bail, ensure};
use chasqui_client::{Rest, rest::Error};
use chasqui_config::DEV_ADMIN_TOKEN;
use chasqui_domain::Seq;
use chasqui_tests::{
    gate::Gate,
    process::{self, KillAt, Server, Setup},
    wait::within,
    witness::{Witness, ask},
};
use chasqui_wire::frames::{ChatsQuery, MessagesQuery};

use crate::{
    format::{ChatSeen, History, Scenario},
    seen::{chat_of, compare_message},
};

/// The failpoints at which a server may be killed.
const KILL_AT: &[&str] = &["gateway::after_append"];

pub(crate) struct World {
    setup: Setup,
    /// In front of servers whose addresses differ.
    pub(crate) gate: Gate,
    server: Option<Server>,
    address: String,
    /// Of the answers over HTTP.
    witness: Witness,
}

impl World {
    /// With a server that serves.
    pub(crate) async fn new(scenario: &Scenario, folder: &Path) -> anyhow::Result<Self> {
        let mut setup = Setup::new(folder, &[]);
        setup.options = scenario.options.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect();
        let (gate, witness) = (Gate::open().await?, Witness::default());
        let mut world = Self { setup, gate, server: None, address: String::new(), witness };
        world.start(None).await?;
        Ok(world)
    }

    /// A token of a user: one that outlives the scenario, or so many seconds.
    pub(crate) fn token(user: &str, seconds: Option<u64>) -> anyhow::Result<String> {
        let ttl = seconds.map_or("12h".to_owned(), |seconds| format!("{seconds}s"));
        process::run(&["token", "--dev", "--user", user, "--ttl", &ttl])
    }

    pub(crate) async fn start(&mut self, kill_at: Option<&str>) -> anyhow::Result<()> {
        ensure!(self.server.is_none(), "the server runs already");
        let kill_at = kill_at.map(|name| {
            let point = KILL_AT.iter().find(|point| **point == name).with_context(|| format!("no failpoint {name}"));
            point.map(|point| KillAt { point, count: 1, pause_ms: 0 })
        });
        let mut server = Server::start(&self.setup, kill_at.transpose()?)?;
        self.address = server.ready().await?;
        self.gate.lead_to(Some(self.address.parse::<SocketAddr>()?));
        self.server = Some(server);
        Ok(())
    }

    /// Stops the server as an operator does; it may not have complained of anything.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        self.take_server()?.stop().await?;
        self.gate.lead_to(None);
        Ok(())
    }

    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        let mut server = self.take_server()?;
        server.kill().await?;
        self.gate.lead_to(None);
        server.complaints()
    }

    /// The server dies by itself.
    pub(crate) async fn dies(&mut self) -> anyhow::Result<()> {
        let mut server = self.take_server()?;
        server.died().await?;
        self.gate.lead_to(None);
        server.complaints()
    }

    fn take_server(&mut self) -> anyhow::Result<Server> {
        self.server.take().context("there is no server")
    }

    pub(crate) async fn ban(&self, user: &str, device: Option<&str>, is_banned: bool) -> anyhow::Result<()> {
        let device = device.map_or(String::new(), |device| format!("/devices/{device}"));
        let url = format!("http://{}/v1/admin/bans/{user}{device}", self.address);
        let http = reqwest::Client::new();
        let request = if is_banned { http.put(url) } else { http.delete(url) };
        let (status, _) = ask(request.bearer_auth(DEV_ADMIN_TOKEN)).await?;
        ensure!(status.is_success(), "the server answers {status}");
        Ok(())
    }

    pub(crate) async fn chats(
        &self,
        user: &str,
        wanted: Option<&[ChatSeen]>,
        fails: Option<&str>,
    ) -> anyhow::Result<()> {
        let answer = within("an answer", self.rest(user)?.chats(&ChatsQuery::default())).await?;
        let Some(page) = self.answer_or(fails, answer)? else { return Ok(()) };
        let mut seen: Vec<ChatSeen> = page
            .chats
            .into_iter()
            .map(|item| ChatSeen {
                with: item.with.to_string(),
                last_seq: item.last_seq.0,
                unread: item.unread,
                last_text: item.last_message.and_then(|message| message.text),
            })
            .collect();
        let mut wanted = wanted.unwrap_or_default().to_vec();
        // Their ids have no order that a person sees.
        seen.sort_by(|one, other| one.with.cmp(&other.with));
        wanted.sort_by(|one, other| one.with.cmp(&other.with));
        for (seen, wanted) in seen.iter_mut().zip(&wanted) {
            if wanted.last_text.is_none() {
                seen.last_text = None;
            }
        }
        ensure!(seen == wanted, "{user} sees {seen:?}");
        Ok(())
    }

    pub(crate) async fn history(&self, asked: &History) -> anyhow::Result<()> {
        let History { user, with, before, after, limit, messages, next, fails } = asked;
        let query =
            MessagesQuery { before: before.map(Seq), after: after.map(Seq), limit: *limit, ..MessagesQuery::default() };
        let answer = within("an answer", self.rest(user)?.messages(chat_of(user, with)?, &query)).await?;
        let Some(page) = self.answer_or(fails.as_deref(), answer)? else { return Ok(()) };
        let wanted = messages.as_deref().unwrap_or_default();
        let seqs: Vec<u64> = page.messages.iter().map(|message| message.seq.0).collect();
        ensure!(wanted.iter().map(|message| message.seq).eq(seqs.iter().copied()), "{user} sees {seqs:?}");
        for (wanted, message) in wanted.iter().zip(&page.messages) {
            compare_message(wanted, message)?;
        }
        ensure!(*next == page.next.map(|seq| seq.0), "the next page is {:?}", page.next);
        Ok(())
    }

    fn rest(&self, user: &str) -> anyhow::Result<Rest> {
        Ok(self.witness.rest(&self.address, Self::token(user, None)?)?)
    }

    /// The answer; none when it fails as it must.
    fn answer_or<T>(&self, fails: Option<&str>, answer: Result<T, Error>) -> anyhow::Result<Option<T>> {
        self.witness.is_content()?;
        match (fails, answer) {
            (None, answer) => Ok(Some(answer?)),
            (Some(code), Err(Error::Refused { problem })) if problem.code.as_str() == code => Ok(None),
            (Some(_), Err(error)) => Err(error.into()),
            (Some(code), Ok(_)) => bail!("it is answered, and not refused with {code}"),
        }
    }
}

fn plain(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
