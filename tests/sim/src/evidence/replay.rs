//! Deciding all commands again.

use std::collections::BTreeMap;

use chasqui_domain::{Chat, ChatId, Effect, Event, Message, Offset, Partition, UserId, Version, decide};
use chasqui_log::{Log, Record, Topic};
use chasqui_oracle::{Placed, Replayed};
use chasqui_wire::{command, entry};
use futures::FutureExt;

use super::{READ_BYTES, digest, told};
use crate::world::World;

/// What the commands of a chat give.
struct Decided {
    state: Chat,
    messages: BTreeMap<Version, Message>,
    events: Vec<Event>,
    /// The digests of the entries of each user.
    placed: BTreeMap<UserId, Vec<String>>,
}

/// Decides all commands again, from the first.
pub(super) fn replay(world: &World) -> Result<Vec<Replayed>, String> {
    let mut chats: BTreeMap<ChatId, Decided> = BTreeMap::new();
    for number in 0..world.0.log.partitions().chats.get() {
        for record in records(world, number)? {
            let command = command::decode(&record.value).map_err(|error| format!("commands can be read: {error}"))?;
            let new = || Decided {
                state: Chat::new(command.chat),
                messages: BTreeMap::new(),
                events: Vec::new(),
                placed: BTreeMap::new(),
            };
            let Decided { state: chat, messages, events, placed } = chats.entry(command.chat).or_insert_with(new);
            let message = command.action.target().and_then(|target| messages.get(&target.version));
            let decision = decide(chat, message, &command, record.time).map_err(|error| error.to_string())?;
            for event in decision.events {
                chat.apply(&event).map_err(|error| format!("states are valid: {error}"))?;
                chat.validate().map_err(|error| format!("states are valid: {error}"))?;
                note(messages, &event)?;
                events.push(event);
            }
            for Effect::Place { recipients, entry } in decision.effects {
                if entry.is_kept() {
                    let digest = digest(&entry::encode(&entry).map_err(|error| error.to_string())?);
                    recipients.into_iter().for_each(|user| placed.entry(user).or_default().push(digest.clone()));
                }
            }
        }
    }
    let replayed = |(id, Decided { events, placed, .. }): (ChatId, Decided)| Replayed {
        chat: told(id, &events),
        placed: placed.into_iter().map(|(user, digests)| Placed { user: user.to_string(), digests }).collect(),
    };
    Ok(chats.into_iter().map(replayed).collect())
}

/// Keeps what has become of messages.
fn note(messages: &mut BTreeMap<Version, Message>, event: &Event) -> Result<(), String> {
    if let Some(message) = Message::written(event) {
        messages.insert(event.version, message);
    }
    let Some(target) = event.kind.target() else { return Ok(()) };
    let message = messages.get_mut(&target.version).ok_or("states are valid: there is no such message")?;
    message.apply(event).map_err(|error| format!("states are valid: {error}"))
}

fn records(world: &World, number: u32) -> Result<Vec<Record>, String> {
    let at = Topic::Commands.partition(Partition(number));
    let reading = async {
        let end = world.0.log.bounds(&at).await?.end;
        let mut reader = world.0.log.reader(&at, Offset(0)).await?;
        let mut records: Vec<Record> = Vec::new();
        while records.len() < end.0 as usize {
            records.extend(reader.next(READ_BYTES).await?);
        }
        Ok::<_, chasqui_log::Error>(records)
    };
    reading.now_or_never().and_then(Result::ok).ok_or_else(|| "commands can be read".to_owned())
}
