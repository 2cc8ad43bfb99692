//! The records of `commands`.

use bytes::Bytes;
use chasqui_domain::{Action, ChatId, Command, Counter, Create, DeviceId, Rules, RulesNumber, Send, Seq, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    change::ChangeRecord,
    codec::{self, Codec, Lazy},
    fields::{long, text, text_opt, texts},
    parts::SealedRecord,
};

const RECORD: &str = "Command";
static CODEC: Lazy = Lazy::new(|| Codec::load(RECORD));

#[derive(Serialize, Deserialize)]
#[serde(rename = "Command")]
struct Record {
    #[serde(with = "text")]
    chat: ChatId,
    #[serde(with = "text")]
    sender: UserId,
    #[serde(with = "text")]
    device: DeviceId,
    #[serde(with = "long")]
    rules: RulesNumber,
    body_bytes_max: u32,
    members_max: u32,
    edit_within_ms: u32,
    delete_within_ms: u32,
    create: Option<CommandCreate>,
    send: Option<CommandSend>,
    change: Option<CommandChange>,
    delivered: Option<CommandDelivered>,
    read: Option<CommandRead>,
}

#[derive(Serialize, Deserialize)]
struct CommandCreate {
    #[serde(with = "long")]
    counter: Counter,
    #[serde(with = "texts")]
    members: Vec<UserId>,
    allowed: bool,
    title: SealedRecord,
    picture: Option<SealedRecord>,
}

#[derive(Serialize, Deserialize)]
struct CommandChange {
    #[serde(with = "long")]
    counter: Counter,
    allowed: bool,
    change: ChangeRecord,
}

#[derive(Serialize, Deserialize)]
struct CommandSend {
    #[serde(with = "text_opt")]
    peer: Option<UserId>,
    #[serde(with = "long")]
    counter: Counter,
    allowed: bool,
    body: SealedRecord,
}

#[derive(Serialize, Deserialize)]
struct CommandDelivered {
    #[serde(with = "long")]
    seq: Seq,
}

#[derive(Serialize, Deserialize)]
struct CommandRead {
    #[serde(with = "long")]
    seq: Seq,
}

/// Writes a command.
///
/// # Errors
/// [`Error::Encode`] when a number is above 2^63 - 1.
pub fn encode(command: &Command) -> Result<Bytes, Error> {
    let mut record = Record {
        chat: command.chat,
        sender: command.sender.clone(),
        device: command.device.clone(),
        rules: command.rules.number,
        body_bytes_max: command.rules.body_bytes_max,
        members_max: command.rules.members_max,
        edit_within_ms: command.rules.edit_within_ms,
        delete_within_ms: command.rules.delete_within_ms,
        create: None,
        send: None,
        change: None,
        delivered: None,
        read: None,
    };
    match &command.action {
        Action::Create(create) => {
            record.create = Some(CommandCreate {
                counter: create.counter,
                members: create.members.clone(),
                allowed: create.allowed,
                title: SealedRecord::of(&create.title),
                picture: create.picture.as_ref().map(SealedRecord::of),
            });
        }
        Action::Change { counter, allowed, change } => {
            let change = ChangeRecord::of(change);
            record.change = Some(CommandChange { counter: *counter, allowed: *allowed, change });
        }
        Action::Send(send) => {
            record.send = Some(CommandSend {
                peer: send.peer.clone(),
                counter: send.counter,
                allowed: send.allowed,
                body: SealedRecord::of(&send.body),
            });
        }
        Action::Delivered { seq } => record.delivered = Some(CommandDelivered { seq: *seq }),
        Action::Read { seq } => record.read = Some(CommandRead { seq: *seq }),
    }
    codec::encode(&CODEC, &record)
}

/// Reads a command.
///
/// # Errors
/// When the bytes are no command.
pub fn decode(bytes: &[u8]) -> Result<Command, Error> {
    let record: Record = codec::decode(&CODEC, bytes)?;
    let send = |send: CommandSend| {
        let body = send.body.into_domain(RECORD)?;
        Ok(Action::Send(Send { peer: send.peer, counter: send.counter, allowed: send.allowed, body }))
    };
    let create = |it: CommandCreate| {
        Ok(Action::Create(Create {
            counter: it.counter,
            members: it.members,
            allowed: it.allowed,
            title: it.title.into_domain(RECORD)?,
            picture: it.picture.map(|picture| picture.into_domain(RECORD)).transpose()?,
        }))
    };
    let change = |it: CommandChange| {
        let change = it.change.into_domain(RECORD)?;
        Ok(Action::Change { counter: it.counter, allowed: it.allowed, change })
    };
    let action = codec::only(
        RECORD,
        [
            record.create.map(create),
            record.send.map(send),
            record.change.map(change),
            record.delivered.map(|delivered| Ok(Action::Delivered { seq: delivered.seq })),
            record.read.map(|read| Ok(Action::Read { seq: read.seq })),
        ],
    )??;
    Ok(Command {
        chat: record.chat,
        sender: record.sender,
        device: record.device,
        rules: Rules {
            number: record.rules,
            body_bytes_max: record.body_bytes_max,
            members_max: record.members_max,
            edit_within_ms: record.edit_within_ms,
            delete_within_ms: record.delete_within_ms,
        },
        action,
    })
}
