use chasqui_domain::UserId;
use chasqui_wire::cursor::{decode, encode};

/// A user, a line break, and a cursor: one that is taken is that user's only, and is written as it was.
///
/// # Panics
/// When that isn't so.
pub fn cursors(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Some((user, cursor)) = text.split_once('\n') else { return false };
    let Ok(user) = UserId::new(user) else { return false };
    let Ok(decoded) = decode(&user, cursor) else { return false };
    assert_eq!(encode(&user, &decoded), cursor, "a cursor has one form");
    true
}
