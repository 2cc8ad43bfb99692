//! What happens to the screen, and what it has others do.

use std::time::Duration;

use chasqui_client::{Asked, ChangeAsked, Draft, Update};
use chasqui_domain::{Counter, DeviceId, Seq, Version};
use chasqui_wire::frames::{Changes, Messages};
use crossterm::event::KeyEvent;

use super::{
    super::{answers::Question, timeline::Load},
    Summary, Ticket,
};

/// Something that happened.
#[derive(Debug)]
pub(in crate::chat) enum Event {
    Key(KeyEvent),
    Paste(String),
    /// Whether the terminal is the one that is looked at.
    Focus(bool),
    Resize {
        columns: u16,
        rows: u16,
    },
    /// Time went by; the client connects again in so long.
    Tick {
        again_in: Option<Duration>,
    },
    /// There is a client, with what waits in its state.
    Opened {
        device: DeviceId,
        unsent: Vec<Asked>,
    },
    Update(Box<Update>),
    /// The chat in the list; none when it has no messages yet, or when it is a group that the user is not in.
    Summary(Option<Box<Summary>>),
    Loaded(Load, Messages),
    /// Changes of the group, and where the page of them began; none for the newest.
    Changes(Option<Version>, Changes),
    /// There is no answer to a question for the summary, for messages or for changes.
    NotLoaded {
        why: String,
        is_retryable: bool,
    },
    /// What the user has asked, in lines; or why there is no answer.
    Answered(Result<Vec<String>, String>),
    /// The client has taken a message.
    Queued(Ticket, Counter),
    /// The client has not taken a message, and won't.
    NotSent(Ticket, String),
    /// The client ended before it said whether it has taken a message.
    Cut(Ticket),
    /// There is no session and there won't be another.
    Over(String),
    /// Something that the user should know.
    Notice(String),
}

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::chat) enum Effect {
    Send(Ticket, Box<Draft>),
    Change(Ticket, ChangeAsked),
    Read(Seq),
    Summary,
    /// What a group is called and who is in it may be different by now.
    Refresh,
    Load(Load),
    /// Those before the page that gave this place; none for the newest.
    Changes(Option<Version>),
    Ask(Question),
    KeepDraft(String),
    Leave,
}
