//! The server, and what its users see.

use anyhow::{Result, bail, ensure};
use chasqui_client::{Client, Draft, Update, Updates};
use chasqui_domain::UserId;
use chasqui_tests::{
    process::{Server, Setup},
    wait::within,
    witness::{Witness, ask},
};
use chasqui_wire::{Code, frames::Problem};
use tempfile::TempDir;

use crate::provider::Provider;

/// The real binary, which takes the tokens of a provider.
pub(crate) struct Chasqui {
    server: Server,
    setup: Setup,
    address: String,
    witness: Witness,
    _folder: TempDir,
}

impl Chasqui {
    pub(crate) async fn start(provider: &Provider) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let options = vec![
            format!("auth.jwks_url={}", provider.jwks),
            format!("auth.issuer={}", provider.issuer),
            "auth.audience=chasqui".to_owned(),
            "auth.jwks_refresh_least_ms=100".to_owned(),
            "auth.leeway_ms=0".to_owned(),
            "policy.mode=token".to_owned(),
        ];
        let setup = Setup { options, ..Setup::new(folder.path(), &[]) };
        let mut server = Server::start(&setup, None)?;
        let address = server.ready().await?;
        Ok(Self { server, setup, address, witness: Witness::default(), _folder: folder })
    }

    pub(crate) async fn connect(&self, token: &str) -> Result<(Client, Updates)> {
        let options = self.witness.options(&self.address, token.to_owned());
        let (client, mut updates) = Client::connect(options).await?;
        update(&mut updates, |update| matches!(update, Update::CaughtUp).then_some(())).await?;
        Ok((client, updates))
    }

    /// Asks for the chats with a token: the status, and the code of a refusal.
    pub(crate) async fn ask(&self, token: &str) -> Result<(u16, Option<Code>)> {
        let url = format!("http://{}/v1/chats", self.address);
        let (status, body) = ask(reqwest::Client::new().get(url).bearer_auth(token)).await?;
        match status.as_u16() {
            200 => Ok((200, None)),
            status => Ok((status, Some(serde_json::from_slice::<Problem>(&body)?.code))),
        }
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.server.stop().await?;
        self.witness.is_content()
    }

    /// Stops one that has this to complain of, once.
    pub(crate) async fn stop_complaining(&mut self, of: &str) -> Result<()> {
        self.server.stop_complaining().await?;
        let times = self.setup.stderr()?.matches(of).count();
        ensure!(times == 1, "it complained {times} times of: {of}");
        self.witness.is_content()
    }
}

pub(crate) async fn send(client: &Client, to: &str, text: &str) -> Result<()> {
    client.send(Draft::text(UserId::new(to)?, text)).await?;
    Ok(())
}

/// The first update that `pick` wants; those before it are passed over.
pub(crate) async fn update<T>(updates: &mut Updates, mut pick: impl FnMut(Update) -> Option<T>) -> Result<T> {
    let picked = async {
        while let Some(update) = updates.next().await {
            if let Some(picked) = pick(update) {
                return Ok(picked);
            }
        }
        bail!("the client has ended")
    };
    within("an update comes", picked).await?
}
