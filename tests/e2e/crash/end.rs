//! The end of a run: all catch up, everything is asked for, and the servers are stopped.

use std::collections::BTreeSet;

use anyhow::ensure;
use chasqui_oracle::{Evidence, Line};
use chasqui_tests::{
    device::Ending,
    missing::missing,
    process::{self, Server, Setup},
    rest::Rest,
};

use crate::{
    cast::{self, Cast},
    history::Known,
    load::Load,
};

pub(crate) async fn end(setup: &Setup, cast: &mut Cast, load: Load, evidence: &mut Evidence) -> anyhow::Result<()> {
    let known = Known::of(&cast.journals);
    let mut server = Server::start(setup, None)?;
    let address = server.ready().await?;
    known.is_served(&address).await?;
    come_to_rest(&[address], cast, load, evidence).await?;
    server.stop().await
}

/// Ends the load, waits until all have everything, and asks all servers for it, which must say the same.
pub(crate) async fn come_to_rest(
    servers: &[String],
    cast: &mut Cast,
    load: Load,
    evidence: &mut Evidence,
) -> anyhow::Result<()> {
    let mut devices = load.stop().await?;
    for device in &mut cast.sleepers {
        device.begin().await?;
    }
    cast.pulse.until_nothing_is_missing(|| missing(&cast.journals)).await?;
    for user in users(cast) {
        let token = process::token(&user)?;
        let mut all = Vec::new();
        for server in servers {
            all.push(Rest::new(server, &user, &token).everything().await?);
        }
        let is_alike = all.windows(2).all(|two| two.first() == two.last());
        evidence.served.append(&mut all);
        ensure!(is_alike, "{user} is served different things by {servers:?}");
    }
    for device in devices.iter_mut().chain(&mut cast.sleepers) {
        device.end(Ending::Close).await?;
    }
    Ok(())
}

/// Everybody who is in a chat.
fn users(cast: &Cast) -> BTreeSet<String> {
    let mut users: BTreeSet<String> = cast::users().into_iter().map(str::to_owned).collect();
    for transcript in cast.transcripts() {
        users.extend(transcript.lines.into_iter().filter_map(|line| match line {
            Line::Sending { to, .. } => Some(to),
            _ => None,
        }));
    }
    users
}
