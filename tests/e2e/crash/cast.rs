//! Who takes part.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use anyhow::Context;
use chasqui_oracle::Transcript;
use chasqui_tests::{
    device::{Device, Ending},
    journal::Journal,
    process,
    wait::Pulse,
};

/// The users, and how many devices of theirs write.
const USERS: &[(&str, u64)] = &[("ana", 2), ("ben", 2), ("cai", 1), ("dia", 1), ("eli", 1)];

/// All devices.
pub(crate) struct Cast {
    /// Told of whatever a device sees.
    pub(crate) pulse: Pulse,
    writers: Vec<Device>,
    /// One of each user that was there at the beginning and comes back at the end, to see everything at once.
    pub(crate) sleepers: Vec<Device>,
    pub(crate) journals: Vec<(String, Arc<Journal>)>,
}

impl Cast {
    /// Brings all devices to their servers once, so that each has a place to go on from. A user's devices are at
    /// different servers where there are several, and so are those of two users who write to each other.
    pub(crate) async fn gather(folder: &Path, servers: &[String]) -> anyhow::Result<Self> {
        let pulse = Pulse::default();
        let (mut writers, mut sleepers, mut journals) = (Vec::new(), Vec::new(), Vec::new());
        for (nth, (user, count)) in USERS.iter().enumerate() {
            let mut servers = servers.iter().cycle().skip(nth);
            let token = process::token(user)?;
            let names = (1..=*count).map(|number| format!("{user}-{number}")).chain([format!("{user}-asleep")]);
            for name in names {
                let server = servers.next().context("there is no server")?;
                let state = folder.join(format!("{name}.json"));
                let mut device = Device::new(user, &name, server, token.clone(), state, pulse.clone())?;
                device.begin().await?;
                caught_up(&device, &pulse).await?;
                // This saves the place.
                device.end(Ending::Close).await?;
                journals.push(((*user).to_owned(), device.journal().clone()));
                let sort = if name.ends_with("asleep") { &mut sleepers } else { &mut writers };
                sort.push(device);
            }
        }
        Ok(Self { pulse, writers, sleepers, journals })
    }

    /// The devices that write.
    pub(crate) fn take_writers(&mut self) -> Vec<Device> {
        std::mem::take(&mut self.writers)
    }

    /// What all devices saw.
    pub(crate) fn transcripts(&self) -> Vec<Transcript> {
        self.journals.iter().map(|(_, journal)| journal.transcript()).collect()
    }
}

/// The users who have devices.
pub(crate) fn users() -> BTreeSet<&'static str> {
    USERS.iter().map(|(user, _)| *user).collect()
}

async fn caught_up(device: &Device, pulse: &Pulse) -> anyhow::Result<()> {
    let journal = device.journal();
    let missing = || {
        if journal.view(|view| view.is_caught_up) { Vec::new() } else { vec![format!("{} catches up", device.user())] }
    };
    pulse.until_nothing_is_missing(missing).await
}
