//! Changes of a chat, within the records that ask for them and that tell of them.

use chasqui_domain::{Change, Counter, DeviceId, EventKind, Role, Seq, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    Error, codec,
    fields::{long, role, text, texts},
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
        }
        record
    }

    pub(crate) fn into_domain(self, record: &'static str) -> Result<Change, Error> {
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
    change: ChangeRecord,
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
