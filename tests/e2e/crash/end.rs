//! The end of a run: all catch up, everything is asked for, and the server is stopped.

use std::collections::BTreeSet;

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
    let mut devices = load.stop().await?;
    for device in &mut cast.sleepers {
        device.begin().await?;
    }
    cast.pulse.until_nothing_is_missing(|| missing(&cast.journals)).await?;
    for user in users(cast) {
        let token = process::token(&user)?;
        evidence.served.push(Rest::new(&address, &user, &token).everything().await?);
    }
    for device in devices.iter_mut().chain(&mut cast.sleepers) {
        device.end(Ending::Close).await?;
    }
    server.stop().await
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
