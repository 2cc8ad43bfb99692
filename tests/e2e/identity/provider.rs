//! A real OpenID Connect provider, in a process of its own.

use std::{path::Path, process::Stdio};

use anyhow::{Context, ensure};
use chasqui_tests::wait::within;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// A running provider, and an app that signs users in with it. Dropping it ends it.
pub(crate) struct Provider {
    child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    pub(crate) issuer: String,
    /// Where its keys are.
    pub(crate) jwks: String,
}

/// What a user signs in for.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// What the access token's `write_to` is.
    pub(crate) write_to: &'a [&'a str],
    /// What its audience is instead of the server's.
    pub(crate) audience: Option<&'a str>,
    /// How long it lasts instead of an hour, in seconds.
    pub(crate) seconds: Option<u32>,
    /// At another issuer, which signs with the same keys.
    pub(crate) at_other: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Tokens {
    /// For the server: a JWT of the type `at+jwt`.
    #[serde(rename = "access_token")]
    pub(crate) access: String,
    /// For the app, which has the same audience here.
    #[serde(rename = "id_token")]
    pub(crate) id: String,
}

impl Provider {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("identity-provider");
        ensure!(folder.join("node_modules").is_dir(), "run the tests with `make test`, which installs the provider");
        let mut command = Command::new("node");
        command.arg(folder.join("provider.js")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child =
            command.kill_on_drop(true).spawn().context("node, which the provider needs, can't be started")?;
        let commands = child.stdin.take().context("no standard input")?;
        let mut answers = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        let place = next(&mut answers).await?;
        let text =
            |field: &str| place[field].as_str().map(str::to_owned).context("the provider doesn't say where it is");
        let (issuer, jwks) = (text("issuer")?, text("jwks")?);
        Ok(Self { child, commands, answers, issuer, jwks })
    }

    /// Signs a user in, as an app and a browser do.
    pub(crate) async fn login(&mut self, user: &str, wish: Wish<'_>) -> anyhow::Result<Tokens> {
        let Wish { write_to, audience, seconds, at_other } = wish;
        let command = json!({
            "login": user, "write_to": write_to, "audience": audience, "seconds": seconds, "at_other": at_other,
        });
        Ok(serde_json::from_value(self.ask(&command).await?)?)
    }

    /// Signs with a new key from now on; the old ones are gone.
    pub(crate) async fn rotate(&mut self, algorithm: &str) -> anyhow::Result<()> {
        self.ask(&json!({ "rotate": algorithm })).await.map(|_| ())
    }

    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    async fn ask(&mut self, command: &Value) -> anyhow::Result<Value> {
        self.commands.write_all(format!("{command}\n").as_bytes()).await?;
        let answer = next(&mut self.answers).await?;
        ensure!(answer.get("error").is_none(), "the provider fails at {command}: {}", answer["error"]);
        Ok(answer)
    }
}

async fn next(answers: &mut Lines<BufReader<ChildStdout>>) -> anyhow::Result<Value> {
    let line = within("the provider answers", answers.next_line()).await??;
    Ok(serde_json::from_str(&line.context("the provider has ended")?)?)
}
