//! To whom a token says its user may write.

use std::{collections::BTreeSet, sync::Arc};

use chasqui_domain::UserId;
use serde_json::Value;

/// The claim's value for everybody.
const EVERYBODY: &str = "*";

/// To whom a token says its user may write. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteTo {
    /// To everybody.
    Everybody,
    /// To these, and nobody else.
    Users(Arc<BTreeSet<UserId>>),
}

impl Default for WriteTo {
    /// To nobody.
    fn default() -> Self {
        Self::Users(Arc::default())
    }
}

impl WriteTo {
    /// Whether this user is meant.
    #[must_use]
    pub fn includes(&self, user: &UserId) -> bool {
        match self {
            Self::Everybody => true,
            Self::Users(users) => users.contains(user),
        }
    }

    /// Reads a claim; none when it is something else.
    pub(crate) fn from_claim(claim: &Value) -> Option<Self> {
        match claim {
            Value::String(text) if text == EVERYBODY => Some(Self::Everybody),
            Value::Array(users) => {
                let users: Option<BTreeSet<_>> = users.iter().map(|user| UserId::new(user.as_str()?).ok()).collect();
                users.map(|users| Self::Users(Arc::new(users)))
            }
            _ => None,
        }
    }
}
