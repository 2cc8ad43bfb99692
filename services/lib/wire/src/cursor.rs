//! Cursors: positions in the form that clients hold. A cursor names the next offset wanted, the exclusive end of what
//! was seen, and a day before which nothing lies behind it: rows of an inbox expire by day, so a cursor tells by itself
//! whether something that it would have led to is gone.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chasqui_domain::{Day, LogId, Offset, Position, UserId};
use xxhash_rust::xxh3::xxh3_64;

use crate::Error;

const VERSION: u8 = 2;
const LOG: usize = 1;
const OFFSET: usize = LOG + 16;
const DAY: usize = OFFSET + 8;
const TAG: usize = DAY + 4;
const END: usize = TAG + 4;

/// What a cursor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The next that is wanted.
    pub position: Position,
    /// No entry at this position or behind it is older.
    pub day: Day,
}

/// Writes a cursor of a user.
#[must_use]
pub fn encode(user: &UserId, cursor: &Cursor) -> String {
    let mut bytes = [0; END];
    bytes[0] = VERSION;
    bytes[LOG..OFFSET].copy_from_slice(&cursor.position.log.0);
    bytes[OFFSET..DAY].copy_from_slice(&cursor.position.offset.0.to_be_bytes());
    bytes[DAY..TAG].copy_from_slice(&cursor.day.0.to_be_bytes());
    bytes[TAG..].copy_from_slice(&tag(user));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor of a user.
///
/// # Errors
/// [`Error::Cursor`] when the text is none, and [`Error::OtherUser`] when it is another user's.
pub fn decode(user: &UserId, text: &str) -> Result<Cursor, Error> {
    let mut bytes = [0; END];
    // The slice holds a cursor exactly, so a longer text fails.
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_| Error::Cursor)?;
    if length != END || bytes[0] != VERSION {
        return Err(Error::Cursor);
    }
    if bytes[TAG..] != tag(user) {
        return Err(Error::OtherUser);
    }
    let (mut log, mut offset, mut day) = ([0; 16], [0; 8], [0; 4]);
    log.copy_from_slice(&bytes[LOG..OFFSET]);
    offset.copy_from_slice(&bytes[OFFSET..DAY]);
    day.copy_from_slice(&bytes[DAY..TAG]);
    let position = Position { log: LogId(log), offset: Offset(u64::from_be_bytes(offset)) };
    Ok(Cursor { position, day: Day(u32::from_be_bytes(day)) })
}

/// Tells a client that mixes up its users. Guards nothing: a user reads their own inbox only, whatever the cursor.
fn tag(user: &UserId) -> [u8; 4] {
    // The low half.
    (xxh3_64(user.as_str().as_bytes()) as u32).to_be_bytes()
}
