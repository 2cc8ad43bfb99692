//! The aggregate: one chat's state, and how events change it.

mod apply;
mod counts;
pub mod decide;
mod devices;
mod message;
mod runs;
mod validate;

pub use apply::Inapplicable;
pub use devices::{Accepted, Device};
pub use message::{Message, MessageReaction, NotAbout};
pub use runs::{RUNS_MAX, Runs};
pub use validate::Invalid;

use crate::{
    change::{Joined, Profile, Role, Target},
    ids::{ChatId, Epoch, Seq, TimeMs, UserId, Version},
};

/// How many runs of own messages all members of a group have together, shared evenly.
const RUNS_OF_GROUP_MAX: usize = 16 * 1024;
/// Each has so many, however many they are.
const RUNS_LEAST: usize = 16;

/// The state of a chat: a function of its events up to [`Chat::version`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// Which chat.
    pub id: ChatId,
    /// The last event's number; 0 when the chat has none.
    pub version: Version,
    /// The last message's number; 0 when the chat has none.
    pub last_seq: Seq,
    /// The last message's event; 0 when the chat has none.
    pub last_message: Version,
    /// Whether something was done to the last message.
    pub last_is_acted: bool,
    /// The last event's time.
    pub last_time: TimeMs,
    /// The epoch that messages must be sealed under.
    pub epoch: Epoch,
    /// Who is in it, in ascending order of user.
    pub members: Vec<Member>,
    /// Messages that count as unread for nobody, although they are others': those that were deleted, and those of
    /// members who were removed. Kept above what all members have read.
    pub uncounted: Runs,
    /// What is remembered of the devices that asked for something, in ascending order of user and device. Also of those
    /// whose users are members no more: what they asked before is still a repeat.
    pub devices: Vec<Device>,
    /// What a group is called.
    pub profile: Profile,
    /// The messages that are pinned, in the order in which they were.
    pub pins: Vec<Target>,
}

/// A member of a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// What they may do.
    pub role: Role,
    /// Since when they are in it.
    pub joined: Joined,
    /// Everything up to here is on a device of theirs. Who joins begins with the last message before.
    pub delivered: Seq,
    /// Everything up to here was opened.
    pub read: Seq,
    /// Their own messages: in a direct chat those above `read`, in a group those above what all have read.
    pub own: Runs,
}

impl Chat {
    /// A chat in which nothing has happened yet.
    #[must_use]
    pub fn new(id: ChatId) -> Self {
        Self {
            id,
            version: Version(0),
            last_seq: Seq(0),
            last_message: Version(0),
            last_is_acted: false,
            last_time: TimeMs(0),
            epoch: Epoch::FIRST,
            members: Vec::new(),
            uncounted: Runs::default(),
            devices: Vec::new(),
            profile: Profile::default(),
            pins: Vec::new(),
        }
    }

    /// The member of this name.
    #[must_use]
    pub fn member(&self, user: &UserId) -> Option<&Member> {
        self.position(user).ok().map(|at| &self.members[at])
    }

    /// Where a member is, or would be.
    fn position(&self, user: &UserId) -> Result<usize, usize> {
        self.members.binary_search_by(|member| member.user.cmp(user))
    }

    /// How many messages of others a member has not opened. Derived, never counted up and down; exact as long as
    /// neither their own messages above what they have read nor those that count for nobody are more runs than are
    /// kept.
    #[must_use]
    pub fn unread(&self, member: &Member) -> u64 {
        let from = member.counted_from();
        self.last_seq.0 - from.0 - member.own.count_above(from) - self.uncounted.count_above(from)
    }

    /// Whether a message may be one of the chat's, by its numbers: the last is known by both, and each comes behind the
    /// event by which the chat came to be.
    fn may_have(&self, message: Target) -> bool {
        let Target { seq, version } = message;
        let is_numbered = seq > Seq(0) && seq <= self.last_seq && seq.0 < version.0;
        is_numbered && seq.cmp(&self.last_seq) == version.cmp(&self.last_message)
    }

    /// What everybody has read.
    fn read_by_all(&self) -> Seq {
        self.members.iter().map(|member| member.read).min().unwrap_or(self.last_seq)
    }

    /// How many runs of a member's own messages are kept.
    fn runs_max(&self) -> usize {
        if self.id.is_group() {
            (RUNS_OF_GROUP_MAX / self.members.len().max(1)).clamp(RUNS_LEAST, RUNS_MAX)
        } else {
            RUNS_MAX
        }
    }
}

impl Member {
    /// The seq above which their unread messages are counted.
    #[must_use]
    pub fn counted_from(&self) -> Seq {
        self.read.max(self.own.floor())
    }
}
