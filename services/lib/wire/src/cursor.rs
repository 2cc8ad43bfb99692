//! Cursors: positions in the form that clients hold. A cursor names the next offset wanted, the exclusive end of what
//! was seen.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chasqui_domain::{LogId, Offset, Position, UserId};
use xxhash_rust::xxh3::xxh3_64;

use crate::Error;

const VERSION: u8 = 1;
const LOG: usize = 1;
const OFFSET: usize = LOG + 16;
const TAG: usize = OFFSET + 8;
const END: usize = TAG + 4;

/// Writes a position in a user's inbox.
#[must_use]
pub fn encode(user: &UserId, position: &Position) -> String {
    let mut bytes = [0; END];
    bytes[0] = VERSION;
    bytes[LOG..OFFSET].copy_from_slice(&position.log.0);
    bytes[OFFSET..TAG].copy_from_slice(&position.offset.0.to_be_bytes());
    bytes[TAG..].copy_from_slice(&tag(user));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor of a user.
///
/// # Errors
/// [`Error::Cursor`] when the text is none, or is another user's.
pub fn decode(user: &UserId, text: &str) -> Result<Position, Error> {
    let mut bytes = [0; END];
    // The slice holds a cursor exactly, so a longer text fails.
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_| Error::Cursor)?;
    if length != END || bytes[0] != VERSION || bytes[TAG..] != tag(user) {
        return Err(Error::Cursor);
    }
    let (mut log, mut offset) = ([0; 16], [0; 8]);
    log.copy_from_slice(&bytes[LOG..OFFSET]);
    offset.copy_from_slice(&bytes[OFFSET..TAG]);
    Ok(Position { log: LogId(log), offset: Offset(u64::from_be_bytes(offset)) })
}

/// Tells a client that mixes up its users. Guards nothing: a user reads their own inbox only, whatever the cursor.
fn tag(user: &UserId) -> [u8; 4] {
    // The low half.
    (xxh3_64(user.as_str().as_bytes()) as u32).to_be_bytes()
}
