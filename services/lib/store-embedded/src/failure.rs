//! The first fault of a store, after which all of its calls are answered with it.

use std::sync::atomic::{AtomicBool, Ordering};

use chasqui_store::Error;
use tokio::sync::watch;

/// The first fault, kept.
#[derive(Debug)]
pub(crate) struct Failure {
    first: watch::Sender<Option<Error>>,
    /// Read before every write to the disk, where waiting for a lock would be felt.
    is_set: AtomicBool,
}

impl Failure {
    pub(crate) fn new() -> Self {
        Self { first: watch::Sender::new(None), is_set: AtomicBool::new(false) }
    }

    /// Keeps the fault if it is the first, and gives back the first.
    pub(crate) fn set(&self, error: Error) -> Error {
        let first = self.first.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert_with(|| error.clone());
            is_first
        });
        self.is_set.store(true, Ordering::Release);
        if first {
            tracing::error!(%error, "the store failed");
        }
        self.get().unwrap_or(error)
    }

    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    pub(crate) fn get(&self) -> Option<Error> {
        self.first.borrow().clone()
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        self.get().map_or(Ok(()), Err)
    }

    /// Waits for the fault.
    pub(crate) async fn wait(&self) -> Error {
        let mut first = self.first.subscribe();
        match first.wait_for(Option::is_some).await.map(|first| first.clone()) {
            Ok(Some(error)) => error,
            // The sender is `self`, so it is still there.
            Ok(None) | Err(_) => Error::Closed,
        }
    }
}
