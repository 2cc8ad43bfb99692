//! Who is there, and until when: what the identity provider's tokens say.

use std::time::Duration;

use chasqui_auth::{Identity, Refusal, WriteTo};
use chasqui_wire::Code;

use crate::shared::Shared;

/// What a session may do, by its newest token.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// When the session ends, on the runtime's monotonic clock.
    pub(crate) until: Duration,
    /// To whom the user may write, as far as the token says so.
    pub(crate) write_to: WriteTo,
}

impl Grant {
    pub(crate) fn new(shared: &Shared, identity: Identity) -> Self {
        let left = Duration::from_millis(identity.until.0.saturating_sub(shared.runtime.now().0));
        Self { until: shared.runtime.monotonic().saturating_add(left), write_to: identity.write_to }
    }
}

/// Who a token names. Cancel safe.
///
/// # Errors
/// What whoever brings it is told: less than is known.
pub(crate) async fn verify(shared: &Shared, token: &str) -> Result<Identity, Code> {
    shared.verifier.verify(token).await.map_err(|refusal| {
        tracing::debug!(%refusal, "a token is not taken");
        match refusal {
            Refusal::Expired => Code::TokenExpired,
            Refusal::NotYet | Refusal::Invalid { .. } => Code::Unauthorized,
            Refusal::KeysAway => Code::Unavailable,
        }
    })
}
