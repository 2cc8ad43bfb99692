//! What happened in a chat, and what follows from it.

use crate::{
    change::{Change, Target},
    command::Sealed,
    ids::{ChatId, Counter, DeviceId, Epoch, Seq, TimeMs, UserId, Version},
    rules::RulesNumber,
};

/// Something that happened in a chat; never changed once written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Where.
    pub chat: ChatId,
    /// Its number in the chat.
    pub version: Version,
    /// The chat's own time: it never goes back.
    pub time: TimeMs,
    /// The rules that it was decided under.
    pub rules: RulesNumber,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A direct chat came to be.
    Opened {
        /// Who is in it, in ascending order.
        members: Vec<UserId>,
    },
    /// A group came to be.
    Created {
        /// Who made it, and is its owner.
        by: UserId,
        /// On which device.
        device: DeviceId,
        /// That device's count of the groups that it has made.
        counter: Counter,
        /// Who is in it, its creator included, in ascending order.
        members: Vec<UserId>,
        /// What it is called.
        title: Sealed,
        /// The reference to its picture.
        picture: Option<Sealed>,
    },
    /// The chat was changed.
    Changed {
        /// By whom.
        by: UserId,
        /// On which device.
        device: DeviceId,
        /// That device's count.
        counter: Counter,
        /// The last message before it.
        after: Seq,
        /// What is different now.
        change: Change,
    },
    /// A message was written.
    Message {
        /// Its number among the chat's messages.
        seq: Seq,
        /// Who wrote it.
        sender: UserId,
        /// On which device.
        device: DeviceId,
        /// That device's count.
        counter: Counter,
        /// What it says.
        body: Sealed,
    },
    /// A member's device has everything up to a seq.
    Delivered {
        /// Who.
        member: UserId,
        /// The new watermark.
        seq: Seq,
    },
    /// A member has opened everything up to a seq; raises delivered, too.
    Read {
        /// Who.
        member: UserId,
        /// The new watermark.
        seq: Seq,
    },
}

impl EventKind {
    /// Whether the event is a receipt.
    #[must_use]
    pub fn is_receipt(&self) -> bool {
        matches!(self, Self::Delivered { .. } | Self::Read { .. })
    }

    /// The number of the message that was written; none when that isn't what happened.
    #[must_use]
    pub fn seq(&self) -> Option<Seq> {
        match self {
            Self::Message { seq, .. } => Some(*seq),
            _ => None,
        }
    }

    /// The message to which something was done; none when that isn't what happened.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        match self {
            Self::Changed { change, .. } => change.target(),
            _ => None,
        }
    }
}

/// What deciding a command gives. A command that gives no events changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What is to be done once the events are written, in order.
    pub effects: Vec<Effect>,
}

/// Done only after the write that justifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Place an entry in the inboxes of some users.
    Place {
        /// Whose inboxes, without repeats.
        recipients: Vec<UserId>,
        /// The entry.
        entry: Entry,
    },
}

/// One thing placed in an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A message of a chat. For the device that sent it, this is its `sent`.
    Message {
        /// The message's event; its kind is [`EventKind::Message`].
        event: Event,
    },
    /// A group came to be, or a chat was changed. For the device that asked for it, this is its `done`.
    Changed {
        /// Its event; the kind is [`EventKind::Created`] or [`EventKind::Changed`].
        event: Event,
    },
    /// What a device asked for is done: it was before, or there was nothing to change.
    Done {
        /// The chat.
        chat: ChatId,
        /// The device that asked.
        device: DeviceId,
        /// That device's count.
        counter: Counter,
        /// When it happened; the chat's time when there was nothing to change.
        time: TimeMs,
    },
    /// A message that had been accepted before was sent again: its `sent`, once more.
    Repeated {
        /// The chat.
        chat: ChatId,
        /// The device that sent it.
        device: DeviceId,
        /// That device's count.
        counter: Counter,
        /// The seq that the message has had since it was first accepted.
        seq: Seq,
        /// The time of the message.
        time: TimeMs,
    },
    /// A command was refused.
    Refused {
        /// The chat.
        chat: ChatId,
        /// The device that asked.
        device: DeviceId,
        /// The message's counter; none when the command was no message.
        counter: Option<Counter>,
        /// Why.
        refusal: Refusal,
    },
    /// How many have messages of some authors. Pushed to those who are there, kept in no inbox.
    Counts(GroupCounts),
    /// A member's watermarks rose. Pushed to those who are there, kept in no inbox.
    Receipt {
        /// The chat.
        chat: ChatId,
        /// The version at which they rose.
        version: Version,
        /// When.
        time: TimeMs,
        /// Whose.
        member: UserId,
        /// Everything up to here is on a device of theirs.
        delivered: Seq,
        /// Everything up to here was opened.
        read: Seq,
    },
}

/// How many of a group have messages of some authors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupCounts {
    /// The group.
    pub chat: ChatId,
    /// The version as of which.
    pub version: Version,
    /// What each author is told, in ascending order of user.
    pub authors: Vec<AuthorCounts>,
}

/// What an author is told of the others in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorCounts {
    /// Who.
    pub author: UserId,
    /// How many others there are.
    pub others: u32,
    /// All others have everything up to here.
    pub delivered: Seq,
    /// All others have read everything up to here.
    pub read: Seq,
    /// The newest of the author's messages of which something changed, in ascending order.
    pub messages: Vec<MessageCount>,
}

/// How many have a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageCount {
    /// Which.
    pub seq: Seq,
    /// On a device of how many of the others it is.
    pub delivered: u32,
    /// How many of the others have opened it.
    pub read: u32,
}

impl Entry {
    /// Whether the entry has a row in the inbox; others are pushed to those who are there and asked for otherwise.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        !matches!(self, Self::Receipt { .. } | Self::Counts(_))
    }
}

/// Why a command was refused. The codes that clients see are in `schemas/protocol/codes.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The chat is not the one of these two users, or no group, or not the group to be made.
    WrongChat,
    /// The sender is not in the chat, or there is no such chat; the two are not told apart.
    NotAMember,
    /// The policy doesn't let the sender write to the peer, or to one who is to be added.
    NotAllowed,
    /// The sender's role in the group doesn't allow it.
    NotPermitted,
    /// The user that it is about is not in the group.
    NoSuchMember,
    /// The group would have more members than the stamped limit.
    TooManyMembers,
    /// The group would have no owner.
    LastOwner,
    /// There is no such message that the sender may see, or none any more.
    NoSuchMessage,
    /// The time within which it can be done to a message, by the stamped limit, is over.
    TooLate,
    /// The message has as many kinds of reactions as it may have.
    TooManyReactions,
    /// More was done to the message, by the sender or by all, than may be.
    TooManyActions,
    /// The chat has as many pinned messages as it may have.
    TooManyPins,
    /// The body is larger than the stamped limit.
    BodyTooLarge,
    /// Counters start at 1.
    BadCounter,
    /// The counter lies below the window in which repeats can be recognised.
    CounterTooOld,
    /// The body is sealed under an epoch that is not the current one.
    StaleEpoch {
        /// The current one.
        current: Epoch,
    },
    /// A receipt beyond the last message.
    SeqAhead,
    /// Deciding the command failed; it is on the skip list.
    Poison,
}
