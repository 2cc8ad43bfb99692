//! The bounds of the terminal client, each beside what it has to fit.

use std::time::Duration;

/// How long a token that is made here lives; a new one is made when it has ended.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// The longest text that can be written. Servers take 64 KiB unless they are told otherwise.
pub(super) const TEXT_BYTES_MAX: usize = 16 * 1024;
/// So much of a text that somebody else wrote is shown.
pub(super) const SHOWN_BYTES_MAX: usize = 16 * 1024;
/// So many characters without a width may follow each other; more are decoration.
pub(super) const ZERO_WIDTH_MAX: usize = 8;

/// The messages that one question asks for.
pub(super) const PAGE_MESSAGES: u32 = 50;
/// The messages in memory: with the longest texts, 16 MiB. Others are asked for again when they are scrolled to.
pub(super) const MESSAGES_MAX: usize = 1000;
/// The columns of a message where it is only hinted at.
pub(super) const QUOTE_COLUMNS: usize = 40;
/// The messages that wait for those between them and the rest.
pub(super) const AHEAD_MAX: usize = 200;
/// The own messages without an outcome, and those that failed, that are shown.
pub(super) const OUTGOING_MAX: usize = 300;

/// The changes of a group in memory. Older ones are not shown beside older messages.
pub(super) const CHANGES_MAX: usize = 500;
/// The own messages of a group of which it is known how many have them.
pub(super) const COUNTS_MAX: usize = MESSAGES_MAX;
/// The users that a change names; of others it tells how many there are.
pub(super) const NAMES_MAX: usize = 10;
/// The lines of an answer on the screen.
pub(super) const ANSWER_LINES_MAX: usize = 300;
/// The members that one question asks for.
pub(super) const PAGE_MEMBERS: u32 = 200;
/// The pages of members of a group, which has at most 1024 of them.
pub(super) const MEMBER_PAGES_MAX: usize = 16;

const _: () = assert!(MESSAGES_MAX >= 4 * PAGE_MESSAGES as usize, "a page must fit beside what is on the screen");

/// How often time is looked at.
pub(super) const TICK: Duration = Duration::from_millis(250);
/// How long a notice stands.
pub(super) const NOTICE: Duration = Duration::from_secs(6);
/// How long a question that failed waits before it is asked again.
pub(super) const LOAD_AGAIN: Duration = Duration::from_secs(3);
/// The same where asking again is not expected to help.
pub(super) const LOAD_AGAIN_LATER: Duration = Duration::from_secs(60);
/// How long the half-typed line waits to be kept.
pub(super) const DRAFT_WITHIN: Duration = Duration::from_millis(300);
/// How long is waited for a sign of the server where a chat can't be opened without it, unless it is said otherwise.
pub(super) const WAIT: &str = "30s";
/// The chats that one question asks for, where a group is looked for by its title.
pub(super) const PAGE_CHATS: u32 = 200;
/// The pages of chats that are looked through for it.
pub(super) const CHAT_PAGES_MAX: usize = 50;
/// The groups that are listed when there is none of that title.
pub(super) const GROUPS_LISTED_MAX: usize = 30;
/// The failures that are kept for the chat while it opens.
pub(super) const FAILURES_KEPT_MAX: usize = 64;
/// How long saying goodbye may take.
pub(super) const FAREWELL: Duration = Duration::from_secs(5);

/// The keys, updates and answers that are handled before the screen is drawn again.
pub(super) const EVENTS_AT_ONCE: usize = 256;
/// The answers that wait for the screen.
pub(super) const ANSWERS_MAX: usize = 64;
/// What waits to be told to the client.
pub(super) const REQUESTS_MAX: usize = 512;

const _: () = assert!(REQUESTS_MAX > OUTGOING_MAX, "everything that is shown as on its way can be on its way");

/// The peers, and the groups, whose half-typed lines are kept.
pub(super) const DRAFTS_MAX: usize = 64;

/// The messages of a script whose receipts are awaited.
pub(super) const SCRIPT_SENT_MAX: usize = 1024;
/// The users of a group of whom a script knows that they can be mentioned.
pub(super) const AUTHORS_MAX: usize = 1024;
/// The lines that wait to be sent.
pub(super) const SCRIPT_LINES_MAX: usize = 16;
/// How often a question is asked without whose answer it doesn't go on, and with which pause.
pub(super) const ASKS_MAX: u32 = 3;
/// See [`ASKS_MAX`].
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(1);
