//! What a client tells of groups, and of what is done to messages of any chat.

use chasqui_client::Update;
use chasqui_domain::{Role, UserId};
use chasqui_oracle::{Act, Change, Changed, Count, InGroup, Others};
use chasqui_wire::frames::{self, ChangeMade, OthersReceipt};

use super::{plain, said::Said, watermarks};

/// What an update tells, if it is of a group or of what is done to a message.
pub(super) fn line(update: &Update) -> Option<InGroup> {
    let line = match update {
        Update::Message(message) if message.chat.is_group() => InGroup::Message(plain((**message).clone())),
        Update::Changed(changed) => InGroup::Changed(self::changed(changed)),
        Update::Sent { sent, .. } if sent.chat.is_group() => InGroup::Sent {
            chat: sent.chat.to_string(),
            id: sent.id.0,
            seq: sent.seq.0,
            time: sent.time.0,
            repeated: sent.repeated,
        },
        Update::Done { done, .. } => {
            InGroup::Done { chat: done.chat.to_string(), id: done.id.0, time: done.time.0, repeated: done.repeated }
        }
        Update::Failed(failed) | Update::Retrying(failed) => InGroup::Failed {
            chat: failed.chat.filter(|chat| chat.is_group())?.to_string(),
            id: failed.id.map(|id| id.0),
            code: failed.code.as_str().to_owned(),
            retry: failed.retry,
        },
        Update::Receipt(receipt) if receipt.chat.is_group() => {
            let (user, delivered, read) = (receipt.user.to_string(), receipt.delivered.0, receipt.read.0);
            let watermarks = chasqui_oracle::Watermarks { user, delivered, read };
            InGroup::Receipt { chat: receipt.chat.to_string(), watermarks }
        }
        Update::Receipts(receipts) if receipts.chat.is_group() => InGroup::Receipts {
            chat: receipts.chat.to_string(),
            last_seq: receipts.last_seq.0,
            unread: receipts.unread,
            own: receipts.members.first().map(watermarks),
            others: receipts.others.map(|others| self::others(&others)).unwrap_or_default(),
        },
        Update::Counts(counts) => InGroup::Counts {
            chat: counts.chat.to_string(),
            others: others(&counts.others),
            messages: counts.messages.iter().map(count).collect(),
        },
        _ => return None,
    };
    Some(line)
}

fn count(count: &frames::MessageCount) -> Count {
    Count { seq: count.seq.0, delivered: count.delivered.into(), read: count.read.into() }
}

/// What all others have.
#[must_use]
pub fn others(others: &OthersReceipt) -> Others {
    Others { count: others.count.into(), delivered: others.delivered.0, read: others.read.0 }
}

/// A role.
#[must_use]
pub fn role(role: Role) -> chasqui_oracle::Role {
    match role {
        Role::Member => chasqui_oracle::Role::Member,
        Role::Admin => chasqui_oracle::Role::Admin,
        Role::Owner => chasqui_oracle::Role::Owner,
    }
}

/// A change as it is shown.
#[must_use]
pub fn changed(changed: &frames::Changed) -> Changed {
    let names = |users: &[UserId]| users.iter().map(UserId::to_string).collect();
    let change = match &changed.change {
        ChangeMade::Created { users, .. } => Change::Created { users: names(users) },
        ChangeMade::Add { users } => Change::Added { users: names(users) },
        ChangeMade::Remove { user } => Change::Removed { user: user.to_string() },
        ChangeMade::Leave {} => Change::Left,
        ChangeMade::Role { user, role } => Change::Role { user: user.to_string(), role: self::role(*role) },
        ChangeMade::Describe { .. } => Change::Described,
        ChangeMade::Edit(edit) => Change::Acted { seq: edit.seq.0, act: Act::Edited },
        ChangeMade::Delete { seq } => Change::Acted { seq: seq.0, act: Act::Deleted },
        ChangeMade::React { seq, reaction: Some(_) } => Change::Acted { seq: seq.0, act: Act::Reacted },
        ChangeMade::React { seq, reaction: None } => Change::Acted { seq: seq.0, act: Act::TakenBack },
        ChangeMade::Pin { seq } => Change::Acted { seq: seq.0, act: Act::Pinned },
        ChangeMade::Unpin { seq } => Change::Acted { seq: seq.0, act: Act::Unpinned },
    };
    let says = match &changed.change {
        ChangeMade::Edit(edit) => Some(Said::of_edit(edit).to_string()),
        ChangeMade::React { reaction, .. } => reaction.clone(),
        _ => None,
    };
    Changed {
        chat: changed.chat.to_string(),
        time: changed.time.0,
        after: changed.after.0,
        by: changed.by.to_string(),
        device: changed.device.to_string(),
        id: changed.id.0,
        change,
        says,
    }
}
