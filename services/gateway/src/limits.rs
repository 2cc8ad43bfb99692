//! The bounds that are not options, each beside what it has to fit.

use std::time::Duration;

use chasqui_seal::SEALED_OVERHEAD_BYTES;

/// The longest head of a request, which may hold a long token.
pub(crate) const HTTP_BUFFER_BYTES: usize = 16 * 1024;

/// A socket's read buffer and write buffer. Idle sessions pay for both.
pub(crate) const SOCKET_BUFFER_BYTES: usize = 2 * 1024;

/// How much longer a body can get as JSON: a control character takes six.
const ESCAPE_FACTOR: usize = 6;

/// The longest frame beside its body: ids, cursor, names of fields.
const FRAME_OVERHEAD_BYTES: usize = 8 * 1024;

/// The most chats that one `receipts` question may name.
pub(crate) const RECEIPTS_CHATS_MAX: usize = 100;

/// The most bytes of one chat in the answer to it: two users of 128 bytes that may need escapes, and numbers.
const RECEIPTS_CHAT_BYTES: usize = 1024;

/// The most seconds for which messages can be edited or deleted: 30 days, whose milliseconds a command can hold.
pub(crate) const ACT_WITHIN_S_LIMIT: u32 = 2_592_000;

/// The longest frame of a change: all who may be in a group, of 128 bytes that may need escapes, in quotes.
const CHANGED_BYTES: usize = GROUP_MEMBERS_LIMIT * (2 * USER_BYTES_MAX + 3) + FRAME_OVERHEAD_BYTES;

/// The most bytes of a user's id.
const USER_BYTES_MAX: usize = 128;

/// The most bytes of chunks that a socket holds back: its buffer, and one frame of the longest. tungstenite refuses
/// a frame beyond it instead of waiting, so it must hold the longest.
pub(crate) const fn write_buffer_bytes_max(body_bytes_max: usize) -> usize {
    let message = ESCAPE_FACTOR * body_bytes_max + FRAME_OVERHEAD_BYTES;
    let receipts = RECEIPTS_CHATS_MAX * RECEIPTS_CHAT_BYTES;
    SOCKET_BUFFER_BYTES + longest(longest(message, receipts), CHANGED_BYTES)
}

const fn longest(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
}

/// The longest body that may be configured, so that it fits a record of the log beside those to whom it goes and its other
/// fields.
pub(crate) const BODY_BYTES_LIMIT: usize = 262_144;

const _: () = assert!(
    stamped_body_bytes_max(BODY_BYTES_LIMIT) + GROUP_MEMBERS_LIMIT * (USER_BYTES_MAX + 2) + 16 * 1024
        <= chasqui_log::RECORD_BYTES_MAX
);

/// The most members that may be configured: state, rows and records of a group grow with them.
pub(crate) const GROUP_MEMBERS_LIMIT: usize = 1024;

/// What a mention counts for beside its text: its length in the body's encoding.
pub(crate) const MENTION_OVERHEAD_BYTES: usize = 2;

/// The bytes of a body's encoding that are not content: fingerprint, tags, lengths, a seq.
const BODY_ENCODING_BYTES: usize = 64;

/// The limit on sealed bodies that goes with a limit on their content.
pub(crate) const fn stamped_body_bytes_max(body_bytes_max: usize) -> usize {
    body_bytes_max + BODY_ENCODING_BYTES + SEALED_OVERHEAD_BYTES
}

/// How many verdicts of the policy are asked for at once, for who is to be in a group.
pub(crate) const VERDICTS_AT_ONCE: usize = 16;

/// How many data keys are kept, about 200 bytes each.
pub(crate) const KEYS_MAX: u64 = 50_000;

/// How far the clocks of servers may differ where days are compared, in milliseconds.
pub(crate) const CLOCKS_DIFFER_MS: u64 = 3_600_000;

/// How long a data key may be used, from the start of the read; the eraser waits this long.
pub(crate) const KEY_LIFE: Duration = Duration::from_secs(60);

/// How long the dispatcher waits for a data key before it gives the session a gap: one slow read must not hold up
/// everybody.
pub(crate) const KEY_PATIENCE: Duration = Duration::from_secs(2);

/// How many entries are opened at once.
pub(crate) const OPENING_MAX: usize = 16;

/// The bytes that one read of the gateway's topic asks for.
pub(crate) const TOPIC_READ_BYTES: usize = 256 * 1024;

/// How often the log is told what of the gateway's topic nobody reads again.
pub(crate) const RELEASE_EVERY: Duration = Duration::from_secs(10);

/// The bytes of frames that wait for a slow session, beside `queue_frames_max`; beyond it the session is repaired from
/// its inbox.
pub(crate) const QUEUE_BYTES_MAX: usize = 1024 * 1024;

/// How long a frame that is in no hurry waits for another to be flushed with.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);

/// The rows that a session holds at once while it reads its inbox.
pub(crate) const PAGE_ROWS: usize = 32;

/// How many sessions read their inboxes at once; a repair of all must not be a storm on the store.
pub(crate) const READERS_MAX: usize = 64;

/// The chats whose watermarks wait for the append in flight; beyond it the client's frames wait.
pub(crate) const RECEIPTS_WAITING_MAX: usize = 1024;

/// The answers that wait for the socket; beyond it the client's frames wait.
pub(crate) const CONTROL_FRAMES_MAX: usize = 64;

/// How long, from when it may be sent again, a refused message holds back those behind it: longer than a client pauses.
pub(crate) const HELD_FOR: Duration = Duration::from_secs(120);

/// The refused messages of a session that are waited for; one more ends the session, since a client that doesn't
/// wait for its outcomes would lose their order.
pub(crate) const HELD_MAX: usize = 1024;

/// The outcomes that a session remembers, the last ones: a client has at most so many messages under way that may be sent
/// again.
pub(crate) const PASSED_OVER_MAX: usize = 128;

/// How long a sender waits for an outcome before it is told that it is late.
pub(crate) const DELAYED_AFTER: Duration = Duration::from_secs(5);

/// How long an attach may go without an answer before it is repeated; doubled every time.
pub(crate) const ATTACH_WAIT: Duration = Duration::from_secs(1);

/// The longest that [`ATTACH_WAIT`] grows.
pub(crate) const ATTACH_WAIT_MAX: Duration = Duration::from_secs(30);

/// How often a session says that it is still here. Routers forget it after 180 s: two of them may get lost.
pub(crate) const REFRESH_EVERY: Duration = Duration::from_secs(60);

/// The pause before something that failed is tried again; doubled up to [`RETRY_MAX`] where it goes on failing.
pub(crate) const RETRY: Duration = Duration::from_millis(500);

/// The longest such pause.
pub(crate) const RETRY_MAX: Duration = Duration::from_secs(8);

/// How long a new session waits for the store to say that it is not banned; behind it nobody is let in.
pub(crate) const BAN_PATIENCE: Duration = Duration::from_secs(5);

/// The sessions of a device whose clients have not answered yet. More than one, so that a connection that died doesn't
/// take the place of the one that lives.
pub(crate) const UNANSWERED_PER_DEVICE_MAX: usize = 4;

/// How long the last words to a client, or about it, may take.
pub(crate) const FAREWELL: Duration = Duration::from_secs(3);

/// The longest that somebody who logs in may be told to wait. At the defaults all sessions of a gateway have their turn
/// within it; longer than that nobody waits for a screen.
pub(crate) const LOGIN_WAIT_MAX: Duration = Duration::from_secs(120);

/// How long an answer of the REST API may take.
pub(crate) const REST_PATIENCE: Duration = Duration::from_secs(15);

/// The items of a page of the REST API when the client doesn't say, and at most.
pub(crate) const PAGE_ITEMS: usize = 50;
/// See [`PAGE_ITEMS`].
pub(crate) const PAGE_ITEMS_MAX: usize = 200;

/// Behind so many bytes of bodies a page of the REST API ends, whatever was asked for: an answer that nobody takes
/// stays in memory for a while. A page has at least one item.
pub(crate) const PAGE_BYTES_MAX: usize = 256 * 1024;

/// How many rows of a chat are read at once.
pub(crate) const READ_ROWS: usize = 8;

/// How many pages are put together at a time: history must not hold up what is live.
pub(crate) const PAGES_MAX: usize = 4;

/// How many chats of a list are read at once.
pub(crate) const LIST_READS_MAX: usize = 8;
