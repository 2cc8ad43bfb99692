//! Asks the operator's server who may write to whom.

use std::{sync::Arc, time::Duration};

use chasqui_domain::UserId;
use chasqui_runtime::Runtime;
use moka::future::Cache;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::{
    limits,
    outbound::{Address, CallError, Caller, Outbound, OutboundError},
};

/// How to ask.
#[derive(Clone)]
pub struct HookOptions {
    /// Where.
    pub address: Address,
    /// What is sent as bearer token.
    pub token: Option<String>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long an answer counts.
    pub answers_count: Duration,
}

/// Nobody can say now. A retry may help.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the policy hook gives no answer")]
pub struct Unavailable(#[source] Arc<Error>);

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the answer is not {{\"allowed\": true}} or {{\"allowed\": false}}")]
    Answer(#[from] serde_json::Error),
    #[error("it took too long")]
    Elapsed,
}

#[derive(Serialize)]
struct Question<'a> {
    from: &'a str,
    to: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    allowed: bool,
}

#[derive(Clone, Copy)]
struct Kept {
    allowed: bool,
    /// On the runtime's clock, from the start of the question. The cache's own clock only tidies up.
    until: Duration,
}

/// Asks the operator's server who may write to whom.
pub struct Hook {
    caller: Caller,
    options: HookOptions,
    runtime: Runtime,
    kept: Cache<(UserId, UserId), Kept>,
    calls: Semaphore,
}

impl Hook {
    /// A hook; nothing is asked yet.
    ///
    /// # Errors
    /// When the client for it can't be made.
    pub fn new(outbound: &Outbound, options: HookOptions, runtime: Runtime) -> Result<Self, OutboundError> {
        let caller = outbound.caller(options.address.clone())?;
        let kept = Cache::builder().max_capacity(limits::HOOK_ANSWERS_MAX).time_to_live(options.answers_count).build();
        Ok(Self { caller, options, runtime, kept, calls: Semaphore::new(limits::HOOK_CALLS_MAX) })
    }

    /// Questions for the same two users at the same time are one.
    pub(crate) async fn may_write(&self, from: &UserId, to: &UserId) -> Result<bool, Unavailable> {
        let pair = (from.clone(), to.clone());
        if let Some(kept) = self.kept.get(&pair).await {
            if kept.until > self.runtime.monotonic() {
                return Ok(kept.allowed);
            }
            self.kept.invalidate(&pair).await;
        }
        let kept = self.kept.try_get_with(pair, self.ask(from, to)).await.map_err(Unavailable)?;
        Ok(kept.allowed)
    }

    async fn ask(&self, from: &UserId, to: &UserId) -> Result<Kept, Error> {
        let until = self.runtime.monotonic().saturating_add(self.options.answers_count);
        let mut request = self.caller.post().json(&Question { from: from.as_str(), to: to.as_str() });
        if let Some(token) = &self.options.token {
            request = request.bearer_auth(token);
        }
        let call = async {
            // Never closed.
            let _permit = self.calls.acquire().await;
            self.caller.send(request, limits::HOOK_ANSWER_BYTES_MAX).await
        };
        let answer = self.runtime.timeout(self.options.timeout, call).await.map_err(|_| Error::Elapsed)??;
        let Answer { allowed } = serde_json::from_slice(&answer)?;
        Ok(Kept { allowed, until })
    }
}
