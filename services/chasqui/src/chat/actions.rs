//! What is done to messages, whoever asked for it.

use chasqui_domain::Seq;
use chasqui_wire::frames::{ChangeAsked, ChangeMade, Edit};

/// What was done to a message, as far as it matters to what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action<'a> {
    Edit(&'a Edit),
    Delete(Seq),
    /// Or it was taken back.
    React(Seq),
    /// Or it is pinned no more.
    Pin(Seq),
}

impl<'a> Action<'a> {
    /// What somebody has done; none when it is a change of a group.
    pub(super) fn made(change: &'a ChangeMade) -> Option<Self> {
        match change {
            ChangeMade::Edit(edit) => Some(Self::Edit(edit)),
            ChangeMade::Delete { seq } => Some(Self::Delete(*seq)),
            ChangeMade::React { seq, .. } => Some(Self::React(*seq)),
            ChangeMade::Pin { seq } | ChangeMade::Unpin { seq } => Some(Self::Pin(*seq)),
            ChangeMade::Created { .. }
            | ChangeMade::Add { .. }
            | ChangeMade::Remove { .. }
            | ChangeMade::Leave {}
            | ChangeMade::Role { .. }
            | ChangeMade::Describe { .. } => None,
        }
    }

    /// What this device has asked for; none when it is a change of a group.
    pub(super) fn asked(change: &'a ChangeAsked) -> Option<Self> {
        match change {
            ChangeAsked::Edit(edit) => Some(Self::Edit(edit)),
            ChangeAsked::Delete { seq } => Some(Self::Delete(*seq)),
            ChangeAsked::React { seq, .. } => Some(Self::React(*seq)),
            ChangeAsked::Pin { seq } | ChangeAsked::Unpin { seq } => Some(Self::Pin(*seq)),
            ChangeAsked::Add { .. }
            | ChangeAsked::Remove { .. }
            | ChangeAsked::Leave {}
            | ChangeAsked::Role { .. }
            | ChangeAsked::Describe { .. } => None,
        }
    }

    /// The message.
    pub(super) fn seq(self) -> Seq {
        match self {
            Self::Edit(edit) => edit.seq,
            Self::Delete(seq) | Self::React(seq) | Self::Pin(seq) => seq,
        }
    }
}
