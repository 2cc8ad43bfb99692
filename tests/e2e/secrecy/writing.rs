//! People who write messages with markers.

use anyhow::Context;
use bytes::Bytes;
use chasqui_client::Draft;
use chasqui_domain::{ChatId, ContentType, Seq, UserId};
use chasqui_tests::{
    in_process::options,
    witness::{Place, Town},
};
use serde_json::json;

use crate::search::{Needle, forms};

/// Small segments, so that there are sealed ones with an index beside; and a store that is soon on the disk.
pub(crate) const SETTINGS: &[&str] = &["log.segment_bytes=1048576", "store.flush_interval_ms=100"];

/// What the bytes are said to hold; in the clear, as content types are.
pub(crate) const CONTENT_TYPE: &str = "application/x-quipu-knots";

const DEVICES: &[(&str, &str)] = &[
    ("ana-lucia-mamani", "phone-of-ana"),
    ("ana-lucia-mamani", "laptop-of-ana"),
    ("benito-quispe", "phone-of-benito"),
    ("camila-condori", "phone-of-camila"),
    ("diego-huanca", "phone-of-diego"),
];
const CHATS: &[(&str, &str)] = &[
    ("ana-lucia-mamani", "benito-quispe"),
    ("ana-lucia-mamani", "camila-condori"),
    ("benito-quispe", "camila-condori"),
    ("camila-condori", "diego-huanca"),
];

/// What makes a message large, so that segments fill up.
const FILLER_BYTES: usize = 40_000;

/// What was written, and by whom.
pub(crate) struct Written {
    pub(crate) town: Town,
    markers: Vec<Bytes>,
}

impl Written {
    /// What must not be found.
    pub(crate) fn markers(&self) -> Vec<Needle> {
        self.markers.iter().flat_map(|marker| forms(marker)).collect()
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &UserId> {
        self.town.devices.iter().map(|device| device.user())
    }

    pub(crate) fn chats(&self) -> impl Iterator<Item = ChatId> {
        self.town.chat_ids().map(|(chat, ..)| chat)
    }

    /// A new one each time, with characters that other forms escape.
    fn marker(&mut self) -> String {
        // SplitMix64's increment: the numbers have no digits in common.
        let number = (self.markers.len() as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let marker = format!("huk{number:016x}\"ñ\\{:016x}", !number.rotate_left(23));
        self.markers.push(marker.clone().into());
        marker
    }
}

/// Everybody writes to everybody; returns when all was received and read.
pub(crate) async fn write(place: &Place) -> anyhow::Result<Written> {
    let town = Town::new(&options(), DEVICES, CHATS).await?;
    town.gate.lead_to(Some(place.address()));
    town.caught_up().await?;
    let mut written = Written { town, markers: Vec::new() };
    for at in 0..DEVICES.len() {
        let peers: Vec<UserId> = written.town.peers(written.town.devices[at].user()).cloned().collect();
        for peer in peers {
            for draft in drafts(&mut written, &peer)? {
                written.town.devices[at].send(draft).await?;
            }
        }
    }
    written.town.settled().await?;
    written.town.all_read().await?;
    Ok(written)
}

fn drafts(written: &mut Written, to: &UserId) -> anyhow::Result<Vec<Draft>> {
    let text = |text: String| Draft::text(to.clone(), text);
    let mentioned = UserId::new(written.marker()).context("a user")?;
    Ok(vec![
        text(written.marker()),
        text("x".repeat(FILLER_BYTES) + &written.marker()),
        Draft { mentions: vec![mentioned, to.clone()], reply_to: Some(Seq(1)), ..text(written.marker()) },
        Draft { meta: Some(json!({ written.marker(): [written.marker(), 1] })), ..text("with meta".to_owned()) },
        Draft {
            text: None,
            content_type: Some(ContentType::new(CONTENT_TYPE).context("a content type")?),
            body: Some(written.marker().into()),
            ..text(String::new())
        },
    ])
}
