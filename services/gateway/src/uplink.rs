//! What the gateway appends: commands, presence, heartbeats.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use chasqui_domain::{
    Action, ChatId, Command, DeviceId, GatewayId, Incarnation, LogId, Offset, Partition, Rules, UserId, partition,
};
use chasqui_log::{Append, Header, Log, Pending, Topic, TopicPartition};
use chasqui_runtime::Runtime;
use chasqui_telemetry::{TRACEPARENT, TraceContext};
use chasqui_wire::{
    Code, command,
    gateway_record::GatewayRecord,
    heartbeat::Heartbeat,
    presence::{Presence, PresenceKind},
    revocation::Revocation,
};

use crate::{Error, registry::Handle};

/// Appends what the gateway says.
pub(crate) struct Uplink {
    pub(crate) log: Arc<dyn Log>,
    runtime: Runtime,
    gateway: GatewayId,
    rules: Rules,
}

impl Uplink {
    pub(crate) fn new(log: Arc<dyn Log>, runtime: Runtime, gateway: GatewayId, rules: Rules) -> Self {
        Self { log, runtime, gateway, rules }
    }

    /// This life of the topics.
    pub(crate) fn log_id(&self) -> LogId {
        self.log.id()
    }

    /// The gateway's own topic.
    pub(crate) fn topic(&self) -> TopicPartition {
        Topic::Gateway(self.gateway.clone()).partition(Partition(0))
    }

    /// The partition of a user's inbox and presence.
    pub(crate) fn partition_of(&self, user: &UserId) -> Partition {
        partition::of_user(user, self.log.partitions().users)
    }

    /// A command as a record.
    pub(crate) fn command(
        &self,
        chat: ChatId,
        sender: &UserId,
        device: &DeviceId,
        action: Action,
    ) -> Result<Append, chasqui_wire::Error> {
        let command = Command { chat, sender: sender.clone(), device: device.clone(), rules: self.rules, action };
        let to = Topic::Commands.partition(partition::of_chat(&chat, self.log.partitions().chats));
        let value = command::encode(&command)?;
        Ok(Append { to, key: Bytes::copy_from_slice(chat.as_bytes()), value, headers: vec![self.trace()] })
    }

    /// Every command begins a trace.
    fn trace(&self) -> Header {
        let value = TraceContext::new_root(self.runtime.random()).to_header_value();
        Header { name: Cow::Borrowed(TRACEPARENT), value: Bytes::from(value) }
    }

    /// Puts records in the queue.
    pub(crate) async fn enqueue(&self, batch: Vec<Append>) -> Result<Pending, chasqui_log::Error> {
        self.log.enqueue(batch).await
    }

    /// Tells the router about a session.
    pub(crate) async fn announce(
        &self,
        handle: &Handle,
        incarnation: Incarnation,
        kind: PresenceKind,
        attempt: u32,
    ) -> Result<(), Error> {
        let presence = Presence {
            user: handle.user.clone(),
            gateway: self.gateway.clone(),
            incarnation,
            session: handle.session,
            device: handle.device.clone(),
            attempt,
            kind,
        };
        // A user id has no control characters, so no two sessions have the same key.
        let key = format!("{}\0{}\0{incarnation}\0{}", handle.user, self.gateway, handle.session);
        let to = Topic::Presence.partition(handle.partition);
        self.append(to, Bytes::from(key), presence.encode()?).await?;
        Ok(())
    }

    /// Begins a life of the gateway.
    pub(crate) async fn start(&self) -> Result<Incarnation, Error> {
        let Offset(offset) = self.append(self.topic(), self.key(), GatewayRecord::Start.encode()?).await?;
        Ok(Incarnation(offset))
    }

    /// Says that the gateway lives.
    pub(crate) async fn heartbeat(&self, incarnation: Incarnation) -> Result<(), Error> {
        let heartbeat = Heartbeat { gateway: self.gateway.clone(), incarnation };
        self.append(Topic::Heartbeats.partition(Partition(0)), self.key(), heartbeat.encode()?).await?;
        Ok(())
    }

    /// Tells all gateways whose sessions are to end.
    pub(crate) async fn revoke(&self, user: &UserId, device: Option<&DeviceId>) -> Result<(), Error> {
        let revocation = Revocation { user: user.clone(), device: device.cloned() };
        let key = Bytes::copy_from_slice(user.as_str().as_bytes());
        self.append(revocations(), key, revocation.encode()?).await?;
        Ok(())
    }

    fn key(&self) -> Bytes {
        Bytes::copy_from_slice(self.gateway.as_str().as_bytes())
    }

    async fn append(&self, to: TopicPartition, key: Bytes, value: Bytes) -> Result<Offset, chasqui_log::Error> {
        Ok(self.log.append_one(Append { to, key, value, headers: Vec::new() }).await?.offset)
    }
}

/// Where bans are told.
pub(crate) fn revocations() -> TopicPartition {
    Topic::Revocations.partition(Partition(0))
}

/// What a sender is told when its command can't be appended.
pub(crate) fn code_of(error: &chasqui_log::Error) -> Code {
    match error {
        chasqui_log::Error::Full { .. } => Code::DiskFull,
        chasqui_log::Error::TooLarge { .. } => Code::BodyTooLarge,
        chasqui_log::Error::Unavailable { .. } | chasqui_log::Error::Closed => Code::Unavailable,
        _ => Code::ServerError,
    }
}

/// What a client is told when the store doesn't answer.
pub(crate) fn code_of_store(error: &chasqui_store::Error) -> Code {
    match error {
        chasqui_store::Error::Full { .. } => Code::DiskFull,
        chasqui_store::Error::Unavailable { .. } | chasqui_store::Error::Closed => Code::Unavailable,
        chasqui_store::Error::Corrupt { .. } => Code::ServerError,
    }
}
