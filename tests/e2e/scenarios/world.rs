//! The server of a scenario, its operator, and those who ask it over HTTP.

use std::{net::SocketAddr, path::Path};

use anyhow::{Context, ensure};
use chasqui_client::Rest;
use chasqui_config::DEV_ADMIN_TOKEN;
use chasqui_tests::{
    gate::Gate,
    process::{self, KillAt, Server, Setup},
    witness::{Witness, ask},
};
use reqwest::{Method, RequestBuilder};

use crate::format::{Everybody, Scenario, WriteTo};

/// The failpoints at which a server may be killed.
const KILL_AT: &[&str] = &["gateway::after_append"];

pub(crate) struct World {
    setup: Setup,
    /// In front of servers whose addresses differ.
    pub(crate) gate: Gate,
    server: Option<Server>,
    address: String,
    /// Of the answers over HTTP.
    pub(crate) witness: Witness,
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
    pub(crate) fn token(user: &str, seconds: Option<u64>, write_to: Option<&WriteTo>) -> anyhow::Result<String> {
        let ttl = seconds.map_or("12h".to_owned(), |seconds| format!("{seconds}s"));
        let mut arguments = vec!["token", "--dev", "--user", user, "--ttl", &ttl];
        match write_to {
            Some(WriteTo::Everybody(Everybody::Star)) => arguments.push("--write-to-all"),
            Some(WriteTo::Users(users)) if !users.is_empty() => {
                arguments.push("--write-to");
                arguments.extend(users.iter().map(String::as_str));
            }
            _ => {}
        }
        process::run(&arguments)
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

    /// A user who asks over HTTP.
    pub(crate) fn rest(&self, user: &str) -> anyhow::Result<Rest> {
        Ok(self.witness.rest(&self.address, Self::token(user, None, None)?)?)
    }

    /// The same for what the client library doesn't ask: a user's question for what is at a path.
    pub(crate) fn question(&self, method: Method, user: &str, path: &str) -> anyhow::Result<RequestBuilder> {
        let url = format!("http://{}{path}", self.address);
        Ok(reqwest::Client::new().request(method, url).bearer_auth(Self::token(user, None, None)?))
    }
}

fn plain(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
