//! People who write messages with markers.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use chasqui_client::{Client, Draft, Group, Options, Rest, Token, Update};
use chasqui_domain::{ChatId, ContentType, Counter, DeviceId, Seq, UserId};
use chasqui_tests::{process, town::Town, wait::within};
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

/// A message, by what its sender calls it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mail {
    /// Who sent it, on which device.
    pub(crate) from: (UserId, DeviceId),
    pub(crate) chat: ChatId,
    pub(crate) id: Counter,
}

/// What was written, and by whom.
pub(crate) struct Written {
    pub(crate) town: Town,
    pub(crate) offered: BTreeMap<Mail, Draft>,
    chats: Vec<ChatId>,
    markers: Vec<Bytes>,
}

impl Written {
    /// What must not be found.
    pub(crate) fn markers(&self) -> Vec<Needle> {
        self.markers.iter().flat_map(|marker| forms(marker)).collect()
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &str> {
        self.town.users()
    }

    pub(crate) fn chats(&self) -> impl Iterator<Item = ChatId> {
        self.chats.iter().copied()
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
pub(crate) async fn write(server: &str) -> anyhow::Result<Written> {
    let mut town = Town::new(DEVICES, CHATS).await?;
    town.begin(server.parse()?).await?;
    let chats = town.chats()?.into_iter().map(|(chat, _)| chat).collect();
    let mut written = Written { town, offered: BTreeMap::new(), chats, markers: Vec::new() };
    for (at, &(user, device)) in DEVICES.iter().enumerate() {
        let from = (UserId::new(user)?, DeviceId::new(device)?);
        let peers = written.town.peers(user).map(UserId::new).collect::<Result<Vec<_>, _>>()?;
        for peer in peers {
            for draft in drafts(&mut written, &peer)? {
                let id = written.town.devices[at].send_draft(draft.clone()).await?;
                let mail = Mail { from: from.clone(), chat: ChatId::direct(&from.0, &peer), id };
                written.offered.insert(mail, draft);
            }
        }
    }
    written.town.end(server).await?;
    let group = make_group(&mut written, server).await?;
    written.chats.push(group);
    Ok(written)
}

/// Makes a group whose title and picture are markers, and gives it once they are shown.
async fn make_group(written: &mut Written, server: &str) -> anyhow::Result<ChatId> {
    let [(maker, _), .., (member, _)] = DEVICES else { bail!("there is nobody") };
    let token = || process::token(maker).map(Token);
    let options =
        Options { device: Some(DeviceId::new("maker")?), ..Options::new(format!("ws://{server}/v1/socket"), token()?) };
    let (client, mut updates) = Client::connect(options).await?;
    let (title, picture) = (written.marker(), written.marker());
    let members = vec![UserId::new(member)?];
    client.create(Group { members, title: title.clone(), picture: Some(picture.clone()) }).await?;
    let made = async {
        loop {
            match updates.next().await.context("the client has ended")? {
                Update::Done { done, .. } => return Ok(done.chat),
                Update::Failed(failed) => bail!("{failed:?}"),
                _ => {}
            }
        }
    };
    let chat = within("a group is made", made).await??;
    client.close().await;
    let item = Rest::new(&format!("http://{server}"), token()?)?.chat(chat).await?.context("it is in the list")?;
    let group = item.group.context("it is a group")?;
    ensure!((group.title, group.picture) == (Some(title), Some(picture)), "it is called otherwise");
    Ok(chat)
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
