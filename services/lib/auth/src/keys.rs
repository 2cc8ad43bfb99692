//! The identity provider's keys: read when they are first needed, kept, and read again when they are old or a token
//! names one that is not among them.

use std::{sync::Arc, time::Duration};

use chasqui_runtime::Runtime;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::{Refusal, jwks::KeySet, limits, source::Source};

/// How often keys are read.
#[derive(Debug, Clone, Copy)]
pub struct Refresh {
    /// How long they count until they are read again. While they can't be read the last ones go on counting.
    pub every: Duration,
    /// The least time between two reads, whatever tokens name.
    pub least: Duration,
}

/// The identity provider's keys. Clones are the same.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    source: Arc<dyn Source>,
    refresh: Refresh,
    runtime: Runtime,
    state: Mutex<State>,
    /// A permit for every token that waits until the keys may be read again.
    waiting: Semaphore,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    /// When the last read began.
    tried_at: Option<Duration>,
    reading: Option<Shared<BoxFuture<'static, ()>>>,
    /// The last read failed.
    is_away: bool,
}

#[derive(Clone)]
struct Kept {
    keys: Arc<KeySet>,
    /// When the read began that gave them: what the provider did later may not be in them.
    read_at: Duration,
}

impl Keys {
    /// Keys from this source; nothing is read yet.
    #[must_use]
    pub fn new(source: Arc<dyn Source>, refresh: Refresh, runtime: Runtime) -> Self {
        let waiting = Semaphore::new(limits::UNKNOWN_KEY_WAITING_MAX);
        Self(Arc::new(Inner { source, refresh, runtime, state: Mutex::default(), waiting }))
    }

    /// The key that a token of this header is verified with. Doesn't wait while the keys are fresh and it is among
    /// them. Cancel safe.
    pub(crate) async fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<DecodingKey, Refusal> {
        let unknown = Refusal::invalid("no key of the provider fits it");
        let asked_at = self.0.runtime.monotonic();
        let kept = self.fresh(asked_at).await?;
        if let Some(key) = kept.keys.find(algorithm, kid) {
            return Ok(key);
        }
        // Only a name can be that of a key that is newer than the ones kept.
        if kid.is_none() || kept.read_at >= asked_at {
            return Err(unknown);
        }
        let kept = self.newer(asked_at).await?;
        kept.keys.find(algorithm, kid).ok_or(unknown)
    }

    /// The keys, no older than they may be unless the source is away.
    async fn fresh(&self, now: Duration) -> Result<Kept, Refusal> {
        let every = self.0.refresh.every;
        let (kept, is_away) = {
            let state = self.0.state.lock();
            (state.kept.clone(), state.is_away)
        };
        if let Some(kept) = kept {
            let age = now.saturating_sub(kept.read_at);
            // Begun early, so that hardly anybody waits for it.
            if age >= every / 4 * 3 {
                let reading = self.begin();
                if age >= every && !is_away {
                    finish(reading).await;
                    return self.kept();
                }
            }
            return Ok(kept);
        }
        finish(self.begin()).await;
        self.kept()
    }

    /// The keys as they were read after `asked_at`, as soon as they may be read again.
    async fn newer(&self, asked_at: Duration) -> Result<Kept, Refusal> {
        let _permit = self.0.waiting.try_acquire().map_err(|_| Refusal::KeysAway)?;
        let pause = self.0.may_read_in();
        if pause > limits::UNKNOWN_KEY_WAIT {
            return Err(Refusal::KeysAway);
        }
        if !pause.is_zero() {
            self.0.runtime.sleep(pause).await;
        }
        finish(self.begin()).await;
        self.kept().ok().filter(|kept| kept.read_at >= asked_at).ok_or(Refusal::KeysAway)
    }

    fn kept(&self) -> Result<Kept, Refusal> {
        self.0.state.lock().kept.clone().ok_or(Refusal::KeysAway)
    }

    /// Begins to read the keys unless that is under way or was begun too short a time ago; gives the read under way.
    fn begin(&self) -> Option<Shared<BoxFuture<'static, ()>>> {
        let mut state = self.0.state.lock();
        let now = self.0.runtime.monotonic();
        // One whose task died is over too.
        let is_over = state.reading.as_ref().is_none_or(|reading| reading.peek().is_some());
        if is_over && state.may_read_in(now, self.0.refresh.least).is_zero() {
            state.tried_at = Some(now);
            // It ends also when all who wait for it go away: what it brings is of use to others.
            let mut task = self.0.runtime.spawn("keys", read(self.0.clone(), now));
            state.reading = Some(async move { task.join().await.unwrap_or_default() }.boxed().shared());
        }
        state.reading.clone()
    }
}

async fn finish(reading: Option<Shared<BoxFuture<'static, ()>>>) {
    if let Some(reading) = reading {
        reading.await;
    }
}

async fn read(inner: Arc<Inner>, began: Duration) {
    let result = inner.runtime.timeout(limits::JWKS_PATIENCE, inner.source.read()).await;
    let keys = match result {
        Ok(Ok(text)) => KeySet::parse(&text).map_err(|error| with_causes(&error)),
        Ok(Err(error)) => Err(with_causes(&error)),
        Err(_) => Err("it took too long".to_owned()),
    };
    let mut state = inner.state.lock();
    state.reading = None;
    let was_away = std::mem::replace(&mut state.is_away, keys.is_err());
    match keys {
        Ok(keys) => {
            let keys = Arc::new(keys);
            if was_away || state.kept.is_none() {
                tracing::info!(keys = keys.len(), "the identity provider's keys were read");
            }
            if keys.len() == 0 {
                tracing::warn!("the identity provider has no key that can count");
            }
            state.kept = Some(Kept { keys, read_at: began });
        }
        // Once while it lasts.
        Err(error) if !was_away => {
            tracing::warn!(error, has_keys = state.kept.is_some(), "the identity provider's keys can't be read");
        }
        Err(_) => {}
    }
}

impl Inner {
    fn may_read_in(&self) -> Duration {
        self.state.lock().may_read_in(self.runtime.monotonic(), self.refresh.least)
    }
}

impl State {
    fn may_read_in(&self, now: Duration, least: Duration) -> Duration {
        self.tried_at.map_or(Duration::ZERO, |tried_at| tried_at.saturating_add(least).saturating_sub(now))
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += ": ";
        text += &error.to_string();
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
