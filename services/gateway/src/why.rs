//! Why a message isn't taken.

use std::time::Duration;

use chasqui_wire::Code;

use crate::quota::TooMuch;

/// Why a message has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Why {
    pub(crate) code: Code,
    pub(crate) retry_in_ms: Option<u32>,
}

impl Why {
    /// The user has done more than is allowed.
    pub(crate) fn too_much(code: Code, too_much: TooMuch) -> Self {
        Self { code, retry_in_ms: Some(too_much.retry_in_ms()) }
    }

    /// Whether the message may be sent again.
    pub(crate) fn is_for_a_while(self) -> bool {
        self.code.retry()
    }

    /// Until when not; zero when nobody knows.
    pub(crate) fn retry_in(self) -> Duration {
        Duration::from_millis(u64::from(self.retry_in_ms.unwrap_or_default()))
    }

    /// The same when some time has passed.
    pub(crate) fn later(self, passed: Duration) -> Self {
        let passed = u32::try_from(passed.as_millis()).unwrap_or(u32::MAX);
        // Never 0, as if it were known that all is well.
        Self { retry_in_ms: self.retry_in_ms.map(|wait| wait.saturating_sub(passed).max(1)), ..self }
    }
}

impl From<Code> for Why {
    fn from(code: Code) -> Self {
        Self { code, retry_in_ms: None }
    }
}
