//! What was written is in the files, sealed: it opens for the right key, in its place, and not otherwise.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    path::Path,
    sync::Arc,
};

use anyhow::{Context, ensure};
use bytes::Bytes;
use chasqui_client::{Draft, To};
use chasqui_disk::RealDisk;
use chasqui_domain::{
    Action, ChatId, Entry, Epoch, Event, EventKind, GatewayId, Offset, Partition, Sealed, UserId, Version,
};
use chasqui_log::{Log, Partitions, Topic, TopicPartition};
use chasqui_log_embedded::EmbeddedLog;
use chasqui_runtime::Runtime;
use chasqui_store::{EventQuery, KeyTable, READ_ROWS_MAX, Store, Stream};
use chasqui_store_embedded::EmbeddedStore;
use chasqui_wire::{body::Body, command, entry, event, gateway_record::GatewayRecord, inbox::InboxRecord};

use crate::{
    decryptor::{DEV_MASTER_KEY, Key, NONCE_BYTES, open, unwrap},
    writing::{Mail, Written},
};

/// The partitions that a server makes when nobody says otherwise.
const PARTITIONS: u32 = 4;
const READ_BYTES: usize = 1 << 20;

/// A sealed body, where it was found.
#[derive(Debug, Clone)]
struct Found {
    place: &'static str,
    mail: Mail,
    body: Sealed,
}

/// The log and the store of a server that is gone.
struct Files {
    log: Arc<EmbeddedLog>,
    store: Arc<EmbeddedStore>,
}

/// Checks all that is sealed. Rows of the last moments may be missing when `has_all_rows` is false.
pub(crate) async fn check(data: &Path, written: &Written, has_all_rows: bool) -> anyhow::Result<()> {
    let files = Files::open(data)?;
    let keys = files.keys(written).await?;
    let found = files.bodies(written).await?;
    let offered = &written.offered;

    let mut nonces = Nonces::default();
    for (chat, wrapped, _) in &keys {
        nonces.saw(&format!("the key of {chat}"), wrapped)?;
    }
    for body in &found {
        let draft = offered.get(&body.mail).with_context(|| format!("nobody wrote {:?}", body.mail))?;
        check_body(body, draft, &keys).with_context(|| format!("{:?} in {}", body.mail, body.place))?;
        nonces.saw(&format!("{:?}", body.mail), &body.body.bytes)?;
    }
    ensure!(nonces.0.len() == keys.len() + offered.len(), "messages share nonces");
    nonces.are_random()?;

    for place in ["commands", "events", "inbox", "a gateway's topic", "event rows", "inbox rows"] {
        let there: BTreeSet<&Mail> = found.iter().filter(|body| body.place == place).map(|body| &body.mail).collect();
        let is_complete = there.len() == offered.len();
        let may_lack = !has_all_rows && place.ends_with("rows");
        ensure!(is_complete || (may_lack && !there.is_empty()), "{place}: {} of {}", there.len(), offered.len());
    }
    files.store.close().await?;
    files.log.close().await;
    Ok(())
}

type Keys = Vec<(ChatId, Bytes, Key)>;

fn check_body(found: &Found, draft: &Draft, keys: &Keys) -> anyhow::Result<()> {
    let (chat, sender, epoch) = (found.mail.chat, found.mail.from.0.as_str(), found.body.epoch.0);
    let sealed = &found.body.bytes;
    let (_, _, key) = keys.iter().find(|(of, ..)| *of == chat).context("the chat's key")?;
    let plain = open(key, sealed, chat, sender, epoch).context("it doesn't open")?;
    let body = Body::decode(&plain)?;
    let meta = body.meta.map(|meta| serde_json::from_str(&meta)).transpose()?;
    let opened = (body.text, body.data, body.reply_to, body.mentions, meta);
    let drafted = draft.clone();
    ensure!(opened == (drafted.text, drafted.body, drafted.reply_to, drafted.mentions, drafted.meta), "it is another");

    if let To::User(peer) = &draft.to {
        ensure!(open(key, sealed, chat, peer.as_str(), epoch).is_none(), "it opens as the peer's");
    }
    for other in [0, epoch + 1, epoch << 8] {
        ensure!(open(key, sealed, chat, sender, other).is_none(), "it opens in epoch {other}");
    }
    for (other, _, others_key) in keys.iter().filter(|(of, ..)| *of != chat) {
        ensure!(open(key, sealed, *other, sender, epoch).is_none(), "it opens in {other}");
        ensure!(open(others_key, sealed, chat, sender, epoch).is_none(), "it opens with the key of {other}");
    }
    for at in [0, NONCE_BYTES - 1, NONCE_BYTES, sealed.len() / 2, sealed.len() - 16, sealed.len() - 1] {
        let mut altered = sealed.to_vec();
        altered[at] ^= 1 << (at % 8);
        ensure!(open(key, &altered, chat, sender, epoch).is_none(), "it opens with byte {at} altered");
    }
    Ok(())
}

/// The nonces, and what they seal.
#[derive(Default)]
struct Nonces(BTreeMap<Vec<u8>, (String, Bytes)>);

impl Nonces {
    /// A nonce seals one thing, which has the same bytes wherever it is.
    fn saw(&mut self, what: &str, sealed: &Bytes) -> anyhow::Result<()> {
        let nonce = sealed.get(..NONCE_BYTES).context("a nonce")?.to_vec();
        let (of, bytes) = self.0.entry(nonce).or_insert_with(|| (what.to_owned(), sealed.clone()));
        ensure!(of == what && bytes == sealed, "{what} has the nonce of {of}");
        Ok(())
    }

    /// Nothing in them counts or stands still, in none of their 192 bits.
    fn are_random(&self) -> anyhow::Result<()> {
        for bit in 0..NONCE_BYTES * 8 {
            let ones = self.0.keys().filter(|nonce| nonce[bit / 8] >> (bit % 8) & 1 == 1).count();
            ensure!(ones > 0 && ones < self.0.len(), "bit {bit} of all nonces is the same");
        }
        let firsts: BTreeSet<&[u8]> = self.0.keys().map(|nonce| &nonce[..8]).collect();
        let lasts: BTreeSet<&[u8]> = self.0.keys().map(|nonce| &nonce[NONCE_BYTES - 8..]).collect();
        ensure!(firsts.len() == self.0.len() && lasts.len() == self.0.len(), "parts of nonces repeat");
        Ok(())
    }
}

impl Files {
    fn open(data: &Path) -> anyhow::Result<Self> {
        let count = NonZeroU32::new(PARTITIONS).context("partitions")?;
        let options = chasqui_log_embedded::Options::new(Partitions { chats: count, users: count });
        let log = EmbeddedLog::open(Arc::new(RealDisk), data.join("log"), options, Runtime::real())?;
        let store = EmbeddedStore::open(Arc::new(RealDisk), data.join("store"), Default::default())?;
        Ok(Self { log, store })
    }

    /// The data keys: they open for the master key, in their chat and epoch, and not otherwise.
    async fn keys(&self, written: &Written) -> anyhow::Result<Keys> {
        let mut keys = Vec::new();
        for chat in written.chats() {
            let wrapped = self.store.key(chat, Epoch::FIRST).await?.context("a chat has a key")?;
            let epoch = Epoch::FIRST.0;
            let key = unwrap(DEV_MASTER_KEY, &wrapped, chat, epoch).context("the master key opens it")?;
            let mut other_master = *DEV_MASTER_KEY;
            other_master[31] ^= 1;
            ensure!(unwrap(&other_master, &wrapped, chat, epoch).is_none(), "another master key opens it");
            ensure!(unwrap(DEV_MASTER_KEY, &wrapped, chat, epoch + 1).is_none(), "it opens in another epoch");
            for other in written.chats().filter(|other| *other != chat) {
                ensure!(unwrap(DEV_MASTER_KEY, &wrapped, other, epoch).is_none(), "it opens in another chat");
            }
            for at in 0..wrapped.len() {
                let mut altered = wrapped;
                altered[at] ^= 1;
                ensure!(unwrap(DEV_MASTER_KEY, &altered, chat, epoch).is_none(), "it opens with byte {at} altered");
            }
            keys.push((chat, Bytes::copy_from_slice(&wrapped), key));
        }
        let distinct: BTreeSet<&Key> = keys.iter().map(|(.., key)| key).collect();
        ensure!(distinct.len() == keys.len(), "chats share a data key");
        Ok(keys)
    }

    /// Every sealed body in topics and rows.
    async fn bodies(&self, written: &Written) -> anyhow::Result<Vec<Found>> {
        let mut found = Vec::new();
        for partition in (0..PARTITIONS).map(Partition) {
            for value in self.records(Topic::Commands.partition(partition)).await? {
                let command = command::decode(&value)?;
                if let Action::Send(send) = command.action {
                    let mail = Mail { from: (command.sender, command.device), chat: command.chat, id: send.counter };
                    found.push(Found { place: "commands", mail, body: send.body });
                }
            }
            for value in self.records(Topic::Events.partition(partition)).await? {
                found.extend(of_event("events", event::decode(&value)?.0));
            }
            for value in self.records(Topic::Inbox.partition(partition)).await? {
                found.extend(of_entry("inbox", InboxRecord::decode(&value)?.entry));
            }
        }
        let gateway = Topic::Gateway(GatewayId::new("gateway-0")?);
        for value in self.records(gateway.partition(Partition(0))).await? {
            if let GatewayRecord::Push { entry, .. } = GatewayRecord::decode(&value)? {
                found.extend(of_entry("a gateway's topic", entry::decode(&entry)?));
            }
        }
        for chat in written.chats() {
            found.extend(self.event_rows(chat).await?);
        }
        for user in written.users() {
            found.extend(self.inbox_rows(user).await?);
        }
        Ok(found)
    }

    async fn records(&self, at: TopicPartition) -> anyhow::Result<Vec<Bytes>> {
        let bounds = self.log.bounds(&at).await?;
        let mut reader = self.log.reader(&at, bounds.start).await?;
        let mut values = Vec::new();
        while bounds.start.0 + (values.len() as u64) < bounds.end.0 {
            values.extend(reader.next(READ_BYTES).await?.into_iter().map(|record| record.value));
        }
        Ok(values)
    }

    async fn event_rows(&self, chat: ChatId) -> anyhow::Result<Vec<Found>> {
        let versions = Version(0)..Version(u64::MAX);
        let query = EventQuery { chat, stream: Stream::Content, versions, descending: false, rows_max: READ_ROWS_MAX };
        let rows = self.store.events(&query).await?;
        ensure!(rows.len() < READ_ROWS_MAX, "there are more rows than one read gives");
        let mut found = Vec::new();
        for row in rows {
            found.extend(of_event("event rows", event::decode_row(&row.envelope, row.body.as_ref())?.0));
        }
        Ok(found)
    }

    async fn inbox_rows(&self, user: &str) -> anyhow::Result<Vec<Found>> {
        let rows =
            self.store.inbox(&UserId::new(user)?, self.log.id(), Offset(0)..Offset(u64::MAX), READ_ROWS_MAX).await?;
        ensure!(rows.len() < READ_ROWS_MAX, "there are more rows than one read gives");
        let mut found = Vec::new();
        for row in rows {
            found.extend(of_entry("inbox rows", entry::decode(&row.entry)?));
        }
        Ok(found)
    }
}

fn of_event(place: &'static str, event: Event) -> Option<Found> {
    let EventKind::Message { sender, device, counter, body, .. } = event.kind else { return None };
    Some(Found { place, mail: Mail { from: (sender, device), chat: event.chat, id: counter }, body })
}

fn of_entry(place: &'static str, entry: Entry) -> Option<Found> {
    match entry {
        Entry::Message { event } => of_event(place, event),
        _ => None,
    }
}
