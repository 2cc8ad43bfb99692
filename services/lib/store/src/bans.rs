//! Bans: who is kept out.

use chasqui_domain::{DeviceId, TimeMs, UserId};

/// The most bytes that the reason of a ban may have.
pub const BAN_REASON_BYTES_MAX: usize = 1024;

/// Who is banned. Sorts by user; a user's own ban comes before those of their devices.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BanKey {
    /// The user.
    pub user: UserId,
    /// Only this device of theirs; none when it is all of them.
    pub device: Option<DeviceId>,
}

impl BanKey {
    /// The bans that keep a device out: that of its user, then its own.
    #[must_use]
    pub fn keeping_out(user: &UserId, device: Option<&DeviceId>) -> Vec<Self> {
        let own = device.map(|device| Self { user: user.clone(), device: Some(device.clone()) });
        std::iter::once(Self { user: user.clone(), device: None }).chain(own).collect()
    }
}

/// Why a text is no reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a reason has at most {BAN_REASON_BYTES_MAX} bytes, this one has {bytes}")]
pub struct ReasonError {
    /// How long it was.
    pub bytes: usize,
}

/// The reason of a ban, for the operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BanReason(String);

impl BanReason {
    /// Takes a text.
    ///
    /// # Errors
    /// When it is longer than [`BAN_REASON_BYTES_MAX`].
    pub fn new(text: impl Into<String>) -> Result<Self, ReasonError> {
        let text = text.into();
        if text.len() <= BAN_REASON_BYTES_MAX { Ok(Self(text)) } else { Err(ReasonError { bytes: text.len() }) }
    }

    /// The reason as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A user or one of their devices is kept out, from `since` on until the ban is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Who.
    pub key: BanKey,
    /// Since when. A ban that is written again keeps the first time.
    pub since: TimeMs,
    /// Why; a ban that is written again takes the newer one.
    pub reason: Option<BanReason>,
}
