//! Somebody is banned by the command of the binary, from a server that is the binary, too.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use chasqui_client::{Client, Draft, End, Options, Rest, Update, Updates, rest};
use chasqui_config::DEV_ADMIN_TOKEN;
use chasqui_domain::{DeviceId, Seq, UserId};
use chasqui_tests::{
    process::{self, Server, Setup},
    wait::within,
    witness::{Witness, ask},
};
use chasqui_wire::{
    Code,
    frames::{Bans, ChatsQuery, DevicesQuery},
};

struct Device {
    client: Client,
    updates: Updates,
}

/// A server, and where its users' devices keep their states.
struct Place<'a> {
    server: String,
    folder: &'a Path,
    witness: Witness,
}

impl Device {
    async fn next(&mut self) -> anyhow::Result<Update> {
        within("an update", self.updates.next()).await?.context("the updates end")
    }

    async fn is_live(&mut self) -> anyhow::Result<()> {
        loop {
            match self.next().await? {
                Update::CaughtUp => return Ok(()),
                Update::Ended(end) => bail!("the session ended: {end:?}"),
                _ => {}
            }
        }
    }

    /// The texts that it is told, up to this one.
    async fn hears(&mut self, last: &str) -> anyhow::Result<Vec<String>> {
        let mut texts = Vec::new();
        while texts.last().is_none_or(|text| text != last) {
            match self.next().await.with_context(|| format!("{last:?} is not told, but {texts:?}"))? {
                Update::Message(message) => texts.push(message.text.unwrap_or_default()),
                Update::Ended(end) => bail!("the session ended: {end:?}, after {texts:?}"),
                _ => {}
            }
        }
        Ok(texts)
    }

    /// Sends a text to bob and waits until it is accepted.
    async fn tell_bob(&mut self, text: &str) -> anyhow::Result<Seq> {
        self.client.send(Draft::text(UserId::new("bob")?, text.to_owned())).await?;
        loop {
            match self.next().await? {
                Update::Sent { sent, .. } => return Ok(sent.seq),
                Update::Failed(failed) => bail!("it was refused: {failed:?}"),
                Update::Ended(end) => bail!("the session ended: {end:?}"),
                _ => {}
            }
        }
    }

    /// Why it is over for good.
    async fn ended(mut self) -> anyhow::Result<End> {
        loop {
            if let Update::Ended(end) = self.next().await? {
                return Ok(end);
            }
        }
    }
}

const BOB: &[&str] = &["--user", "bob"];
const BOBS_PAD: &[&str] = &["--user", "bob", "--device", "pad"];

impl Place<'_> {
    /// A device on its state, however its session begins.
    async fn begin(&self, user: &str, device: &str) -> anyhow::Result<Device> {
        let options = Options {
            device: Some(DeviceId::new(device)?),
            state: Some(self.folder.join(format!("{user}-{device}"))),
            ..self.witness.options(&self.server, process::token(user)?)
        };
        let (client, updates) = Client::connect(options).await?;
        Ok(Device { client, updates })
    }

    /// The same for one that is new, or was live last: it saves its place in a first session, and is live in a second.
    async fn connect(&self, user: &str, device: &str) -> anyhow::Result<Device> {
        let mut first = self.begin(user, device).await?;
        first.is_live().await?;
        first.updates.done();
        within("the client closes", first.client.close()).await?;
        let mut second = self.begin(user, device).await?;
        second.is_live().await?;
        Ok(second)
    }

    fn operate(&self, command: &str, who: &[&str]) -> anyhow::Result<String> {
        let url = format!("http://{}", self.server);
        let server: &[&str] = &["--dev", "--url", &url];
        process::run(&[&[command], server, who].concat())
    }

    /// All bans, by the API that the command asks.
    async fn bans(&self) -> anyhow::Result<Bans> {
        let url = format!("http://{}/v1/admin/bans", self.server);
        let (_, body) = ask(reqwest::Client::new().get(url).bearer_auth(DEV_ADMIN_TOKEN)).await?;
        Ok(serde_json::from_slice(&body)?)
    }

    fn rest(&self, user: &str) -> anyhow::Result<Rest> {
        Ok(self.witness.rest(&self.server, process::token(user)?)?)
    }

    async fn code_of_chats(&self, user: &str) -> anyhow::Result<Option<Code>> {
        match self.rest(user)?.chats(&ChatsQuery::default()).await {
            Ok(_) => Ok(None),
            Err(rest::Error::Refused { problem }) => Ok(Some(problem.code)),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until bob's devices that are connected are these.
    async fn bob_is_connected_on(&self, expected: &[&str]) -> anyhow::Result<()> {
        let rest = self.rest("bob")?;
        within("the devices are listed", async {
            loop {
                let page = rest.devices(&DevicesQuery::default()).await?;
                let connected = page.devices.iter().filter(|item| item.connected).map(|item| item.device.as_str());
                if connected.eq(expected.iter().copied()) {
                    return Ok(());
                }
            }
        })
        .await?
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_banned_is_out_at_once_and_stays_out_over_a_crash_and_misses_nothing() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    // Waiting for the list asks often.
    let mut setup = Setup::new(folder, &["limits.requests_per_second=0"]);
    let mut process = Server::start(&setup, None)?;
    let place = Place { server: process.ready().await?, folder, witness: Witness::default() };
    setup.listen = place.server.clone();

    let mut alice = place.connect("alice", "laptop").await?;
    let mut phone = place.connect("bob", "phone").await?;
    let pad = place.connect("bob", "pad").await?;
    place.bob_is_connected_on(&["pad", "phone"]).await?;

    // A device: the other one stays.
    let said = place.operate("ban", &[BOBS_PAD, &["--reason", "lost"]].concat())?;
    ensure!(said.starts_with("bob, device pad, is banned since ") && said.ends_with(": lost"), "{said}");
    ensure!(matches!(pad.ended().await?, End::Refused(Code::Banned)));
    ensure!(matches!(place.begin("bob", "pad").await?.ended().await?, End::Refused(Code::Banned)));
    alice.tell_bob("for the phone").await?;
    ensure!(phone.hears("for the phone").await? == ["for the phone"]);
    place.bob_is_connected_on(&["phone"]).await?;

    // The user.
    place.operate("ban", BOB)?;
    ensure!(matches!(phone.ended().await?, End::Refused(Code::Banned)));
    ensure!(place.code_of_chats("bob").await? == Some(Code::Banned));
    ensure!(place.code_of_chats("alice").await?.is_none());
    place.operate("unban", BOB)?;
    ensure!(place.code_of_chats("bob").await?.is_none());
    let mut phone = place.connect("bob", "phone").await?;
    alice.tell_bob("one").await?;
    phone.hears("one").await?;

    // What was answered outlives the process, though nothing was flushed since.
    place.operate("ban", BOB)?;
    process.kill().await?;
    let mut process = Server::start(&setup, None)?;
    process.ready().await?;
    ensure!(matches!(phone.ended().await?, End::Refused(Code::Banned)));
    ensure!(place.code_of_chats("bob").await? == Some(Code::Banned));
    let listed = place.operate("bans", &["--json"])?;
    let bans: Vec<serde_json::Value> = listed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(bans.len() == 2 && bans[0]["user"] == "bob" && bans[1]["device"] == "pad", "{listed}");
    ensure!(serde_json::to_value(place.bans().await?.bans)? == serde_json::Value::from(bans), "{listed}");
    for text in ["two", "three"] {
        alice.tell_bob(text).await?;
    }

    place.operate("unban", BOB)?;
    // "one" again is what it had not saved.
    let mut phone = place.begin("bob", "phone").await?;
    let texts = phone.hears("three").await?;
    ensure!(texts.ends_with(&["two".to_owned(), "three".to_owned()]) && texts.len() <= 3, "{texts:?}");
    ensure!(matches!(place.begin("bob", "pad").await?.ended().await?, End::Refused(Code::Banned)));
    place.operate("unban", BOBS_PAD)?;
    let mut pad = place.begin("bob", "pad").await?;
    let texts = pad.hears("three").await?;
    ensure!(texts == ["for the phone", "one", "two", "three"], "{texts:?}");
    place.bob_is_connected_on(&["pad", "phone"]).await?;
    process.stop().await?;
    place.witness.is_content()
}
