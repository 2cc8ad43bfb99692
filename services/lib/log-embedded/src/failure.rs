//! The first fault after which a log can't go on, kept.

use chasqui_log::Error;
use tokio::sync::watch;

/// A log fails when a sync fails behind which something was shown to readers ahead: what they have seen may be gone.
#[derive(Debug)]
pub(crate) struct Failure(watch::Sender<Option<Error>>);

impl Failure {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Keeps the fault if it is the first.
    pub(crate) fn set(&self, error: &Error) {
        self.0.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert_with(|| error.clone());
            is_first
        });
    }

    pub(crate) fn get(&self) -> Option<Error> {
        self.0.borrow().clone()
    }

    /// Waits for the fault. Cancel safe.
    pub(crate) async fn wait(&self) -> Error {
        let mut first = self.0.subscribe();
        match first.wait_for(Option::is_some).await.map(|first| first.clone()) {
            Ok(Some(error)) => error,
            // The sender is `self`, so it is still there.
            Ok(None) | Err(_) => Error::Closed,
        }
    }
}
