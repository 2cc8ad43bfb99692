//! Every id, number and place is a type of its own, so that one can't be passed for another.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Empty, or longer than allowed.
    #[error("{what} must have between 1 and {bytes_max} bytes, this one has {bytes}")]
    Length {
        /// What was being read.
        what: &'static str,
        /// How long it was.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// A character that the id can't hold.
    #[error("{what} can't contain the character {character:?}")]
    Character {
        /// What was being read.
        what: &'static str,
        /// The first offending character.
        character: char,
    },
    /// Not the text form of a chat id.
    #[error("not a chat id: it has 32 characters of A-Z, a-z, 0-9, '-' and '_'")]
    Chat,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $bytes_max:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The most bytes that the id may have.
            pub const BYTES_MAX: usize = $bytes_max;

            /// Checks and takes a text.
            ///
            /// # Errors
            /// When it is empty, too long, or has a character that the id can't hold.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                if text.is_empty() || text.len() > $bytes_max {
                    return Err(IdError::Length { what: $what, bytes: text.len(), bytes_max: $bytes_max });
                }
                let allowed: fn(char) -> bool = $allowed;
                if let Some(character) = text.chars().find(|&c| !allowed(c)) {
                    return Err(IdError::Character { what: $what, character });
                }
                Ok(Self(text.into()))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

text_id! {
    /// A user: the opaque `sub` of the identity provider's token. Chasqui owns no accounts.
    UserId, "a user id", 128, |c| !c.is_control()
}
text_id! {
    /// A user's installation of a client, named by the client; unique within the user.
    DeviceId, "a device id", 64, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}
text_id! {
    /// A gateway; the same over all its incarnations.
    GatewayId, "a gateway id", 48, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}
text_id! {
    /// What a body holds, as a media type such as `text/plain`.
    ContentType, "a content type", 128, |c| c.is_ascii_graphic() || c == ' '
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl $name {
            /// The number that follows.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number! {
    /// The dense number of an event in its chat; the first is 1, and 0 is a chat without events.
    Version, u64
}
number! {
    /// The dense number of a message in its chat; the first is 1, and 0 is before all.
    Seq, u64
}
number! {
    /// A device's own count of the messages that it sends in one chat; the first is 1. With the device it is the
    /// client message id.
    Counter, u64
}
number! {
    /// The span of a chat's messages that is sealed under one data key; the first is 1.
    Epoch, u32
}
number! {
    /// A place in a topic partition; the first is 0. Never shown to clients.
    Offset, u64
}
number! {
    /// A partition of a topic; the first is 0.
    Partition, u32
}
number! {
    /// One life of a gateway: the offset of its first record in its own topic, so a later life has a higher one.
    Incarnation, u64
}
number! {
    /// One ownership of a partition of `inbox` by a router: the offset in `presence` of the record that began it, so a
    /// later one has a higher one.
    Term, u64
}
number! {
    /// One WebSocket connection of a device; unique within an incarnation.
    SessionId, u64
}
number! {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    TimeMs, u64
}

number! {
    /// Days since 1970-01-01, in UTC: what inbox rows expire by.
    Day, u32
}

impl TimeMs {
    /// The day of this time.
    #[must_use]
    pub fn day(self) -> Day {
        // The last day that fits is in the year 11,761,191.
        Day(u32::try_from(self.0 / 86_400_000).unwrap_or(u32::MAX))
    }
}

impl Epoch {
    /// The epoch in which every chat begins.
    pub const FIRST: Self = Self(1);

    /// None of the chat's messages: the key of what a group is called and looks like.
    pub const PROFILE: Self = Self(0);
}

/// One life of the topics: their partition counts are fixed for it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub [u8; 16]);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogId({self})")
    }
}

/// A chat. The first byte is its kind, of which later versions know more; the rest of a direct chat's id is derived
/// from its two users, so that both sides reach it without a look-up, and that of a group from whoever made it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChatId([u8; Self::BYTES]);

impl ChatId {
    /// The length of the binary form; its text form is base64url and has 32 characters.
    pub const BYTES: usize = 24;
    /// The length of the text form.
    pub const TEXT_BYTES: usize = 32;
    const DIRECT: u8 = 1;
    const GROUP: u8 = 2;

    /// The direct chat of two users, in either order: 23 bytes of SHA-256 over both ids, each behind its length, so
    /// that no two pairs give the same input.
    #[must_use]
    pub fn direct(one: &UserId, other: &UserId) -> Self {
        let (low, high) = if one <= other { (one, other) } else { (other, one) };
        let mut hash = Sha256::new_with_prefix(b"chasqui direct chat\0");
        for user in [low, high] {
            hash.update((user.as_str().len() as u64).to_be_bytes());
            hash.update(user.as_str());
        }
        Self::hashed(Self::DIRECT, hash)
    }

    /// The group that a device of a user makes as its `counter`th: who asks for it again reaches the same one, and nobody else
    /// reaches it. 23 bytes of SHA-256 over the ids, each behind its length, and the counter.
    #[must_use]
    pub fn group(creator: &UserId, device: &DeviceId, counter: Counter) -> Self {
        let mut hash = Sha256::new_with_prefix(b"chasqui group\0");
        for id in [creator.as_str(), device.as_str()] {
            hash.update((id.len() as u64).to_be_bytes());
            hash.update(id);
        }
        hash.update(counter.0.to_be_bytes());
        Self::hashed(Self::GROUP, hash)
    }

    fn hashed(kind: u8, hash: Sha256) -> Self {
        let digest = hash.finalize();
        let mut bytes = [0; Self::BYTES];
        bytes[0] = kind;
        bytes[1..].copy_from_slice(&digest[..Self::BYTES - 1]);
        Self(bytes)
    }

    /// Whether it is a group.
    #[must_use]
    pub fn is_group(&self) -> bool {
        self.0[0] == Self::GROUP
    }

    /// The binary form.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Takes the binary form.
    ///
    /// # Errors
    /// When the length is not that of a chat id.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
        bytes.try_into().map(Self).map_err(|_| IdError::Chat)
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// When the text is not that of a chat id.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let mut bytes = [0; Self::BYTES];
        // The array holds an id exactly, so a longer text fails.
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(Self::BYTES) => Ok(Self(bytes)),
            _ => Err(IdError::Chat),
        }
    }

    /// Writes the text form to where the caller has room for it.
    #[must_use]
    pub fn text<'a>(&self, room: &'a mut [u8; Self::TEXT_BYTES]) -> &'a str {
        // It fits exactly, and base64 is always UTF-8.
        let length = URL_SAFE_NO_PAD.encode_slice(self.0, &mut room[..]).unwrap_or_default();
        str::from_utf8(&room[..length]).unwrap_or_default()
    }
}

impl fmt::Display for ChatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(&mut [0; Self::TEXT_BYTES]))
    }
}

impl fmt::Debug for ChatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChatId({self})")
    }
}

/// A place in a user's inbox. The partition is implied by the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// The life of the topics that the offset belongs to.
    pub log: LogId,
    /// The offset in the user's inbox partition.
    pub offset: Offset,
}

/// Where a command stands, and which of its outputs this is: the cause that events and inbox records carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// The life of the topics that the command was read from.
    pub log: LogId,
    /// The partition of `commands`.
    pub partition: Partition,
    /// The offset in it.
    pub offset: Offset,
    /// The number of this output among the command's outputs of its sort, from 0.
    pub index: u32,
}

impl Source {
    /// The same command, another of its outputs.
    #[must_use]
    pub fn with_index(self, index: u32) -> Self {
        Self { index, ..self }
    }

    /// Whether this command comes before `offset` of `log`. Commands of other lives of the topics count as before.
    #[must_use]
    pub fn is_before(&self, log: LogId, offset: Offset) -> bool {
        self.log != log || self.offset < offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> UserId {
        UserId::new(text).unwrap()
    }

    #[test]
    fn a_direct_chat_is_the_same_from_both_sides_and_no_other_pair_has_it() {
        let chat = ChatId::direct(&user("alice"), &user("bob"));
        assert_eq!(chat, ChatId::direct(&user("bob"), &user("alice")));
        assert_ne!(chat, ChatId::direct(&user("aliceb"), &user("ob")));
        assert_eq!(ChatId::parse(&chat.to_string()), Ok(chat));
        assert_eq!(chat.to_string().len(), 32);
    }

    #[test]
    fn a_group_is_its_creators_and_no_two_are_the_same() {
        let id = |name, device, counter| ChatId::group(&user(name), &DeviceId::new(device).unwrap(), Counter(counter));
        let group = id("alice", "phone", 1);
        assert_eq!(group.to_string(), "Ahj8oEoaAaa3e2updWwumrzyItQPma70");
        assert!(group.is_group() && !ChatId::direct(&user("alice"), &user("bob")).is_group());
        for other in [id("alice", "phone", 2), id("alice", "pad", 1), id("bob", "phone", 1), id("alicep", "hone", 1)] {
            assert_ne!(group, other);
        }
    }

    #[test]
    fn the_derived_id_never_changes() {
        let chat = ChatId::direct(&user("alice"), &user("bob"));
        assert_eq!(chat.to_string(), "AcKUOzVCIX6aUPCc_gULE5PWTI8AJLGS");
    }

    #[test]
    fn ids_refuse_what_they_cannot_hold() {
        assert!(matches!(UserId::new(""), Err(IdError::Length { bytes: 0, .. })));
        assert!(matches!(UserId::new("a\nb"), Err(IdError::Character { character: '\n', .. })));
        assert!(matches!(DeviceId::new("my phone"), Err(IdError::Character { character: ' ', .. })));
        assert!(UserId::new("x".repeat(129)).is_err());
        let chat = ChatId::direct(&user("alice"), &user("bob")).to_string();
        for wrong in ["", "nope", &chat[1..], &chat[..31], &format!("{chat}A"), &chat.repeat(2), "ñ"] {
            assert_eq!(ChatId::parse(wrong), Err(IdError::Chat), "{wrong}");
        }
    }
}
