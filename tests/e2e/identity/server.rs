//! The server, and what its users see.

use anyhow::{Result, bail, ensure};
use chasqui_client::{Client, Draft, Update, Updates};
use chasqui_domain::UserId;
use chasqui_tests::{
    process::{Server, Setup},
    wait::within,
    witness::{Witness, ask},
};
use chasqui_wire::{
    Code,
    frames::{ChatsQuery, Problem},
};
use tempfile::TempDir;

use crate::provider::Provider;

/// The real binary.
pub(crate) struct Chasqui {
    server: Server,
    setup: Setup,
    address: String,
    witness: Witness,
    _folder: TempDir,
}

/// Its own, since nothing is built-in here: 32 bytes.
const MASTER_KEY: &str = "seal.master_key=YSBtYXN0ZXIga2V5IHRoYXQgdGVzdHMgYWxvbmUgdXM=";

/// Tests ask until something has happened.
const UNLIMITED: &str = "limits.requests_per_second=0";

impl Chasqui {
    pub(crate) async fn start(provider: &Provider) -> Result<Self> {
        Self::with(vec![
            format!("auth.jwks_url={}", provider.jwks),
            format!("auth.issuer={}", provider.issuer),
            "auth.audience=chasqui".to_owned(),
            "auth.jwks_refresh_least_ms=100".to_owned(),
            "auth.leeway_ms=0".to_owned(),
            "policy.mode=token".to_owned(),
        ])
        .await
    }

    /// One that is told by options alone who is who, and who may write to whom.
    pub(crate) async fn with(mut options: Vec<String>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        options.extend([MASTER_KEY.to_owned(), UNLIMITED.to_owned()]);
        let setup = Setup { options, dev: false, ..Setup::new(folder.path(), &[]) };
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

    /// Asks until the answer is this one.
    pub(crate) async fn until(&self, token: &str, answer: (u16, Option<Code>)) -> Result<()> {
        within(&format!("the answer is {answer:?}"), async {
            while self.ask(token).await? != answer {}
            Ok(())
        })
        .await?
    }

    /// How many chats a user is in.
    pub(crate) async fn chats(&self, token: &str) -> Result<usize> {
        let rest = self.witness.rest(&self.address, token.to_owned())?;
        Ok(rest.chats(&ChatsQuery::default()).await?.chats.len())
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.server.stop().await?;
        self.witness.is_content()
    }

    /// Stops one that has complained of this, and of nothing else; gives how often.
    pub(crate) async fn stop_complaining(&mut self, of: &str) -> Result<usize> {
        self.server.stop_complaining().await?;
        let log = self.setup.stderr()?;
        let complaints = log.lines().filter(|line| !line.contains(r#""level":"INFO""#));
        let (expected, others): (Vec<_>, Vec<_>) = complaints.partition(|line| line.contains(of));
        ensure!(others.is_empty(), "it complained as well:\n  {}", others.join("\n  "));
        self.witness.is_content()?;
        Ok(expected.len())
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

/// The text of the next message.
pub(crate) async fn heard(updates: &mut Updates) -> Result<String> {
    let text = |update| match update {
        Update::Message(message) => Some(message.text.unwrap_or_default()),
        _ => None,
    };
    update(updates, text).await
}
