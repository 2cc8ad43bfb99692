//! Changes of a chat, within the records that ask for them and that tell of them.

use bytes::Bytes;
use chasqui_domain::{Change, Counter, DeviceId, EventKind, Reaction, ReactionTag, Role, Seq, Target, UserId, Version};
use serde::{Deserialize, Serialize};

use crate::{
    Error, codec,
    fields::{long, reaction_tag, role, text, texts},
    parts::SealedRecord,
};

/// `Change`.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename = "Change")]
pub(crate) struct ChangeRecord {
    add: Option<ChangeAdd>,
    remove: Option<ChangeRemove>,
    leave: Option<ChangeLeave>,
    role: Option<ChangeRole>,
    describe: Option<ChangeDescribe>,
    edit: Option<ChangeEdit>,
    delete: Option<ChangeDelete>,
    react: Option<ChangeReact>,
    pin: Option<ChangePin>,
    unpin: Option<ChangeUnpin>,
}

#[derive(Serialize, Deserialize)]
struct ChangeAdd {
    #[serde(with = "texts")]
    users: Vec<UserId>,
}

#[derive(Serialize, Deserialize)]
struct ChangeRemove {
    #[serde(with = "text")]
    user: UserId,
}

#[derive(Serialize, Deserialize)]
struct ChangeLeave {}

#[derive(Serialize, Deserialize)]
struct ChangeRole {
    #[serde(with = "text")]
    user: UserId,
    #[serde(with = "role")]
    role: Role,
}

#[derive(Serialize, Deserialize)]
struct ChangeDescribe {
    title: Option<SealedRecord>,
    picture: Option<SealedRecord>,
}

/// `Target`.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename = "Target")]
pub(crate) struct TargetRecord {
    #[serde(with = "long")]
    seq: Seq,
    #[serde(with = "long")]
    version: Version,
}

impl From<Target> for TargetRecord {
    fn from(Target { seq, version }: Target) -> Self {
        Self { seq, version }
    }
}

impl From<TargetRecord> for Target {
    fn from(TargetRecord { seq, version }: TargetRecord) -> Self {
        Self { seq, version }
    }
}

#[derive(Serialize, Deserialize)]
struct ChangeEdit {
    message: TargetRecord,
    body: SealedRecord,
}

#[derive(Serialize, Deserialize)]
struct ChangeDelete {
    message: TargetRecord,
}

#[derive(Serialize, Deserialize)]
struct ChangeReact {
    message: TargetRecord,
    reaction: Option<ReactionRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "Reaction")]
struct ReactionRecord {
    #[serde(with = "reaction_tag")]
    tag: ReactionTag,
    kind: SealedRecord,
}

#[derive(Serialize, Deserialize)]
struct ChangePin {
    message: TargetRecord,
}

#[derive(Serialize, Deserialize)]
struct ChangeUnpin {
    message: TargetRecord,
}

impl ReactionRecord {
    fn of(reaction: &Reaction) -> Self {
        Self { tag: reaction.tag, kind: SealedRecord::of(&reaction.kind) }
    }

    fn into_domain(self, record: &'static str) -> Result<Reaction, Error> {
        Ok(Reaction { tag: self.tag, kind: self.kind.into_domain(record)? })
    }
}

impl ChangeRecord {
    pub(crate) fn of(change: &Change) -> Self {
        let mut record = Self::default();
        match change {
            Change::Add { users } => record.add = Some(ChangeAdd { users: users.clone() }),
            Change::Remove { user } => record.remove = Some(ChangeRemove { user: user.clone() }),
            Change::Leave => record.leave = Some(ChangeLeave {}),
            Change::SetRole { user, role } => record.role = Some(ChangeRole { user: user.clone(), role: *role }),
            Change::Describe { title, picture } => {
                let [title, picture] = [title, picture].map(|part| part.as_ref().map(SealedRecord::of));
                record.describe = Some(ChangeDescribe { title, picture });
            }
            Change::Edit { message, body } => {
                record.edit = Some(ChangeEdit { message: (*message).into(), body: SealedRecord::of(body) });
            }
            Change::Delete { message } => record.delete = Some(ChangeDelete { message: (*message).into() }),
            Change::React { message, reaction } => {
                let reaction = reaction.as_ref().map(ReactionRecord::of);
                record.react = Some(ChangeReact { message: (*message).into(), reaction });
            }
            Change::Pin { message } => record.pin = Some(ChangePin { message: (*message).into() }),
            Change::Unpin { message } => record.unpin = Some(ChangeUnpin { message: (*message).into() }),
        }
        record
    }

    /// The body of an edited message, which has a cell of its own in a stored row.
    pub(crate) fn body(&mut self) -> Option<&mut Option<Bytes>> {
        self.edit.as_mut().map(|edit| &mut edit.body.bytes)
    }

    pub(crate) fn into_domain(self, record: &'static str) -> Result<Change, Error> {
        let edit = |it: ChangeEdit| Ok(Change::Edit { message: it.message.into(), body: it.body.into_domain(record)? });
        let react = |it: ChangeReact| {
            let reaction = it.reaction.map(|reaction| reaction.into_domain(record)).transpose()?;
            Ok(Change::React { message: it.message.into(), reaction })
        };
        let describe = |it: ChangeDescribe| {
            let part = |part: Option<SealedRecord>| part.map(|part| part.into_domain(record)).transpose();
            Ok(Change::Describe { title: part(it.title)?, picture: part(it.picture)? })
        };
        codec::only(
            record,
            [
                self.add.map(|it| Ok(Change::Add { users: it.users })),
                self.remove.map(|it| Ok(Change::Remove { user: it.user })),
                self.leave.map(|ChangeLeave {}| Ok(Change::Leave)),
                self.role.map(|it| Ok(Change::SetRole { user: it.user, role: it.role })),
                self.describe.map(describe),
                self.edit.map(edit),
                self.delete.map(|it| Ok(Change::Delete { message: it.message.into() })),
                self.react.map(react),
                self.pin.map(|it| Ok(Change::Pin { message: it.message.into() })),
                self.unpin.map(|it| Ok(Change::Unpin { message: it.message.into() })),
            ],
        )?
    }
}

/// `EventCreated`.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventCreated {
    #[serde(with = "text")]
    by: UserId,
    #[serde(with = "text")]
    device: DeviceId,
    #[serde(with = "long")]
    counter: Counter,
    #[serde(with = "texts")]
    members: Vec<UserId>,
    title: SealedRecord,
    picture: Option<SealedRecord>,
}

impl EventCreated {
    /// None when the event is another one.
    pub(crate) fn of(kind: &EventKind) -> Option<Self> {
        let EventKind::Created { by, device, counter, members, title, picture } = kind else { return None };
        Some(Self {
            by: by.clone(),
            device: device.clone(),
            counter: *counter,
            members: members.clone(),
            title: SealedRecord::of(title),
            picture: picture.as_ref().map(SealedRecord::of),
        })
    }

    pub(crate) fn into_domain(self, record: &'static str) -> Result<EventKind, Error> {
        Ok(EventKind::Created {
            by: self.by,
            device: self.device,
            counter: self.counter,
            members: self.members,
            title: self.title.into_domain(record)?,
            picture: self.picture.map(|picture| picture.into_domain(record)).transpose()?,
        })
    }
}

/// `EventChanged`.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventChanged {
    #[serde(with = "text")]
    by: UserId,
    #[serde(with = "text")]
    device: DeviceId,
    #[serde(with = "long")]
    counter: Counter,
    #[serde(with = "long")]
    after: Seq,
    pub(crate) change: ChangeRecord,
}

impl EventChanged {
    /// None when the event is another one.
    pub(crate) fn of(kind: &EventKind) -> Option<Self> {
        let EventKind::Changed { by, device, counter, after, change } = kind else { return None };
        let change = ChangeRecord::of(change);
        Some(Self { by: by.clone(), device: device.clone(), counter: *counter, after: *after, change })
    }

    pub(crate) fn into_domain(self, record: &'static str) -> Result<EventKind, Error> {
        let change = self.change.into_domain(record)?;
        let Self { by, device, counter, after, .. } = self;
        Ok(EventKind::Changed { by, device, counter, after, change })
    }
}
