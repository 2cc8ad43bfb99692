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
/// The messages that wait for those between them and the rest.
pub(super) const AHEAD_MAX: usize = 200;
/// The own messages without an outcome, and those that failed, that are shown.
pub(super) const OUTGOING_MAX: usize = 300;

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
/// How long saying goodbye may take.
pub(super) const FAREWELL: Duration = Duration::from_secs(5);

/// The keys, updates and answers that are handled before the screen is drawn again.
pub(super) const EVENTS_AT_ONCE: usize = 256;
/// The answers that wait for the screen.
pub(super) const ANSWERS_MAX: usize = 64;
/// What waits to be told to the client.
pub(super) const REQUESTS_MAX: usize = 512;

const _: () = assert!(REQUESTS_MAX > OUTGOING_MAX, "everything that is shown as on its way can be on its way");

/// The peers whose half-typed lines are kept.
pub(super) const DRAFTS_MAX: usize = 64;

/// The messages of a script whose receipts are awaited.
pub(super) const SCRIPT_SENT_MAX: usize = 1024;
/// The lines that wait to be sent.
pub(super) const SCRIPT_LINES_MAX: usize = 16;
/// How long a script waits for a sign of the server before it gives up, unless it says otherwise.
pub(super) const SCRIPT_WAIT: &str = "30s";
/// How often a page of missed messages is asked for, and with which pause.
pub(super) const SCRIPT_ASKS_MAX: u32 = 3;
/// See [`SCRIPT_ASKS_MAX`].
pub(super) const SCRIPT_ASK_AGAIN: Duration = Duration::from_secs(1);
