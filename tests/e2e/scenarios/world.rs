//! The server of a scenario, its operator, and those who ask it over HTTP.

use std::{net::SocketAddr, path::Path};

use anyhow::{Context, ensure};
use chasqui_client::Rest;
use chasqui_config::DEV_ADMIN_TOKEN;
use chasqui_tests::{
    gate::Gate,
    process::{self, KillAt},
    servers::{Place, Servers},
    witness::{Witness, ask},
};
use reqwest::{Method, RequestBuilder};

use crate::format::{Everybody, Scenario, WriteTo};

/// Who bans asks one gateway, whoever is banned.
const OPERATOR: &str = "operator";

/// The failpoints at which a server may be killed.
const KILL_AT: &[&str] = &["gateway::after_append"];

pub(crate) struct World {
    servers: Servers,
    /// In front of servers whose addresses differ.
    gates: Vec<Gate>,
    /// Where sessions are taken now.
    addresses: Vec<SocketAddr>,
    /// Of the answers over HTTP.
    pub(crate) witness: Witness,
}

impl World {
    /// With servers that serve.
    pub(crate) async fn new(place: Place, more: &[String], scenario: &Scenario, folder: &Path) -> anyhow::Result<Self> {
        let own = scenario.options.iter().map(|(key, value)| format!("{key}={}", plain(value)));
        let options: Vec<_> = own.chain(more.iter().cloned()).collect();
        let servers = Servers::new(place, folder, &options)?;
        let mut world = Self { servers, gates: Vec::new(), addresses: Vec::new(), witness: Witness::default() };
        world.start(None).await?;
        Ok(world)
    }

    /// Where a user's devices connect. All of them go to one gateway, and those who write to each other to two where there
    /// are as many.
    pub(crate) fn gate(&self, user: &str) -> anyhow::Result<SocketAddr> {
        Ok(self.gates.get(self.gateway_of(user)).context("there is no gate")?.address())
    }

    fn gateway_of(&self, user: &str) -> usize {
        user.bytes().next().map_or(0, usize::from) % self.gates.len().max(1)
    }

    /// Where it is itself.
    fn address(&self, user: &str) -> anyhow::Result<String> {
        Ok(self.addresses.get(self.gateway_of(user)).context("there is no server")?.to_string())
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
        let kill_at = kill_at.map(|name| {
            let point = KILL_AT.iter().find(|point| **point == name).with_context(|| format!("no failpoint {name}"));
            point.map(|point| KillAt { point, count: 1, pause_ms: 0 })
        });
        self.addresses = self.servers.start(kill_at.transpose()?).await?;
        while self.gates.len() < self.addresses.len() {
            self.gates.push(Gate::open().await?);
        }
        for (gate, address) in self.gates.iter().zip(&self.addresses) {
            gate.lead_to(Some(*address));
        }
        Ok(())
    }

    /// Stops the servers as an operator does; they may not have complained of anything.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        self.servers.stop().await?;
        self.close_gates();
        Ok(())
    }

    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        self.servers.kill().await?;
        self.close_gates();
        Ok(())
    }

    /// A server dies by itself, and the others with it.
    pub(crate) async fn dies(&mut self) -> anyhow::Result<()> {
        self.servers.die().await?;
        self.close_gates();
        Ok(())
    }

    fn close_gates(&self) {
        self.gates.iter().for_each(|gate| gate.lead_to(None));
    }

    pub(crate) async fn ban(&self, user: &str, device: Option<&str>, is_banned: bool) -> anyhow::Result<()> {
        let device = device.map_or(String::new(), |device| format!("/devices/{device}"));
        let url = format!("http://{}/v1/admin/bans/{user}{device}", self.address(OPERATOR)?);
        let http = reqwest::Client::new();
        let request = if is_banned { http.put(url) } else { http.delete(url) };
        let (status, _) = ask(request.bearer_auth(DEV_ADMIN_TOKEN)).await?;
        ensure!(status.is_success(), "the server answers {status}");
        Ok(())
    }

    /// A user who asks over HTTP.
    pub(crate) fn rest(&self, user: &str) -> anyhow::Result<Rest> {
        Ok(self.witness.rest(&self.address(user)?, Self::token(user, None, None)?)?)
    }

    /// The same for what the client library doesn't ask: a user's question for what is at a path.
    pub(crate) fn question(&self, method: Method, user: &str, path: &str) -> anyhow::Result<RequestBuilder> {
        let url = format!("http://{}{path}", self.address(user)?);
        Ok(reqwest::Client::new().request(method, url).bearer_auth(Self::token(user, None, None)?))
    }
}

fn plain(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
