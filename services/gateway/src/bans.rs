//! Keeps out who is banned.
//!
//! A ban is a row of the store, and then a record of `revocations`. A session first registers and then reads the row;
//! every gateway reads the records, and ends the sessions that are registered. So whichever comes first, the other one
//! sees it. Nobody is let in while the store doesn't answer.

use std::{panic::AssertUnwindSafe, sync::Arc};

use chasqui_domain::{DeviceId, UserId};
use chasqui_log::{Error as LogError, Reader, Record};
use chasqui_wire::{Code, revocation::Revocation};
use futures::FutureExt;

use crate::{Error, limits, shared::Shared, uplink};

/// Whether a user may go on, with one of their devices if there is one.
///
/// # Errors
/// [`Code::Banned`]; [`Code::Unavailable`] when the store doesn't say.
pub(crate) async fn check(shared: &Shared, user: &UserId, device: Option<&DeviceId>) -> Result<(), Code> {
    match shared.runtime.timeout(limits::BAN_PATIENCE, shared.store.bans_of(user, device)).await {
        Ok(Ok(bans)) if bans.is_empty() => Ok(()),
        Ok(Ok(_)) => Err(Code::Banned),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the store doesn't say who is banned");
            Err(Code::Unavailable)
        }
        Err(_) => {
            tracing::warn!("the store doesn't say in time who is banned");
            Err(Code::Unavailable)
        }
    }
}

/// Reads the revocations that come from now on.
pub(crate) async fn reader(shared: &Shared) -> Result<Box<dyn Reader>, Error> {
    let (log, at) = (&shared.uplink.log, uplink::revocations());
    let end = log.bounds(&at).await?.end;
    Ok(log.reader(&at, end).await?)
}

/// Ends the sessions of those who are banned, and stops the gateway when it can't.
pub(crate) async fn supervise(shared: Arc<Shared>, reader: Box<dyn Reader>) {
    let run = AssertUnwindSafe(run(&shared, reader));
    let why = run.catch_unwind().await.unwrap_or(Error::Panicked);
    shared.stop(why);
}

async fn run(shared: &Shared, mut reader: Box<dyn Reader>) -> Error {
    let mut pause = limits::RETRY;
    loop {
        match reader.next(limits::TOPIC_READ_BYTES).await {
            Ok(records) => {
                pause = limits::RETRY;
                for record in records {
                    revoke(shared, &record).await;
                }
            }
            Err(LogError::Trimmed { start }) => {
                tracing::warn!(start = start.0, "bans were passed over: all sessions are looked at");
                look_at_all(shared).await;
            }
            Err(error) if error.is_retryable() => {
                tracing::warn!(%error, "bans can't be read");
                shared.runtime.sleep(pause).await;
                pause = (pause * 2).min(limits::RETRY_MAX);
            }
            Err(error) => return error.into(),
        }
    }
}

async fn revoke(shared: &Shared, record: &Record) {
    match Revocation::decode(&record.value) {
        Ok(Revocation { user, device }) => shared.registry.close_of(&user, device.as_ref(), Code::Banned),
        Err(error) => {
            tracing::error!(offset = record.offset.0, %error, "a ban can't be read: all sessions are looked at");
            look_at_all(shared).await;
        }
    }
}

/// Ends the sessions of all who are banned according to the store, however long it takes to answer.
async fn look_at_all(shared: &Shared) {
    let mut pause = limits::RETRY;
    for (user, device) in shared.registry.devices() {
        loop {
            match check(shared, &user, Some(&device)).await {
                Ok(()) => break,
                Err(Code::Banned) => {
                    shared.registry.close_of(&user, Some(&device), Code::Banned);
                    break;
                }
                Err(_) => {
                    shared.runtime.sleep(pause).await;
                    pause = (pause * 2).min(limits::RETRY_MAX);
                }
            }
        }
    }
}
