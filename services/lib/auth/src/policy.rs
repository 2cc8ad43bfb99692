//! Who may write to whom.

use chasqui_domain::UserId;

use crate::{
    access::WriteTo,
    hook::{Hook, Unavailable},
};

/// Who may write to whom.
pub enum Policy {
    /// Everybody to everybody.
    Open,
    /// The sender's token says.
    Token,
    /// The operator's server says.
    Hook(Box<Hook>),
}

impl Policy {
    /// Whether `from`, whose token says `write_to`, may write to `to`. Cancel safe.
    ///
    /// # Errors
    /// When nobody can say now. The answer may be there later; until then it is not a yes.
    pub async fn may_write(&self, from: &UserId, write_to: &WriteTo, to: &UserId) -> Result<bool, Unavailable> {
        match self {
            Self::Open => Ok(true),
            Self::Token => Ok(write_to.includes(to)),
            Self::Hook(hook) => hook.may_write(from, to).await,
        }
    }
}
