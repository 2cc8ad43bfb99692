//! Judges a run by what was seen of it. It shares no code with the system: it knows texts and numbers, and what was
//! promised.
//!
//! Every promise is a file of its own; what breaks one is told in words.

mod deletions;
mod evidence;
mod fold;
mod group;
mod highest;
mod inboxes;
mod order;
mod promises;
mod said;
mod sends;
mod stored;
#[cfg(test)]
mod tests;
mod told;
mod transcript;

use std::fmt;

pub use evidence::Evidence;
pub use group::{Act, Change, Changed, Count, InGroup, Others, Role, ServedGroup, ServedMember};
pub use stored::{
    Happened, InLog, InboxPlace, InboxReading, InboxRow, Placed, Repeated, Replayed, StoredChat, StoredEvent, Unwritten,
};
pub use transcript::{Became, Line, Message, Reaction, Served, ServedChat, Transcript, Watermarks};

use promises as p;

/// The most violations of one promise that are told; the first ones say what the others only repeat.
const TOLD_MAX: usize = 10;

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub promise: &'static str,
    /// By what.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.what)
    }
}

/// What was broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("promises were broken:{}", .0.iter().map(|violation| format!("\n  {violation}")).collect::<String>())]
pub struct Broken(pub Vec<Violation>);

type Judge = fn(&Evidence) -> Vec<String>;

/// When a promise holds. At the end all devices have everything, and nothing is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    AtTheEnd,
    /// At any time when the transcripts were taken before the histories were asked for. At the end others say more.
    OnTheWay,
}

use When::{Always, AtTheEnd, OnTheWay};

const PROMISES: &[(&str, When, Judge)] = &[
    ("sessions resume", Always, p::sessions_resume::judge),
    ("only messages are refused", Always, p::only_messages_are_refused::judge),
    ("frames are documented", Always, p::frames_are_documented::judge),
    ("every send has an outcome", AtTheEnd, p::every_send_has_an_outcome::judge),
    ("no send has two outcomes", Always, p::no_send_has_two_outcomes::judge),
    ("nothing is made up", AtTheEnd, p::nothing_is_made_up::judge),
    ("no text is there twice", Always, p::no_text_is_there_twice::judge),
    ("devices see a chat in order", Always, p::devices_see_a_chat_in_order::judge),
    ("all agree on every message", Always, p::all_agree_on_every_message::judge),
    ("all members' devices have everything", AtTheEnd, p::all_have_everything::judge),
    ("a device's messages keep their order", Always, p::a_devices_messages_keep_their_order::judge),
    ("repeats are told the same", AtTheEnd, p::repeats_are_told_the_same::judge),
    ("a chat's time never goes back", Always, p::time_never_goes_back::judge),
    ("what was seen is served", OnTheWay, p::what_was_seen_is_served::judge),
    ("the history is whole", AtTheEnd, p::the_history_is_whole::judge),
    ("read ≤ delivered ≤ last", AtTheEnd, p::receipts_are_in_bounds::judge),
    ("receipts never go back", Always, p::receipts_never_go_back::judge),
    ("all are served the same receipts", AtTheEnd, p::receipts_are_served_alike::judge),
    ("devices are told of their messages", AtTheEnd, p::devices_are_told_of_their_messages::judge),
    ("delivered is exact", AtTheEnd, p::delivered_is_exact::judge),
    ("read is exact", AtTheEnd, p::read_is_exact::judge),
    ("unread is exact", AtTheEnd, p::unread_is_exact::judge),
    ("receipts are never ahead", Always, p::receipts_are_never_ahead::judge),
    ("versions and seqs are dense", Always, p::versions_and_seqs_are_dense::judge),
    ("the store tells what is served", AtTheEnd, p::the_store_tells_what_is_served::judge),
    ("inbox positions never change", Always, p::inbox_positions_never_change::judge),
    ("what is pushed has its row", Always, p::what_is_pushed_has_its_row::judge),
    ("every message is once in each inbox", AtTheEnd, p::every_message_is_once_in_each_inbox::judge),
    ("replay gives the same", AtTheEnd, p::replay_gives_the_same::judge),
    ("groups follow their events", Always, p::groups_follow_their_events::judge),
    ("roles are kept", Always, p::roles_are_kept::judge),
    ("all agree on a group", AtTheEnd, p::all_agree_on_a_group::judge),
    ("nobody sees a group from outside", AtTheEnd, p::nobody_sees_a_group_from_outside::judge),
    ("devices see a group in order", AtTheEnd, p::devices_see_a_group_in_order::judge),
    ("members have all of a group", AtTheEnd, p::members_have_all_of_a_group::judge),
    ("what is asked of a group has an outcome", AtTheEnd, p::what_is_asked_of_a_group_has_an_outcome::judge),
    ("nothing of a group has two outcomes", AtTheEnd, p::nothing_of_a_group_has_two_outcomes::judge),
    ("members are served their groups", AtTheEnd, p::members_are_served_their_groups::judge),
    ("receipts of a group are exact", AtTheEnd, p::receipts_of_a_group_are_exact::judge),
    ("unread of a group is exact", AtTheEnd, p::unread_of_a_group_is_exact::judge),
    ("counts are never ahead", AtTheEnd, p::counts_are_never_ahead::judge),
    ("authors know in the end", AtTheEnd, p::authors_know_in_the_end::judge),
    ("what is done to messages is allowed", Always, p::what_is_done_to_messages_is_allowed::judge),
    ("all tell the same of what is done", AtTheEnd, p::all_tell_the_same_of_what_is_done::judge),
    ("histories tell what was done", AtTheEnd, p::histories_tell_what_was_done::judge),
    ("what is deleted is gone", AtTheEnd, p::what_is_deleted_is_gone::judge),
];

/// Judges a run that is over: all devices have everything.
///
/// # Errors
/// When a promise was broken.
pub fn judge(evidence: &Evidence) -> Result<(), Broken> {
    hold(evidence, |when| when != OnTheWay)
}

/// Judges a run that goes on.
///
/// # Errors
/// When a promise was broken.
pub fn judge_so_far(evidence: &Evidence) -> Result<(), Broken> {
    hold(evidence, |when| when != AtTheEnd)
}

fn hold(evidence: &Evidence, is_asked: impl Fn(When) -> bool) -> Result<(), Broken> {
    let mut violations = Vec::new();
    for (promise, _, judge) in PROMISES.iter().filter(|(_, when, _)| is_asked(*when)) {
        violations.extend(judge(evidence).into_iter().take(TOLD_MAX).map(|what| Violation { promise, what }));
    }
    if violations.is_empty() { Ok(()) } else { Err(Broken(violations)) }
}
